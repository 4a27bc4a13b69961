import type {Gpu} from "../gpu/device.js";
import {abortable, type Clock, type Visibility} from "./clock.js";
import type {Experiment, Variant} from "./experiment.js";
import type {Verification} from "./record.js";
import type {Subject} from "./subject.js";

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

  async verify(): Promise<Verification> {
    return verified;
  }

  async run(units: number): Promise<void> {
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
      dispatchesPerToken: 1,
      workgroups: 1,
      workgroupSize: 256,
      features: []
    },
    unsupported: () => unsupported,
    prepare
  };
}

export function fakeExperiment(variants: Variant[]): Experiment {
  return {id: "fake", question: "Does it?", shapes: ["tiny"], defaultShape: "tiny", variants: () => variants};
}

/** A device that can be lost and can report errors, with counts of what was freed. */
export class FakeGpu {
  destroyed = 0;
  listeners = new Set<(error: GPUError) => void>();
  lose!: (info: GPUDeviceLostInfo) => void;
  lost = new Promise<GPUDeviceLostInfo>((resolve) => (this.lose = resolve));
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
