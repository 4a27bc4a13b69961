import type {Gpu} from "../gpu/device.js";
import {allocate, finishWork, guard} from "../gpu/errors.js";
import type {Kernels} from "../gpu/kernels.js";
import {createPipeline} from "../gpu/pipelines.js";
import {Readback} from "../gpu/readback.js";
import type {ExactVerification} from "./cost-record.js";
import type {Variant} from "./experiment.js";
import {VerificationError, type Subject} from "./subject.js";

/** A way to launch dispatches of one workgroup: a batch is `submits` × `passes` × `dispatches` of them. */
export interface Launch {
  variant: string;
  label: string;
  /** What is counted. */
  operation: string;
  kernel: "no_op" | "increment";
  submits: number;
  /** In each submit. */
  passes: number;
  /** In each pass. */
  dispatches: number;
  /** Each submit is awaited before the next. */
  awaited?: boolean;
}

/** Values in the buffer that the kernels share, one for each invocation. */
const valueCount = 256;

/** Turns a way to launch dispatches into a variant that counts what it launches. */
export function launchVariant(kernels: Kernels, launch: Launch): Variant {
  const {variant, label, operation, submits, passes, dispatches} = launch;
  return {
    identity: {
      variant,
      label,
      operation,
      operationsPerBatch: submits * passes * dispatches,
      workgroups: 1,
      workgroupSize: valueCount
    },
    unsupported: () => null,
    async prepare({gpu}) {
      const pipeline = await createPipeline(gpu.device, kernels, {path: `probe/${launch.kernel}.wgsl`});
      return allocate(gpu.device, `allocating for ${label}`, () => new LaunchSubject(gpu, pipeline, launch));
    }
  };
}

/** Dispatches of one kernel on one buffer; a unit is a batch. */
class LaunchSubject implements Subject {
  readonly maxUnits = 1000;
  private readonly device: GPUDevice;
  private readonly values: GPUBuffer;
  private readonly readback: Readback;
  private readonly group: GPUBindGroup;

  constructor(
    {device}: Gpu,
    private readonly pipeline: GPUComputePipeline,
    private readonly launch: Launch
  ) {
    this.device = device;
    this.values = device.createBuffer({
      size: 4 * valueCount,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    });
    this.readback = new Readback(device, 4 * valueCount);
    this.group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{binding: 0, resource: {buffer: this.values}}]
    });
  }

  /** Runs one batch on values of its own: each has then grown by the dispatches, or not at all by those of `no_op`. */
  async verify(): Promise<ExactVerification> {
    const {kernel, submits, passes, dispatches} = this.launch;
    const growth = kernel === "increment" ? submits * passes * dispatches : 0;
    const start = Uint32Array.from({length: valueCount}, (_, i) => 3 * i + 1);
    await guard(this.device, "setting the values", () => this.device.queue.writeBuffer(this.values, 0, start));
    await this.run(1);
    const values = new Uint32Array(await this.readback.read(this.values));
    const wrong = values.findIndex((value, i) => value !== start[i]! + growth);
    if (wrong >= 0) {
      throw new VerificationError(
        `value ${wrong} is ${values[wrong]} after a batch of dispatches, not ${start[wrong]! + growth}`
      );
    }
    return {against: "exact values", values: valueCount};
  }

  async run(units: number): Promise<void> {
    const {launch, device} = this;
    const what = `running ${launch.label}`;
    if (launch.awaited) {
      for (let i = 0; i < units * launch.submits; ++i) {
        await Promise.all([guard(device, what, () => this.submit()), finishWork(device, what)]);
      }
      return;
    }
    const accepted = guard(device, what, () => {
      for (let i = 0; i < units * launch.submits; ++i) this.submit();
    });
    await Promise.all([accepted, finishWork(device, what)]);
  }

  destroy(): void {
    this.values.destroy();
    this.readback.destroy();
  }

  private submit(): void {
    const {launch, device, pipeline, group} = this;
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < launch.passes; ++i) {
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      for (let j = 0; j < launch.dispatches; ++j) pass.dispatchWorkgroups(1);
      pass.end();
    }
    device.queue.submit([encoder.finish()]);
  }
}
