import {expect, test} from "vitest";
import {openDawn} from "../../cli/dawn.js";
import {openTestGpu} from "../../testing/test-gpu.js";
import {deviceSchema} from "../lab/record.js";
import {describeAdapter, limitNames, NoGpuError, openGpu} from "./device.js";

test("a device has every limit and every kernel feature of its adapter, and no timestamps", async () => {
  const {adapter, device, destroy} = await openTestGpu();
  for (const name of limitNames) expect(device.limits[name], name).toBe(adapter.limits[name]);
  expect(device.features.has("subgroups")).toBe(adapter.features.has("subgroups"));
  expect(device.features.has("timestamp-query")).toBe(false);
  destroy();
});

test("a device's description fits the record and says what is software", async () => {
  const {description, destroy} = await openTestGpu();
  expect(deviceSchema.parse(description)).toEqual(description);
  if (/llvmpipe|SwiftShader/.test(description.label)) expect(description.software).toBe(true);
  destroy();
});

test("a device's description has the features of WGSL that kernels need, as far as they are there", async () => {
  const {adapter, description, destroy} = await openTestGpu();
  expect(description.features).toContain("packed_4x8_integer_dot_product"); // Dawn has it on every driver
  expect(describeAdapter(adapter, {} as GPU).features).toEqual([...adapter.features].sort());
  destroy();
});

test.each([
  {gpu: undefined, says: /no WebGPU/},
  {gpu: {requestAdapter: async () => null} as unknown as GPU, says: /no adapter/}
])("without a GPU the message says $says", async ({gpu, says}) => {
  await expect(openGpu(gpu)).rejects.toThrow(NoGpuError);
  await expect(openGpu(gpu)).rejects.toThrow(says);
});

test("errors outside error scopes reach the listener until it is removed", async () => {
  const gpu = await openGpu(openDawn());
  const messages: string[] = [];
  const remove = gpu.onError(({message}) => messages.push(message));
  const makeError = async () => {
    gpu.device.createBuffer({size: 4, usage: 0x8000_0000});
    await gpu.device.queue.onSubmittedWorkDone();
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  await makeError();
  expect(messages).toHaveLength(1);
  remove();
  // Without a listener Node's Dawn prints the error instead.
  gpu.device.addEventListener("uncapturederror", (event) => event.preventDefault());
  await makeError();
  expect(messages).toHaveLength(1);
  gpu.destroy();
});

test("destroying a device resolves `lost`", async () => {
  const gpu = await openTestGpu();
  gpu.destroy();
  expect((await gpu.lost).reason).toBe("destroyed");
});
