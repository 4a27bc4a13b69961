import {expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {countBuffers, openTestGpu} from "../../testing/test-gpu.js";
import {GpuError} from "./errors.js";
import {PassTimer, whyNoTime} from "./pass-timer.js";
import {createPipeline} from "./pipelines.js";

const kernels = readKernels();
const gpu = await openTestGpu({timestamps: true});
const hasTimestamps = gpu.device.features.has("timestamp-query");
const unless = hasTimestamps ? "" : " (skipped: the adapter has no timestamp-query)";

test("a device is opened for timestamps where the adapter has them, and only where they are asked for", async () => {
  expect(hasTimestamps).toBe(gpu.adapter.features.has("timestamp-query"));
  const plain = await openTestGpu();
  expect(plain.device.features.has("timestamp-query")).toBe(false);
  plain.destroy();
});

test.runIf(hasTimestamps)(`passes take a time that may be true, and more dispatches more${unless}`, async () => {
  const counted = countBuffers(gpu);
  const {device} = counted;
  const timer = await PassTimer.create(device);
  const pipeline = await createPipeline(device, kernels, {path: "probe/increment.wgsl"});
  const values = device.createBuffer({size: 1024, usage: GPUBufferUsage.STORAGE});
  const entries = [{binding: 0, resource: {buffer: values}}];
  const group = device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries});
  const time = async (dispatches: number) => {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass({timestampWrites: timer.timestampWrites});
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < dispatches; ++i) pass.dispatchWorkgroups(1);
    pass.end();
    timer.resolve(encoder);
    device.queue.submit([encoder.finish()]);
    const time = await timer.read();
    return {time, wall: performance.now() - start};
  };
  await time(500); // pays for the driver's own compilation
  const timed: Record<"few" | "many", Awaited<ReturnType<typeof time>>[]> = {few: [], many: []};
  // A busy machine delays any, so they take turns.
  for (let i = 0; i < 4; ++i) {
    timed.few.push(await time(500));
    timed.many.push(await time(5000));
  }
  for (const each of Object.values(timed)) expect(each.map(({time, wall}) => whyNoTime(time, wall))).toContain(null);
  const least = (each: typeof timed.few) => Math.min(...each.map(({time}) => time.milliseconds));
  expect(least(timed.many)).toBeGreaterThan(2 * least(timed.few));
  timer.destroy();
  values.destroy();
  expect(counted.buffers.destroyed).toBe(counted.buffers.created);
});

test("a device without timestamps gives no timer, and nothing stays allocated", async () => {
  const plain = countBuffers(await openTestGpu());
  await expect(PassTimer.create(plain.device)).rejects.toThrow();
  expect(plain.buffers.destroyed).toBe(plain.buffers.created);
  plain.destroy();
});

test.runIf(hasTimestamps)(`a timer that finds no memory frees what it had${unless}`, async () => {
  const counted = countBuffers(gpu, 1);
  await expect(PassTimer.create(counted.device)).rejects.toThrow(GpuError);
  expect(counted.buffers.destroyed).toBe(counted.buffers.created);
});
