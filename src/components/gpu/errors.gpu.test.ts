import {afterAll, beforeAll, expect, test} from "vitest";
import {openTestGpu} from "../../testing/test-gpu.js";
import type {Gpu} from "./device.js";
import {finishWork, guard, GpuError} from "./errors.js";

let gpu: Gpu;
const uncaptured: string[] = [];
beforeAll(async () => {
  gpu = await openTestGpu();
  gpu.onError(({message}) => uncaptured.push(message));
});
afterAll(() => gpu.destroy());

const badUsage = 0x8000_0000;

test("calls that succeed give their result", async () => {
  const size = await guard(gpu.device, "making a buffer", () => {
    const buffer = gpu.device.createBuffer({size: 16, usage: GPUBufferUsage.STORAGE});
    buffer.destroy();
    return buffer.size;
  });
  expect(size).toBe(16);
});

test("a rejected call says what was being done and what the implementation said", async () => {
  const calls = () => gpu.device.createBuffer({size: 16, usage: badUsage, label: "the wrong one"});
  const failing = guard(gpu.device, "making a buffer", calls);
  await expect(failing).rejects.toThrow(GpuError);
  await expect(failing).rejects.toThrow(/^making a buffer: .*usage/is);
});

test("more memory than the device allows is an error too", async () => {
  const size = gpu.device.limits.maxBufferSize + 4;
  const calls = () => gpu.device.createBuffer({size, usage: GPUBufferUsage.STORAGE});
  await expect(guard(gpu.device, "allocating", calls)).rejects.toThrow(/^allocating: /);
});

test("what the calls throw comes out as it is, and leaves no scope open", async () => {
  const boom = new TypeError("boom");
  const throwing = guard(gpu.device, "failing", () => {
    throw boom;
  });
  await expect(throwing).rejects.toBe(boom);
  await expect(gpu.device.popErrorScope()).rejects.toThrow();
});

test("guards at the same time keep their errors apart", async () => {
  const make = (usage: number) => () => void gpu.device.createBuffer({size: 16, usage});
  const results = await Promise.allSettled([
    guard(gpu.device, "first", make(GPUBufferUsage.STORAGE)),
    guard(gpu.device, "second", make(badUsage)),
    guard(gpu.device, "third", make(GPUBufferUsage.STORAGE))
  ]);
  expect(results.map(({status}) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
});

test("calls on a device that is lost, which WebGPU accepts, are an error", async () => {
  const own = await openTestGpu();
  await guard(own.device, "submitting", () => own.device.queue.submit([]));
  own.device.destroy();
  const calls = guard(own.device, "submitting", () => own.device.queue.submit([]));
  await expect(calls).rejects.toThrow(GpuError);
  await expect(calls).rejects.toThrow(/^submitting: the device was lost \(destroyed\): /);
  await expect(finishWork(own.device, "waiting")).rejects.toThrow(/^waiting: the device was lost \(destroyed\): /);
});

test("nothing that a guard reported is reported again", () => {
  expect(uncaptured).toEqual([]);
});
