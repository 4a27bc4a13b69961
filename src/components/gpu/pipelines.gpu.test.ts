import {afterAll, beforeAll, expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {openTestGpu} from "../../testing/test-gpu.js";
import type {Gpu} from "./device.js";
import {GpuError} from "./errors.js";
import type {Kernels} from "./kernels.js";
import {createPipeline} from "./pipelines.js";
import {Readback} from "./readback.js";

let gpu: Gpu;
const uncaptured: string[] = [];
beforeAll(async () => {
  gpu = await openTestGpu();
  gpu.onError(({message}) => uncaptured.push(message));
});
afterAll(() => gpu.destroy());

const code = `
override count: u32;
override factor: u32 = 3u;
@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(count) fn main(@builtin(local_invocation_index) i: u32) { data[i] = i * factor; }`;

test("a kernel that does not compile is named, with the line and what the compiler says", async () => {
  const kernels = asKernels("stages/broken.wgsl", code.replace("data[i] =", "data[i] = vec2f() *"));
  const failing = createPipeline(gpu.device, kernels, {path: "stages/broken.wgsl", constants: {count: 4}});
  await expect(failing).rejects.toThrow(GpuError);
  await expect(failing).rejects.toThrow(/^kernels\/stages\/broken\.wgsl does not compile: \d+: .*vec2/s);
});

test("a kernel that the device cannot run is named", async () => {
  const count = 2 * gpu.device.limits.maxComputeInvocationsPerWorkgroup;
  const failing = createPipeline(gpu.device, asKernels("large.wgsl", code), {path: "large.wgsl", constants: {count}});
  await expect(failing).rejects.toThrow(GpuError);
  await expect(failing).rejects.toThrow(/^kernels\/large\.wgsl makes no pipeline on this device: /);
});

test("constants that a kernel does not declare are left out, the others count", async () => {
  const constants = {count: 4, factor: 5, layers: 32};
  const pipeline = await createPipeline(gpu.device, asKernels("five.wgsl", code), {path: "five.wgsl", constants});
  expect(await run(pipeline, 4)).toEqual([0, 5, 10, 15]);
});

test("a readback reads from an offset, and again", async () => {
  const buffer = gpu.device.createBuffer({size: 32, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST});
  const readback = new Readback(gpu.device, 8);
  gpu.device.queue.writeBuffer(buffer, 0, new Uint32Array([0, 1, 2, 3, 4, 5, 6, 7]));
  expect([...new Uint32Array(await readback.read(buffer, 12))]).toEqual([3, 4]);
  gpu.device.queue.writeBuffer(buffer, 12, new Uint32Array([30, 40]));
  expect([...new Uint32Array(await readback.read(buffer, 12))]).toEqual([30, 40]);
  expect([...new Uint32Array(await readback.read(buffer))]).toEqual([0, 1]);
  readback.destroy();
  buffer.destroy();
});

test.each([
  {of: "a destroyed buffer", size: 32, destroyed: true},
  {of: "a buffer that is too short", size: 4, destroyed: false}
])("a readback of $of is an error, no zeros, and the next one reads again", async ({size, destroyed}) => {
  const {device} = gpu;
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({label: "state", size, usage});
  const whole = device.createBuffer({size: 8, usage});
  device.queue.writeBuffer(whole, 0, new Uint32Array([5, 6]));
  if (destroyed) buffer.destroy();
  const readback = new Readback(device, 8);
  const reading = readback.read(buffer);
  await expect(reading).rejects.toThrow(GpuError);
  await expect(reading).rejects.toThrow(/^reading 8 bytes of state: /);
  expect([...new Uint32Array(await readback.read(whole))]).toEqual([5, 6]);
  for (const made of [buffer, whole, readback]) made.destroy();
});

test("errors of pipelines are reported once", () => {
  expect(uncaptured).toEqual([]);
});

function asKernels(path: string, code: string): Kernels {
  return readKernels({[path]: code});
}

async function run(pipeline: GPUComputePipeline, count: number): Promise<number[]> {
  const {device} = gpu;
  const buffer = device.createBuffer({size: 4 * count, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC});
  const entries = [{binding: 0, resource: {buffer}}];
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries}));
  pass.dispatchWorkgroups(1);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const readback = new Readback(device, 4 * count);
  const values = [...new Uint32Array(await readback.read(buffer))];
  readback.destroy();
  buffer.destroy();
  return values;
}
