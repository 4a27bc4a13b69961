import type {Gpu} from "../gpu/device.js";
import type {Kernels} from "../gpu/kernels.js";
import {createPipeline} from "../gpu/pipelines.js";
import {Readback} from "../gpu/readback.js";
import type {ExactVerification} from "./cost-record.js";
import type {Variant} from "./experiment.js";
import {allocate, StalledError, guard} from "../gpu/errors.js";
import {VerificationError, type Subject} from "./subject.js";

/** How the workgroups of one dispatch wait for each other: the kernels of kernels/probe, by name. */
export type WaitKind = "barrier" | "exchange" | "barrier_exchange";

/** Times that the workgroups wait for each other in a dispatch, which is a batch. */
const rounds = 1000;

/** Values exchanged in a round: `count` of kernels/probe/values.wgsl. */
export const exchangedValues = 3072;

/**
 * Polls after which a wait gives up. A GPU takes a microsecond or some for one; a CPU that stands in for a GPU takes less,
 * and may put the thread of a workgroup aside for milliseconds.
 */
export const pollLimits = {hardware: 2 ** 15, software: 2 ** 22};

/** Most workgroups tried on a CPU: those that are not resident still run to their end, which takes it long. */
const softwareWorkgroups = 32;

/** Bindings of each kind of kernel, of `stalled`, `arrived`, `totals` and `words`. */
const bindings: Record<WaitKind, readonly number[]> = {
  barrier: [0, 1, 2],
  exchange: [0, 2, 3],
  barrier_exchange: [0, 1, 2, 3]
};

const labels: Record<WaitKind, string> = {
  barrier: "Barrier",
  exchange: "Exchange, rounds in the values",
  barrier_exchange: "Exchange, by a barrier"
};

/**
 * Workgroups of one dispatch that wait for each other. When some of them are not resident, the wait gives up and the
 * variant throws a StalledError; the variants of the same run with as many workgroups or more are then not started.
 * @param stalls the fewest workgroups that stalled on a device so far
 */
export function waitVariant(
  kernels: Kernels,
  kind: WaitKind,
  workgroups: number,
  stalls: WeakMap<Gpu, number>
): Variant {
  const label = `${labels[kind]}, ${workgroups} ${workgroups === 1 ? "workgroup" : "workgroups"}`;
  return {
    identity: {
      variant: `${kind.replace("_", "-")}-${workgroups}`,
      label,
      operation: kind === "barrier" ? "barrier" : "exchange",
      operationsPerBatch: rounds,
      workgroups,
      workgroupSize: 256
    },
    waits: workgroups > 1,
    unsupported({description: {label, software}}) {
      if (!software || workgroups <= softwareWorkgroups) return null;
      return `${label} is a CPU, which runs a workgroup on each core; ${workgroups} at the same time are not tried.`;
    },
    async prepare({gpu}) {
      const stalled = stalls.get(gpu);
      if (stalled !== undefined && workgroups >= stalled) {
        throw new StalledError(`${workgroups} workgroups were not tried: ${stalled} were not all resident at once.`);
      }
      const {device, description} = gpu;
      const pollLimit = description.software ? pollLimits.software : pollLimits.hardware;
      const path = `probe/${kind}.wgsl`;
      const pipeline = await createPipeline(device, kernels, {path, constants: {rounds, poll_limit: pollLimit}});
      const onStall = () => {
        stalls.set(gpu, Math.min(workgroups, stalls.get(gpu) ?? Infinity));
        throw new StalledError(
          `${workgroups} workgroups were not all resident at once: a wait gave up after ${pollLimit} polls.`
        );
      };
      return allocate(
        device,
        `allocating for ${label}`,
        () => new WaitSubject(device, pipeline, {kind, workgroups, rounds}, onStall)
      );
    }
  };
}

/** One dispatch of many rounds; a unit is such a dispatch. Its first failure is its last: each wait after it gives up. */
export class WaitSubject implements Subject {
  /** Few, because after a stall those that were submitted still run to their end. */
  readonly maxUnits = 32;
  private readonly stalled: GPUBuffer;
  private readonly arrived: GPUBuffer;
  private readonly totals: GPUBuffer;
  private readonly words: GPUBuffer;
  private readonly readStalled: Readback;
  private readonly readTotals: Readback;
  private readonly group: GPUBindGroup;

  constructor(
    private readonly device: GPUDevice,
    private readonly pipeline: GPUComputePipeline,
    private readonly wait: {kind: WaitKind; workgroups: number; rounds: number},
    private readonly onStall: () => never
  ) {
    const {kind, workgroups} = wait;
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const allocate = (words: number) => device.createBuffer({size: 4 * words, usage});
    this.stalled = allocate(1);
    this.arrived = allocate(1);
    this.totals = allocate(workgroups);
    this.words = allocate(2 * exchangedValues);
    this.readStalled = new Readback(device, 4);
    this.readTotals = new Readback(device, 4 * workgroups);
    const buffers = [this.stalled, this.arrived, this.totals, this.words];
    this.group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: bindings[kind].map((binding) => ({binding, resource: {buffer: buffers[binding]!}}))
    });
  }

  get workgroups(): number {
    return this.wait.workgroups;
  }

  /** Runs one dispatch and compares what each workgroup added up. */
  async verify(): Promise<ExactVerification> {
    const {device, totals, workgroups} = this;
    const {kind, rounds} = this.wait;
    const noTotals = new Uint32Array(workgroups);
    await guard(device, "setting the totals", () => device.queue.writeBuffer(totals, 0, noTotals));
    await this.run(1);
    const expected = expectedTotal(kind, rounds);
    const sums = new Uint32Array(await this.readTotals.read(totals));
    const wrong = sums.findIndex((sum) => sum !== expected);
    if (wrong >= 0) {
      const what = kind === "barrier" ? "saw all arrive in a number of rounds of" : "took values with a sum of";
      throw new VerificationError(`workgroup ${wrong} of ${workgroups} ${what} ${sums[wrong]}, not ${expected}`);
    }
    return {against: "exact values", values: workgroups};
  }

  /** @throws {StalledError} */
  async run(units: number): Promise<void> {
    const {device, pipeline, group} = this;
    await guard(device, `running ${this.pipeline.label}`, () => {
      for (let i = 0; i < units; ++i) {
        const encoder = device.createCommandEncoder();
        encoder.clearBuffer(this.arrived);
        encoder.clearBuffer(this.words);
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(this.workgroups);
        pass.end();
        device.queue.submit([encoder.finish()]);
      }
    });
    const [stalled] = new Uint32Array(await this.readStalled.read(this.stalled));
    if (stalled !== 0) this.onStall();
  }

  destroy(): void {
    for (const buffer of [this.stalled, this.arrived, this.totals, this.words]) buffer.destroy();
    this.readStalled.destroy();
    this.readTotals.destroy();
  }
}

/**
 * What a workgroup adds up: the rounds it saw complete, or, of every round, the values it took. In round r the values are
 * 0 … 3071 in another order, plus r each.
 */
function expectedTotal(kind: WaitKind, rounds: number): number {
  if (kind === "barrier") return rounds;
  const first = (exchangedValues * (exchangedValues - 1)) / 2;
  return (rounds * first + (exchangedValues * rounds * (rounds + 1)) / 2) % 2 ** 32;
}
