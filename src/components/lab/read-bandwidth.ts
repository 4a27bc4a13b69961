import type {Gpu} from "../gpu/device.js";
import type {Kernels} from "../gpu/kernels.js";
import {createReadBuffer, createReader, type Reader} from "./reader.js";
import {statistics} from "./statistics.js";

/** Workgroups of 256 tried; the fastest counts. A CPU is not kept busier by many. */
const workgroupCounts = {hardware: [512, 2048, 8192], software: [64]};

const samples = 5;

/**
 * The bytes per second this device reads from memory: kernels/probe/read_bandwidth.wgsl over a buffer larger than
 * any cache, the best median over workgroup counts.
 * @throws {Error} when the sum of what was read is not what was written, so that no figure stands unchecked.
 */
export async function measureReadBandwidth(kernels: Kernels, gpu: Gpu, signal: AbortSignal) {
  const buffer = await createReadBuffer(kernels, gpu);
  let reader: Reader | undefined;
  try {
    reader = await createReader(kernels, gpu, buffer);
    let best = 0;
    for (const workgroups of workgroupCounts[gpu.description.software ? "software" : "hardware"]) {
      let times = 1;
      let milliseconds = await time(reader, workgroups, times, signal);
      while (milliseconds < 100) milliseconds = await time(reader, workgroups, (times *= 2), signal);
      const rates: number[] = [];
      for (let i = 0; i < samples; ++i) {
        rates.push((1000 * times * buffer.bytes) / (await time(reader, workgroups, times, signal)));
      }
      best = Math.max(best, statistics(rates).median);
    }
    await reader.verify();
    return best;
  } finally {
    buffer.data.destroy();
    reader?.destroy();
  }
}

async function time(reader: Reader, workgroups: number, times: number, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const start = performance.now();
  await reader.read(workgroups, times);
  return performance.now() - start;
}
