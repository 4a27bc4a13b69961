import type {Gpu} from "../gpu/device.js";
import type {GpuTime} from "../gpu/pass-timer.js";
import {abortable, type Clock, type Visibility} from "./clock.js";
import type {Experiment, Variant} from "./experiment.js";
import {bytesPerToken, callsPerToken, stages, type Part} from "../decode/stages.js";
import {shapes} from "../model/shape.js";
import type {CostRecord, CostRow, ExactVerification, MeasuredCostRow} from "./cost-record.js";
import type {MeasuredProfileRow, ProfileRecord} from "./profile-record.js";
import type {MeasuredRow, RunRecord, UnmeasuredRow, Verification} from "./record.js";
import type {Subject} from "./subject.js";
import type {SweepRecord} from "./sweep-record.js";

/** Test doubles of everything the lab is given: time that moves only when told, subjects that never touch a GPU. */
export class FakeClock implements Clock {
  time = 0;
  now() {
    return this.time;
  }
  async sleep(milliseconds: number, signal: AbortSignal) {
    await abortable(Promise.resolve(), signal);
    this.time += milliseconds;
  }
}

export class FakeVisibility implements Visibility {
  hidden = false;
  listeners = new Set<() => void>();
  subscribe(listener: () => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  hide() {
    this.hidden = true;
    for (const listener of this.listeners) listener();
  }
}

export const verified: Verification = {
  against: "float64 CPU reference",
  positions: 8,
  maxRelativeError: 1e-6,
  tolerance: 1e-4,
  tokens: 8
};

/** A run that is right in every part: 8 tok/s fused, 320 tok/s staged, and one variant that failed. */
export function exampleRun(): {run: RunRecord; fused: MeasuredRow; staged: MeasuredRow; failed: UnmeasuredRow} {
  const measure = (tokens: number): MeasuredRow["samples"] =>
    [125, 100, 125, 160, 125, 125, 160, 100, 125].map((milliseconds) => ({tokens, milliseconds}));
  const identity = {variant: "fused", label: "Fused", dispatchesPerToken: 1, workgroups: 1, workgroupSize: 1024};
  const fused: MeasuredRow = {
    ...identity,
    factoring: "fused",
    arithmetic: "float32",
    tokensPerDispatch: 1,
    features: ["subgroups"],
    status: "measured",
    verification: {...verified},
    settled: true,
    samples: measure(1),
    tokensPerSecond: {median: 8, p10: 6.25, p90: 10}
  };
  const staged: MeasuredRow = {
    ...fused,
    variant: "staged",
    label: "Staged",
    factoring: "staged",
    dispatchesPerToken: 228,
    workgroups: null,
    workgroupSize: null,
    verification: {...verified},
    samples: measure(40),
    tokensPerSecond: {median: 320, p10: 250, p90: 400}
  };
  const failed: UnmeasuredRow = {
    ...identity,
    variant: "fused-portable",
    factoring: "fused",
    arithmetic: "float32",
    tokensPerDispatch: 1,
    features: [],
    status: "failed",
    message: "device lost"
  };
  const run: RunRecord = {
    kind: "run",
    version: 1,
    experiment: "spectrum",
    date: "2026-02-03T04:05:06.789Z",
    device: {
      label: "NVIDIA H200",
      vendor: "nvidia",
      architecture: "hopper",
      description: "",
      software: false,
      features: ["subgroups"],
      limits: {maxBufferSize: 2 ** 40}
    },
    runtime: {name: "Node", os: "linux"},
    shape: {...shapes["phi3-mini"]},
    weights: "synthetic",
    protocol: {warmUpMilliseconds: 300, sampleMilliseconds: 100, samples: 9, interleaved: true},
    roofline: {
      weightBytesPerToken: 2093838336,
      readBandwidthBytesPerSecond: 2093838336000,
      tokensPerSecond: 1000
    },
    rows: [fused, staged, failed]
  };
  return {run, fused, staged, failed};
}

/** The same row at this speed, in tok/s, in every sample. */
export function atSpeed(row: MeasuredRow, speed: number): MeasuredRow {
  return {
    ...row,
    samples: row.samples.map(() => ({tokens: Math.round(100 * speed), milliseconds: 100_000})),
    tokensPerSecond: {median: speed, p10: speed, p90: speed}
  };
}

/** A sweep that is right in every part: `exampleRun` at two shapes, and a third that was cancelled. */
export function exampleSweep(): SweepRecord {
  const {run} = exampleRun();
  const layer: RunRecord = {
    ...exampleRun().run,
    experiment: "bench",
    shape: {...shapes["phi3-mini-1-layer"]},
    roofline: null
  };
  layer.rows = layer.rows.map((row) => (row.factoring === "staged" ? {...row, dispatchesPerToken: 11} : row));
  const left = [{shape: "phi3-mini-8-layers", variants: ["fused"], message: "Cancelled."}];
  const runs = [layer, {...run, experiment: "bench"}];
  return {kind: "sweep", version: 1, date: run.date, cancelled: true, runs, left};
}

/** A cost record that is right in every part: 2 µs a dispatch, and one wait that stalled. */
export function exampleCost(): {cost: CostRecord; dispatches: MeasuredCostRow; stalled: CostRow} {
  const {device, runtime, protocol} = exampleRun().run;
  const identity = {operationsPerBatch: 1000, workgroups: 1, workgroupSize: 256};
  const dispatches: MeasuredCostRow = {
    ...identity,
    variant: "dispatches",
    label: "Dispatches",
    operation: "dispatch",
    status: "measured",
    verification: {against: "exact values", values: 256},
    settled: true,
    samples: [125, 100, 125, 160, 125, 125, 160, 100, 125].map((milliseconds) => ({
      operations: 50_000,
      milliseconds
    })),
    microsecondsPerOperation: {median: 2.5, p10: 2, p90: 3.2}
  };
  const stalled: CostRow = {
    ...identity,
    variant: "exchange-8",
    label: "Exchange",
    operation: "exchange",
    workgroups: 8,
    status: "discarded",
    message: "8 workgroups were not all resident at once"
  };
  const cost: CostRecord = {
    kind: "cost",
    version: 1,
    experiment: "dispatch-cost",
    date: "2026-02-03T04:05:06.789Z",
    device,
    runtime,
    protocol,
    rows: [dispatches, stalled]
  };
  return {cost, dispatches, stalled};
}

/** A profile that is right in every part: 1 ms of GPU time for each stage, tokens of 8 ms by the wall clock. */
export function exampleProfile(): {profile: ProfileRecord; stage: MeasuredProfileRow; wall: MeasuredProfileRow} {
  const {device, runtime, protocol, shape, weights, roofline} = exampleRun().run;
  const position = 128;
  const row = (part: Part, milliseconds: number, instrumented = true): MeasuredProfileRow => ({
    variant: instrumented ? part : "token-wall",
    label: part,
    part,
    instrumented,
    arithmetic: "float32",
    calls: callsPerToken(shape, part),
    bytes: bytesPerToken(shape, part, position),
    workgroups: part === "token" ? null : 2,
    workgroupSize: part === "token" ? null : 256,
    features: ["subgroups"],
    status: "measured",
    by: instrumented ? "timestamps" : "wall clock",
    verification: {...verified},
    settled: true,
    samples: Array.from({length: 9}, () => ({
      tokens: 125,
      milliseconds: 125 * milliseconds,
      ...(instrumented && {gpu: {milliseconds: 125 * milliseconds, passes: 1}})
    })),
    millisecondsPerToken: {median: milliseconds, p10: milliseconds, p90: milliseconds}
  });
  const stage = row("gate_up", 1);
  const wall = row("token", 8, false);
  const profile: ProfileRecord = {
    kind: "profile",
    version: 1,
    experiment: "stages",
    date: "2026-02-03T04:05:06.789Z",
    device,
    runtime,
    shape,
    weights,
    position,
    protocol,
    roofline,
    totals: [{arithmetic: "float32", stages: stages.length, token: 7, wall: 8}],
    rows: [...stages.map((part) => (part === "gate_up" ? stage : row(part, 1))), row("token", 7), wall]
  };
  return {profile, stage, wall};
}

/** Takes `millisecondsPerUnit` of the clock a unit, and writes down what it was asked. */
export class FakeSubject implements Subject {
  calls: number[] = [];
  destroyed = 0;
  maxUnits = 200;
  predictedMillisecondsPerUnit?: (signal: AbortSignal) => Promise<number>;

  constructor(
    readonly clock: FakeClock,
    public millisecondsPerUnit: number | ((call: number) => number) = 1,
    readonly log: string[] = [],
    readonly id = "subject"
  ) {}

  async verify(): Promise<Verification | ExactVerification> {
    return verified;
  }

  async run(units: number): Promise<GpuTime | void> {
    const cost = this.millisecondsPerUnit;
    this.clock.time += units * (typeof cost === "number" ? cost : cost(this.calls.length));
    this.calls.push(units);
    this.log.push(this.id);
  }

  destroy() {
    this.destroyed += 1;
  }
}

export function fakeVariant(id: string, prepare: Variant["prepare"], unsupported: string | null = null): Variant {
  return {
    identity: {
      variant: id,
      label: `Variant ${id}`,
      factoring: "fused",
      arithmetic: "float32",
      dispatchesPerToken: 1,
      tokensPerDispatch: 1,
      workgroups: 1,
      workgroupSize: 256,
      features: []
    },
    unsupported: () => unsupported,
    prepare
  };
}

export function fakeCostVariant(id: string, prepare: Variant["prepare"]): Variant {
  const identity = {variant: id, label: `Cost ${id}`, operation: "dispatch", operationsPerBatch: 1000};
  return {identity: {...identity, workgroups: 1, workgroupSize: 256}, unsupported: () => null, prepare};
}

/** A stage, timed on the GPU. */
export function fakeProfileVariant(id: string, part: Part, prepare: Variant["prepare"]): Variant {
  const sizes = {calls: callsPerToken(shapes.tiny, part), bytes: bytesPerToken(shapes.tiny, part, 128)};
  const identity = {
    variant: id,
    label: `Stage ${id}`,
    part,
    instrumented: true,
    arithmetic: "float32" as const,
    ...sizes
  };
  return {
    identity: {...identity, workgroups: null, workgroupSize: null, features: []},
    instrumented: true,
    unsupported: () => null,
    prepare
  };
}

export function fakeExperiment(variants: Variant[]): Experiment {
  return {
    id: "fake",
    question: "Does it?",
    shapes: ["tiny"],
    defaultShape: "tiny",
    page: "/",
    variants: () => variants
  };
}

/** A device that can be lost and can report errors, with counts of what was freed. */
export class FakeGpu {
  destroyed = 0;
  listeners = new Set<(error: GPUError) => void>();
  lose!: (info: GPUDeviceLostInfo) => void;
  lost = new Promise<GPUDeviceLostInfo>((resolve) => (this.lose = resolve));
  adapter = {features: new Set<string>()};
  description = {
    label: "Fake GPU",
    vendor: "fake",
    architecture: "",
    description: "",
    software: false,
    features: [],
    limits: {maxBufferSize: 1}
  };
  onError(listener: (error: GPUError) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
  report(message: string) {
    for (const listener of this.listeners) listener({message});
  }
  destroy() {
    this.destroyed += 1;
    this.lose({reason: "destroyed", message: "Device was destroyed."} as GPUDeviceLostInfo);
  }
  get gpu(): Gpu {
    return this as unknown as Gpu;
  }
}
