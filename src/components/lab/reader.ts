import type {Gpu} from "../gpu/device.js";
import {allocate, finishWork, guard} from "../gpu/errors.js";
import type {Kernels} from "../gpu/kernels.js";
import {createPipeline} from "../gpu/pipelines.js";
import {Readback} from "../gpu/readback.js";
import {linearWorkgroups} from "../gpu/workgroups.js";
import {VerificationError} from "./subject.js";

/** More than any cache holds, less than any phone lacks; a software device reads at a few GB/s. */
const bytesToRead = {hardware: 2 ** 30, software: 2 ** 24};

/** Memory to read: word i holds the number i. */
export interface ReadBuffer {
  data: GPUBuffer;
  bytes: number;
}

/**
 * A buffer larger than any cache, as far as the device binds one, filled by kernels/probe/count_up.wgsl.
 * @throws {GpuError} when there is no memory for it.
 */
export async function createReadBuffer(kernels: Kernels, {device, description}: Gpu): Promise<ReadBuffer> {
  const {maxStorageBufferBindingSize, maxBufferSize} = device.limits;
  const wanted = description.software ? bytesToRead.software : bytesToRead.hardware;
  const bytes = Math.floor(Math.min(wanted, maxStorageBufferBindingSize, maxBufferSize) / 256) * 256;
  const pipeline = await createPipeline(device, kernels, {path: "probe/count_up.wgsl"});
  const data = await allocate(device, `allocating ${bytes} bytes to read`, () =>
    device.createBuffer({size: bytes, usage: GPUBufferUsage.STORAGE})
  );
  try {
    await dispatch(device, pipeline, [data], linearWorkgroups(bytes / 4));
    return {data, bytes};
  } catch (error) {
    data.destroy();
    throw error;
  }
}

/** Compiles kernels/probe/read_bandwidth.wgsl for workgroups of this size, to read the first bytes of a buffer. */
export async function createReader(
  kernels: Kernels,
  {device}: Pick<Gpu, "device">,
  {data, bytes}: ReadBuffer,
  workgroupSize = 256
): Promise<Reader> {
  const pipeline = await createPipeline(device, kernels, {
    path: "probe/read_bandwidth.wgsl",
    constants: {vectors: bytes / 16, workgroup_size: workgroupSize}
  });
  return allocate(device, "allocating a sum of what is read", () => new Reader(device, pipeline, data, bytes));
}

/** Reads a buffer from end to end and adds up all that it read. */
export class Reader {
  private readonly total: GPUBuffer;
  private readonly readback: Readback;
  /** Times that all bytes were read. */
  private reads = 0;

  constructor(
    private readonly device: GPUDevice,
    private readonly pipeline: GPUComputePipeline,
    private readonly data: GPUBuffer,
    readonly bytes: number
  ) {
    this.total = device.createBuffer({size: 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC});
    this.readback = new Readback(device, 4);
  }

  /** Has so many workgroups read all bytes together, `times` times, and resolves when the GPU has finished. */
  async read(workgroups: number, times: number): Promise<void> {
    this.reads += times;
    await dispatch(this.device, this.pipeline, [this.data, this.total], [workgroups], times);
  }

  /** @throws {VerificationError} when the sum of all that was read so far is not the one that the CPU knows. */
  async verify(): Promise<void> {
    const words = BigInt(this.bytes / 4);
    const sum = Number((((words * (words - 1n)) / 2n) * BigInt(this.reads)) % 2n ** 32n);
    const [added] = new Uint32Array(await this.readback.read(this.total));
    if (added === sum) return;
    throw new VerificationError(`the bandwidth probe read a sum of ${added}, not ${sum}: it did not read all`);
  }

  destroy(): void {
    this.total.destroy();
    this.readback.destroy();
  }
}

async function dispatch(
  device: GPUDevice,
  pipeline: GPUComputePipeline,
  bound: GPUBuffer[],
  workgroups: number[],
  times = 1
): Promise<void> {
  await guard(device, `running ${pipeline.label}`, () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const entries = bound.map((buffer, binding) => ({binding, resource: {buffer}}));
    pass.setBindGroup(0, device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries}));
    for (let i = 0; i < times; ++i) pass.dispatchWorkgroups(workgroups[0]!, workgroups[1] ?? 1);
    pass.end();
    device.queue.submit([encoder.finish()]);
  });
  await finishWork(device, `running ${pipeline.label}`);
}
