import {expect, test} from "vitest";
import {finishWork, GpuError} from "./errors.js";

test("a device that is lost while its work is awaited is an error, though WebGPU says that all work is done", async () => {
  let lose: (info: Pick<GPUDeviceLostInfo, "reason" | "message">) => void = () => {};
  let finish = () => {};
  const device = {
    lost: new Promise((resolve) => (lose = resolve)),
    queue: {onSubmittedWorkDone: () => new Promise<void>((resolve) => (finish = resolve))}
  } as unknown as GPUDevice;
  const finishing = finishWork(device, "decoding");
  lose({reason: "unknown", message: "the GPU was reset"});
  finish();
  await expect(finishing).rejects.toThrow(new GpuError("decoding: the device was lost (unknown): the GPU was reset"));
  const next = finishWork(device, "decoding");
  finish();
  await expect(next).rejects.toThrow(GpuError);
});

test("work of a device that is there is finished when WebGPU says so", async () => {
  const device = {lost: new Promise(() => {}), queue: {onSubmittedWorkDone: () => Promise.resolve()}};
  await expect(finishWork(device as unknown as GPUDevice, "decoding")).resolves.toBeUndefined();
});
