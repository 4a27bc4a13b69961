import type {Gpu} from "../gpu/device.js";
import {guard} from "../gpu/errors.js";
import type {Kernels} from "../gpu/kernels.js";
import {createPipeline} from "../gpu/pipelines.js";
import {Readback} from "../gpu/readback.js";
import {linearWorkgroups} from "../gpu/workgroups.js";
import {statistics} from "./statistics.js";

/** Workgroups of 256 tried; the fastest counts. A CPU is not kept busier by many. */
const workgroupCounts = {hardware: [512, 2048, 8192], software: [64]};

const samples = 5;

/** More than any cache holds, less than any phone lacks; a software device reads at a few GB/s. */
const bytesToRead = {hardware: 2 ** 30, software: 2 ** 24};

/**
 * The bytes per second this device reads from memory: kernels/probe/read_bandwidth.wgsl over a buffer larger than
 * any cache, the best median over workgroup counts.
 * @throws {Error} when the sum of what was read is not what was written, so that no figure stands unchecked.
 */
export async function measureReadBandwidth(kernels: Kernels, {device, description}: Gpu, signal: AbortSignal) {
  const {maxStorageBufferBindingSize, maxBufferSize} = device.limits;
  const wanted = description.software ? bytesToRead.software : bytesToRead.hardware;
  const size = Math.floor(Math.min(wanted, maxStorageBufferBindingSize, maxBufferSize) / 256) * 256;
  const fill = await createPipeline(device, kernels, {path: "probe/count_up.wgsl"});
  const read = await createPipeline(device, kernels, {
    path: "probe/read_bandwidth.wgsl",
    constants: {vectors: size / 16}
  });
  const buffers: GPUBuffer[] = [];
  const readback = new Readback(device, 4);
  try {
    const [data, total] = await guard(device, `allocating ${size} bytes to read`, () => {
      for (const bytes of [size, 4]) {
        const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
        buffers.push(device.createBuffer({size: bytes, usage}));
      }
      return buffers as [GPUBuffer, GPUBuffer];
    });
    const dispatch = async (pipeline: GPUComputePipeline, bound: GPUBuffer[], workgroups: number[], times: number) => {
      await guard(device, "measuring read bandwidth", () => {
        const encoder = device.createCommandEncoder();
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        const entries = bound.map((buffer, binding) => ({binding, resource: {buffer}}));
        pass.setBindGroup(0, device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries}));
        for (let i = 0; i < times; ++i) pass.dispatchWorkgroups(workgroups[0]!, workgroups[1] ?? 1);
        pass.end();
        device.queue.submit([encoder.finish()]);
      });
      await device.queue.onSubmittedWorkDone();
    };
    const words = size / 4;
    await dispatch(fill, [data], linearWorkgroups(words), 1);

    let dispatched = 0;
    const time = async (workgroups: number, times: number) => {
      signal.throwIfAborted();
      const start = performance.now();
      await dispatch(read, [data, total], [workgroups], times);
      dispatched += times;
      return performance.now() - start;
    };
    let best = 0;
    for (const workgroups of description.software ? workgroupCounts.software : workgroupCounts.hardware) {
      let times = 1;
      let milliseconds = await time(workgroups, times);
      while (milliseconds < 100) milliseconds = await time(workgroups, (times *= 2));
      const rates: number[] = [];
      for (let i = 0; i < samples; ++i) rates.push((1000 * times * size) / (await time(workgroups, times)));
      best = Math.max(best, statistics(rates).median);
    }
    const sum = Number((((BigInt(words) * BigInt(words - 1)) / 2n) * BigInt(dispatched)) % 2n ** 32n);
    const [added] = new Uint32Array(await readback.read(total));
    if (added !== sum) throw new Error(`the bandwidth probe read a sum of ${added}, not ${sum}: it did not read all`);
    return best;
  } finally {
    for (const buffer of buffers) buffer.destroy();
    readback.destroy();
  }
}
