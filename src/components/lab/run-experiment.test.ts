import {beforeEach, describe, expect, it, vi} from "vitest";
import {shapes, weightBytesPerToken} from "../model/shape.js";
import type {CostIdentity, PrepareContext, Variant} from "./experiment.js";
import {
  FakeClock,
  FakeGpu,
  FakeSubject,
  FakeVisibility,
  fakeCostVariant,
  fakeExperiment,
  fakeProfileVariant,
  fakeVariant,
  verified
} from "./lab-fakes.js";
import type {Confirm} from "./protocol.js";
import {profileSchema} from "./profile-record.js";
import {runSchema} from "./record.js";
import {
  describeError,
  runExperiment,
  waitsRemark,
  type RunEvent,
  type RunOptions,
  type RunState
} from "./run-experiment.js";
import {costSchema, type ExactVerification} from "./cost-record.js";
import {StalledError} from "../gpu/errors.js";
import {VerificationError} from "./subject.js";

let clock: FakeClock;
let visibility: FakeVisibility;
let gpu: FakeGpu;
let abort: AbortController;
let events: RunEvent[];
let a: FakeSubject;
let b: FakeSubject;
const confirm = vi.fn<Confirm>();

beforeEach(() => {
  clock = new FakeClock();
  visibility = new FakeVisibility();
  gpu = new FakeGpu();
  abort = new AbortController();
  events = [];
  a = new FakeSubject(clock, 1);
  b = new FakeSubject(clock, 2);
  confirm.mockReset().mockResolvedValue(true);
});

const variantA = () => fakeVariant("a", async () => a);
const variantB = () => fakeVariant("b", async () => b);
const never = () => new Promise<never>(() => {});

function run(variants: Variant[] = [variantA(), variantB()], options: Partial<Omit<RunOptions, "shape">> = {}) {
  return runExperiment({
    experiment: fakeExperiment(variants),
    shape: shapes.tiny,
    openGpu: async () => gpu.gpu,
    allowWaits: false,
    runtime: {name: "Vitest", os: "none"},
    clock,
    visibility,
    confirm,
    signal: abort.signal,
    onEvent: (event) => events.push(event),
    ...options
  });
}

/** Runs `act` at the first event of this state. */
function at(state: RunState, act: () => void): Partial<RunOptions> {
  let done = false;
  return {
    onEvent(event) {
      events.push(event);
      if (event.state !== state || done) return;
      done = true;
      act();
    }
  };
}

const last = () => events.at(-1)!;
const row = (variant: string) => last().rows.find((row) => row.variant === variant)!;

function expectAllFreed() {
  expect([a.destroyed, b.destroyed, gpu.destroyed]).toEqual([1, 1, 1]);
}

describe("a run", () => {
  it("counts the tokens of whole dispatches where one has several", async () => {
    const {identity, ...variant} = variantA();
    const several = {...identity, tokensPerDispatch: 16, dispatchesPerToken: 1 / 16} as Variant["identity"];
    const {record} = await run([{...variant, identity: several}]);
    const [row] = runSchema.parse(record).rows;
    if (row?.status !== "measured") throw new Error(row?.message);
    for (const {tokens, milliseconds} of row.samples) {
      expect(tokens % 16).toBe(0);
      expect(tokens / milliseconds).toBeCloseTo(16); // a unit takes one millisecond
    }
    expect(row.tokensPerSecond.median).toBeCloseTo(16_000);
  });

  it("verifies, warms up, measures and returns a valid record", async () => {
    const {state, message, record} = await run();
    expect([state, message]).toEqual(["done", "Measured 2 of 2 variants."]);
    expect(runSchema.parse(record)).toEqual(record);
    expect(record).toMatchObject({
      experiment: "fake",
      shape: {id: "tiny"},
      device: {label: "Fake GPU"},
      roofline: null
    });
    expect(record!.rows).toMatchObject([
      {variant: "a", status: "measured", verification: verified, settled: true, tokensPerSecond: {median: 1000}},
      {variant: "b", status: "measured", verification: verified, settled: true, tokensPerSecond: {median: 500}}
    ]);
    expectAllFreed();
  });

  it("goes through the states in order, with a fraction that never goes back and ends at one", async () => {
    const preparing = fakeVariant("a", async ({progress}) => (progress("compiling", 1), a));
    await run([preparing, variantB()]);
    const states = events.map(({state}) => state).filter((state, i, all) => state !== all[i - 1]);
    expect(states).toEqual([...["preparing", "verifying", "preparing", "verifying", "warming", "measuring"], "done"]);
    const fractions = events.map(({fraction}) => fraction);
    expect(fractions).toEqual([...fractions].sort((x, y) => x - y));
    expect(fractions.at(-1)).toBe(1);
  });

  it("shows no figure before the last sample", async () => {
    await run();
    for (const {state, rows} of events) {
      if (state !== "done") expect(rows.every((row) => row.tokensPerSecond === undefined)).toBe(true);
    }
  });

  it("runs the variants chosen, and names one that is not there", async () => {
    const {record} = await run(undefined, {variants: ["b"]});
    expect(record!.rows.map(({variant}) => variant)).toEqual(["b"]);
    expect(a.destroyed).toBe(0);
    await expect(run(undefined, {variants: ["c"]})).rejects.toThrow("experiment fake has no variant c; it has a, b");
    await expect(run(undefined, {variants: []})).rejects.toThrow("no variant of experiment fake is chosen");
  });

  it("passes on what preparing says", async () => {
    const slow = fakeVariant("a", async ({progress}) => {
      progress("float64 reference, layer 1 of 2", 0.5);
      return a;
    });
    await run([slow]);
    expect(events).toContainEqual(
      expect.objectContaining({label: "Variant a: float64 reference, layer 1 of 2", fraction: 0.2})
    );
  });

  it("says so when clocks did not settle", async () => {
    a.millisecondsPerUnit = (call) => (Math.floor(call / 3) % 2 ? 10 : 20);
    const {record} = await run([variantA()]);
    expect(record!.rows[0]).toMatchObject({status: "measured", settled: false});
    expect(row("a").message).toBe("Clocks had not settled before the first sample.");
  });

  it("puts the roofline at read bandwidth over weight bytes", async () => {
    const {record} = await run([variantA()], {measureReadBandwidth: async () => 1e9});
    const weightBytes = weightBytesPerToken(shapes.tiny);
    expect(record!.roofline).toEqual({
      weightBytesPerToken: weightBytes,
      readBandwidthBytesPerSecond: 1e9,
      tokensPerSecond: 1e9 / weightBytes
    });
  });

  it("keeps the figures when the bandwidth cannot be measured", async () => {
    const {state, message, record} = await run([variantA()], {
      measureReadBandwidth: async () => {
        throw new Error("out of memory");
      }
    });
    expect([state, message]).toEqual(["done", "Measured 1 of 1 variant. There is no roofline: out of memory"]);
    expect(record).toMatchObject({roofline: null, rows: [{status: "measured"}]});
  });
});

describe("a variant whose workgroups wait for each other", () => {
  const waiting = (prepare: Variant["prepare"]) => ({...fakeVariant("w", prepare), waits: true});

  it("is declined, and the device never hears of it, where that is not allowed", async () => {
    const variant = waiting(vi.fn());
    const unsupported = vi.spyOn(variant, "unsupported");
    const {state, message, record} = await run([variant, variantA()]);
    expect([state, message]).toEqual(["done", "Measured 1 of 2 variants."]);
    expect(record!.rows).toMatchObject([
      {status: "declined", message: waitsRemark({name: "Chromium 156"})},
      {status: "measured"}
    ]);
    expect(events[0]!.rows[0]!.status).toBe("declined");
    expect(variant.prepare).not.toHaveBeenCalled();
    expect(unsupported).not.toHaveBeenCalled();
  });

  it("opens no device, and says where it is allowed, when there is no other", async () => {
    const openGpu = vi.fn();
    const {state, message, record} = await run([waiting(vi.fn())], {openGpu});
    expect([state, record]).toEqual(["done", null]);
    expect(message).toMatch(/No variant was measured\..*not allowed: tick the box that allows it in the panel\.$/);
    expect(waitsRemark({name: "Node 20.20.2 with Dawn"})).toMatch(/not allowed: give the recorder --allow-waits\.$/);
    expect(last()).toMatchObject({state: "done", label: message});
    expect(openGpu).not.toHaveBeenCalled();
  });

  it("runs like any other where it is allowed", async () => {
    const {record} = await run([waiting(async () => a), variantB()], {allowWaits: true});
    expect(record!.rows).toMatchObject([{status: "measured"}, {status: "measured"}]);
    expectAllFreed();
  });
});

describe("a variant that cannot be measured", () => {
  it("is a row with the reason when the device does not support it", async () => {
    const prepare = vi.fn();
    const {state, record} = await run([fakeVariant("x", prepare, "needs subgroups, the adapter has none"), variantA()]);
    expect(state).toBe("done");
    expect(record!.rows[0]).toMatchObject({status: "unsupported", message: "needs subgroups, the adapter has none"});
    expect(prepare).not.toHaveBeenCalled();
  });

  it("makes the run unsupported when there is no other, even in a hidden tab", async () => {
    visibility.hidden = true;
    const {state, message, record} = await run([fakeVariant("x", vi.fn(), "needs subgroups")]);
    expect(state).toBe("unsupported");
    expect(message).toBe("This device can run none of the variants. Needs subgroups");
    expect(record!.rows).toHaveLength(1);
    expect(gpu.destroyed).toBe(1);
  });

  it("fails with its message when it does not compile, and the others go on", async () => {
    const broken = fakeVariant("x", async () => {
      throw new Error("fused.wgsl:12: unknown identifier");
    });
    const {state, record} = await run([broken, variantA(), variantB()]);
    expect(state).toBe("done");
    expect(record!.rows).toMatchObject([
      {status: "failed", message: "fused.wgsl:12: unknown identifier"},
      {status: "measured"},
      {status: "measured"}
    ]);
    expectAllFreed();
  });

  it("has no figure, and is never timed, when its output is wrong", async () => {
    a.verify = async () => {
      throw new VerificationError("relative error 3.1e-2 at position 4");
    };
    const {record} = await run();
    expect(a.calls).toEqual([]);
    expect(record!.rows[0]).toMatchObject({status: "failed", message: "relative error 3.1e-2 at position 4"});
    expect(row("a")).not.toHaveProperty("tokensPerSecond");
    expectAllFreed();
  });

  it("is freed before the next one is prepared", async () => {
    a.verify = async () => {
      throw new VerificationError("wrong");
    };
    const next = fakeVariant("b", async () => {
      expect(a.destroyed).toBe(1);
      return b;
    });
    expect((await run([variantA(), next])).record!.rows[1]!.status).toBe("measured");
  });

  it.each([0.5, NaN])("has no figure when it returns an error of %d for verified", async (maxRelativeError) => {
    a.verify = async () => ({...verified, maxRelativeError});
    const {record} = await run();
    expect(record!.rows[0]!.status).toBe("failed");
    expect(a.calls).toEqual([]);
  });

  it("is failed by an error that no scope captured, and the others go on", async () => {
    const run_ = a.run.bind(a);
    a.run = async (units) => {
      await run_(units);
      if (a.calls.length === 12) gpu.report("buffer used while destroyed");
    };
    const {record} = await run();
    expect(record!.rows).toMatchObject([
      {status: "failed", message: "buffer used while destroyed"},
      {status: "measured"}
    ]);
  });

  it("is not timed when such an error comes while it is verified", async () => {
    a.verify = async () => (gpu.report("invalid bind group"), verified);
    const {record} = await run();
    expect(record!.rows[0]).toMatchObject({status: "failed", message: "invalid bind group"});
    expect(a.calls).toEqual([]);
  });

  it("is failed by such an error even when it comes after the last sample", async () => {
    const {sleep} = clock;
    clock.sleep = async (milliseconds, signal) => {
      await sleep.call(clock, milliseconds, signal);
      if (last().label.includes("sample 9 of 9") && a.calls.length > lastCall) gpu.report("late");
    };
    let lastCall = Infinity;
    const run_ = a.run.bind(a);
    a.run = async (units) => {
      await run_(units);
      if (last().label.includes("sample 9 of 9")) lastCall = a.calls.length - 1;
    };
    expect((await run([variantA()])).record!.rows[0]).toMatchObject({status: "failed", message: "late"});
  });

  it("makes the run fail when none was measured", async () => {
    a.verify = async () => {
      throw new VerificationError("wrong");
    };
    const measureReadBandwidth = vi.fn();
    expect(await run([variantA()], {measureReadBandwidth})).toMatchObject({
      state: "failed",
      message: "No variant was measured. Wrong",
      record: {rows: [{status: "failed"}]}
    });
    expect(measureReadBandwidth).not.toHaveBeenCalled();
  });
});

describe("a prediction from before the first run", () => {
  beforeEach(() => {
    a.predictedMillisecondsPerUnit = async () => 4000;
    a.millisecondsPerUnit = 4000;
  });

  it("is put to the reader before the subject is verified, and declined means no run at all", async () => {
    confirm.mockResolvedValue(false);
    const verify = vi.spyOn(a, "verify");
    const {state, record} = await run();
    expect(confirm).toHaveBeenCalledWith(
      {id: "a", label: "Variant a", millisecondsPerUnit: 4000, totalMilliseconds: 76_000},
      expect.any(AbortSignal)
    );
    expect(verify).not.toHaveBeenCalled();
    expect(a.calls).toEqual([]);
    expect(state).toBe("done");
    expect(record!.rows).toMatchObject([
      {
        status: "declined",
        message: "Skipped: its shortest call was predicted to take 4.0 s, over the 1 s that runs unasked."
      },
      {status: "measured"}
    ]);
    expectAllFreed();
  });

  it("that is declined is no failure, also when there is nothing else to measure", async () => {
    confirm.mockResolvedValue(false);
    const {state, message} = await run([variantA()]);
    expect(state).toBe("done");
    expect(message).toMatch(/^No variant was measured. Skipped: its shortest call/);
  });

  it("is agreed to once", async () => {
    const {record} = await run();
    expect(confirm).toHaveBeenCalledTimes(1);
    expect(record!.rows[0]).toMatchObject({status: "measured", tokensPerSecond: {median: 0.25}});
  });

  it("of a short unit asks nothing", async () => {
    a.predictedMillisecondsPerUnit = async () => 900;
    a.millisecondsPerUnit = 900;
    await run();
    expect(confirm).not.toHaveBeenCalled();
  });
});

describe("cancel", () => {
  async function expectCancelled(variants?: Variant[], options?: Partial<RunOptions>) {
    const outcome = await run(variants, options);
    expect(outcome).toEqual({state: "cancelled", message: "Cancelled.", record: null});
    expect(last()).toMatchObject({state: "cancelled", label: "Cancelled."});
    expect(last().rows.every((row) => row.status === "cancelled")).toBe(true);
    expect(visibility.listeners.size).toBe(0);
  }

  it("before the start opens nothing", async () => {
    const openGpu = vi.fn();
    abort.abort();
    await expectCancelled(undefined, {openGpu});
    expect(openGpu).not.toHaveBeenCalled();
  });

  it("while the device opens destroys it when it comes", async () => {
    let open!: (value: RunOptions extends {openGpu(): Promise<infer G>} ? G : never) => void;
    const openGpu = () => new Promise<Awaited<ReturnType<RunOptions["openGpu"]>>>((resolve) => (open = resolve));
    queueMicrotask(() => abort.abort());
    await expectCancelled(undefined, {openGpu});
    expect(gpu.destroyed).toBe(0);
    open(gpu.gpu);
    await vi.waitFor(() => expect(gpu.destroyed).toBe(1));
  });

  it("while a variant is prepared destroys it when it comes", async () => {
    let finish!: (subject: FakeSubject) => void;
    let report!: PrepareContext["progress"];
    const slow = fakeVariant("b", ({progress}) => {
      report = progress;
      queueMicrotask(() => abort.abort());
      return new Promise((resolve) => (finish = resolve));
    });
    await run([variantA(), slow]).then(({state}) => expect(state).toBe("cancelled"));
    expect([a.destroyed, b.destroyed, gpu.destroyed]).toEqual([1, 0, 1]);
    const told = events.length;
    report("compiling", 0.5);
    finish(b);
    expect(events).toHaveLength(told);
    await vi.waitFor(() => expectAllFreed());
  });

  it("reaches what prepares and verifies through the signal", async () => {
    const signals: AbortSignal[] = [];
    a.verify = async () => {
      queueMicrotask(() => abort.abort());
      return never();
    };
    const variant = fakeVariant("a", async ({signal}) => (signals.push(signal), a));
    await expectCancelled([variant]);
    expect(signals[0]!.aborted).toBe(true);
    expect([a.destroyed, gpu.destroyed]).toEqual([1, 1]);
  });

  it("while verifying frees everything", async () => {
    b.verify = () => (queueMicrotask(() => abort.abort()), never());
    await expectCancelled();
    expectAllFreed();
  });

  it("while the reader is asked frees everything", async () => {
    b.millisecondsPerUnit = 2000;
    confirm.mockImplementation(() => (queueMicrotask(() => abort.abort()), never()));
    await expectCancelled();
    expect(confirm.mock.calls[0]![1].aborted).toBe(true);
    expectAllFreed();
  });

  for (const state of ["preparing", "verifying", "warming", "measuring"] as const) {
    it(`at the moment of ${state} frees what there is`, async () => {
      await expectCancelled(
        undefined,
        at(state, () => abort.abort())
      );
      const owned = [a, b].filter(({destroyed}) => destroyed > 0);
      expect(owned.every(({destroyed}) => destroyed === 1)).toBe(true);
      if (state === "warming" || state === "measuring") expectAllFreed();
    });

    it(`within a call that never returns, in ${state}, ends all the same`, async () => {
      if (state === "preparing") return expectCancelled([fakeVariant("a", () => (abort.abort(), never()))]);
      if (state === "verifying") a.verify = () => (abort.abort(), never());
      else {
        const options = at(state, () => {
          a.run = b.run = () => (queueMicrotask(() => abort.abort()), never());
        });
        await expectCancelled(undefined, options);
        return expectAllFreed();
      }
      await expectCancelled([variantA()]);
      expect(a.destroyed).toBe(1);
    });
  }

  it("while the bandwidth is measured leaves no record", async () => {
    const measureReadBandwidth = () => (queueMicrotask(() => abort.abort()), never());
    expect(await run(undefined, {measureReadBandwidth})).toMatchObject({state: "cancelled", record: null});
    expect(events.flatMap(({rows}) => rows).filter(({status}) => status === "measured")).toEqual([]);
    expect(last().rows.map(({status}) => status)).toEqual(["cancelled", "cancelled"]);
    expectAllFreed();
  });
});

describe("a hidden tab", () => {
  it.each(["warming", "measuring"] as const)("while %s discards the run and says why", async (state) => {
    const {
      state: end,
      message,
      record
    } = await run(
      undefined,
      at(state, () => visibility.hide())
    );
    expect(end).toBe("failed");
    expect(message).toContain("The tab was hidden");
    expect(record!.rows).toMatchObject([
      {status: "discarded", message},
      {status: "discarded", message}
    ]);
    expect(last()).toMatchObject({state: "failed", label: message});
    expectAllFreed();
  });

  it("while preparing and verifying does no harm", async () => {
    a.verify = async () => {
      visibility.hide();
      visibility.hidden = false;
      return verified;
    };
    expect((await run()).state).toBe("done");
  });

  it("during the roofline costs the roofline only", async () => {
    const measureReadBandwidth = async () => (visibility.hide(), 1e9);
    const {state, message, record} = await run([variantA()], {measureReadBandwidth});
    expect(state).toBe("done");
    expect(message).toContain("There is no roofline: The tab was hidden");
    expect(record!.roofline).toBeNull();
  });
});

describe("a lost device", () => {
  const lose = () => gpu.lose({reason: "unknown", message: "GPU process crashed"} as GPUDeviceLostInfo);
  const message = "The GPU device was lost (reason: unknown; GPU process crashed)";

  it.each(["verifying", "warming", "measuring"] as const)("while %s fails what remains, by name", async (state) => {
    const unsupported = fakeVariant("x", vi.fn(), "needs subgroups");
    const outcome = await run([unsupported, variantA(), variantB()], at(state, lose));
    expect(outcome).toMatchObject({state: "failed", message});
    expect(outcome.record!.rows).toMatchObject([
      {status: "unsupported", message: "needs subgroups"},
      {status: "failed", message},
      {status: "failed", message}
    ]);
    expect(gpu.destroyed).toBe(1);
    expect(a.destroyed).toBe(1);
    expect(b.destroyed).toBe(state === "verifying" ? 0 : 1);
  });

  it("that first fails a call is named as lost, not as that call's error", async () => {
    a.verify = async () => {
      queueMicrotask(lose);
      throw new Error("mapAsync failed");
    };
    await run();
    expect(row("a").message).toBe(message);
    expect(row("b").message).toBe(message);
  });

  it("that could not be opened fails every row and leaves no record", async () => {
    const openGpu = async () => {
      throw new Error("no adapter: this browser offers no GPU");
    };
    expect(await run(undefined, {openGpu})).toEqual({
      state: "failed",
      message: "no adapter: this browser offers no GPU",
      record: null
    });
    expect(last().rows.map(({status}) => status)).toEqual(["failed", "failed"]);
  });
});

it("describes whatever is thrown without [object Object]", () => {
  expect(describeError(new Error("plain"))).toBe("plain");
  expect(describeError("text")).toBe("text");
  expect(describeError({reason: "unknown", message: "crashed"})).toBe("reason: unknown; crashed");
  expect(describeError({reason: undefined, message: ""})).toBe("Object");
  expect(describeError(new TypeError())).toBe("TypeError");
  expect(describeError(undefined)).toBe("undefined");
});

describe("an experiment without a model", () => {
  const exact: ExactVerification = {against: "exact values", values: 256};
  const costs = (...variants: Variant[]) => ({...fakeExperiment(variants), shapes: [], defaultShape: null});
  const runCosts = (...variants: Variant[]) =>
    runExperiment({
      experiment: costs(...variants),
      shape: null,
      openGpu: async () => gpu.gpu,
      measureReadBandwidth: async () => expect.unreachable("there are no weights to read"),
      allowWaits: false,
      runtime: {name: "Vitest", os: "none"},
      clock,
      visibility,
      confirm,
      signal: abort.signal,
      onEvent: (event) => events.push(event)
    });

  beforeEach(() => {
    a.verify = async () => exact;
    b.verify = async () => exact;
  });

  it("records what the device decided: how many workgroups there were, and how many bytes they read", async () => {
    Object.assign(a, {workgroups: 7, bytesPerOperation: 4096});
    const {identity, ...variant} = fakeCostVariant("a", async () => a);
    const {record} = await runCosts({...variant, identity: {...identity, workgroups: null} as CostIdentity});
    expect(costSchema.parse(record).rows[0]).toMatchObject({
      status: "measured",
      workgroups: 7,
      bytesPerOperation: 4096
    });
  });

  it("is timed by the same protocol, and its record has microseconds per operation", async () => {
    const {state, record} = await runCosts(fakeCostVariant("a", async () => a));
    expect(state).toBe("done");
    expect(costSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
    expect(record!.rows[0]).toMatchObject({
      status: "measured",
      verification: exact,
      samples: Array(9).fill({operations: 105_000, milliseconds: 105}),
      microsecondsPerOperation: {median: 1, p10: 1, p90: 1}
    });
    expect(a.destroyed).toBe(1);
  });

  it("discards a wait that stalls, with its message, and goes on with the others", async () => {
    b.verify = async () => {
      throw new StalledError("8 workgroups were not all resident at once");
    };
    const {state, record} = await runCosts(
      fakeCostVariant("b", async () => b),
      fakeCostVariant("a", async () => a)
    );
    expect(state).toBe("done");
    expect(record!.rows).toMatchObject([
      {variant: "b", status: "discarded", message: "8 workgroups were not all resident at once"},
      {variant: "a", status: "measured"}
    ]);
    expect(b.destroyed).toBe(1);
  });

  it("discards a wait that stalls while it is timed", async () => {
    b.run = async () => {
      throw new StalledError("stalled");
    };
    const {state, message, record} = await runCosts(fakeCostVariant("b", async () => b));
    expect([state, message]).toEqual(["failed", "No variant was measured. Stalled"]);
    expect(record!.rows).toMatchObject([{status: "discarded", message: "stalled"}]);
  });

  it("takes no shape, and one with a model takes no other", async () => {
    const options = {openGpu: async () => gpu.gpu, runtime: {name: "Vitest", os: "none"}, clock, visibility, confirm};
    const rest = {...options, allowWaits: false, signal: abort.signal, onEvent: () => {}};
    const without = costs(fakeCostVariant("a", async () => a));
    await expect(runExperiment({...rest, experiment: without, shape: shapes.tiny})).rejects.toThrow(/has no shapes/);
    const withModel = fakeExperiment([variantA()]);
    await expect(runExperiment({...rest, experiment: withModel, shape: null})).rejects.toThrow(/needs a shape/);
  });
});

describe("an experiment whose rows are the stages of a token", () => {
  let instrumented: FakeGpu;
  const asked: unknown[] = [];
  const openGpu: RunOptions["openGpu"] = async (options) => {
    asked.push(options);
    return (options?.timestamps ? instrumented : gpu).gpu;
  };
  const runStages = (variants: Variant[], options: Partial<Omit<RunOptions, "shape" | "experiment">> = {}) =>
    runExperiment({
      experiment: {...fakeExperiment(variants), position: () => 128},
      shape: shapes.tiny,
      openGpu,
      allowWaits: false,
      runtime: {name: "Vitest", os: "none"},
      clock,
      visibility,
      confirm,
      signal: abort.signal,
      onEvent: (event) => events.push(event),
      ...options
    });
  /** Has GPU time of this part of the wall clock's. */
  const timed = (subject: FakeSubject, part: number) => {
    const go = subject.run.bind(subject);
    subject.run = async (units) => {
      const start = clock.time;
      await go(units);
      return {milliseconds: part * (clock.time - start), passes: 1};
    };
    return subject;
  };
  const prepared: FakeGpu[] = [];
  const stage = (id: string, subject: FakeSubject, part: "down" | "token" = "down") =>
    fakeProfileVariant(id, part, async (context) => {
      prepared.push(context.gpu as unknown as FakeGpu);
      return subject;
    });

  beforeEach(() => {
    instrumented = new FakeGpu();
    gpu.adapter.features.add("timestamp-query");
    asked.length = prepared.length = 0;
  });

  it("has GPU time from a second device, which alone is opened for timestamps, and frees both", async () => {
    const wall = stage("b", b, "token");
    const {state, record} = await runStages([
      stage("a", timed(a, 0.5)),
      {...wall, instrumented: false, identity: {...wall.identity, instrumented: false} as Variant["identity"]}
    ]);
    expect(state).toBe("done");
    expect(asked).toEqual([undefined, {timestamps: true}]);
    expect(prepared).toEqual([instrumented, gpu]);
    expect(profileSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
    expect(record!.position).toBe(128);
    expect(record!.totals).toEqual([{arithmetic: "float32", stages: null, token: null, wall: 2}]);
    expect(record!.rows).toMatchObject([
      {variant: "a", by: "timestamps", millisecondsPerToken: {median: 0.5}},
      {variant: "b", by: "wall clock", millisecondsPerToken: {median: 2}}
    ]);
    expect([gpu.destroyed, instrumented.destroyed, a.destroyed, b.destroyed]).toEqual([1, 1, 1, 1]);
  });

  it("opens one device where the adapter has no timestamps, or no row needs them, and says what timed the rows", async () => {
    gpu.adapter.features.clear();
    const {record} = await runStages([stage("a", a)]);
    expect(asked).toEqual([undefined]);
    expect(prepared).toEqual([gpu]);
    expect(record!.rows[0]).toMatchObject({by: "wall clock", instrumented: true, millisecondsPerToken: {median: 1}});
    gpu.adapter.features.add("timestamp-query");
    await run([variantA()], {openGpu});
    expect(asked).toEqual([undefined, undefined]);
  });

  it.each([
    {what: "are zero", part: 0, says: /took 0\.00 ms, which is no time/},
    {what: "are more than the wall clock's time", part: 1.26, says: /and only 105\.00 ms had passed/},
    {what: "are too short to be told from rounding", part: 0.01, says: /for one pass: too little/}
  ])("shows no time of a stage whose timestamps $what", async ({part, says}) => {
    const {state, record} = await runStages([stage("a", timed(a, part)), stage("b", timed(b, 1))]);
    expect(state).toBe("done");
    expect(record!.rows[0]).toMatchObject({variant: "a", status: "discarded", message: expect.stringMatching(says)});
    expect(record!.rows[0]).not.toHaveProperty("millisecondsPerToken");
    expect(record!.rows[1]).toMatchObject({variant: "b", status: "measured"});
  });

  it("frees both devices when it is cancelled, and one that opens after that", async () => {
    let answer!: (gpu: FakeGpu) => void;
    const late = new Promise<FakeGpu>((resolve) => (answer = resolve));
    const running = runStages([stage("a", timed(a, 1))], {
      openGpu: async (options) => (options?.timestamps ? await late : gpu).gpu
    });
    await vi.waitFor(() => expect(events.length).toBeGreaterThan(0));
    abort.abort();
    expect(await running).toMatchObject({state: "cancelled", record: null});
    answer(instrumented);
    await vi.waitFor(() => expect([gpu.destroyed, instrumented.destroyed]).toEqual([1, 1]));
    expect(prepared).toEqual([]);
  });

  it("fails when the second device is lost", async () => {
    const {state, message} = await runStages([stage("a", timed(a, 1))], {
      onEvent({state}) {
        if (state === "measuring") instrumented.lose({reason: "unknown", message: "crashed"} as GPUDeviceLostInfo);
      }
    });
    expect([state, message]).toEqual(["failed", expect.stringContaining("crashed")]);
    expect(gpu.destroyed).toBe(1);
  });
});

describe("a run whose record would be none", () => {
  it("does not begin where the clock is wrong, and says what to do", async () => {
    vi.useFakeTimers({now: new Date("1970-01-01T00:00:10Z"), toFake: ["Date"]});
    const openGpu = vi.fn(async () => gpu.gpu);
    const outcome = await run([variantA()], {openGpu}).finally(() => vi.useRealTimers());
    const message = "The clock says 1970-01-01, and a record bears its date. Set the clock, and run again.";
    expect(outcome).toEqual({state: "failed", message, record: null});
    expect(events.at(-1)).toMatchObject({state: "failed", label: message, rows: [{status: "failed", message}]});
    expect(openGpu).not.toHaveBeenCalled();
  });

  it("fails with what is wrong in it, and frees everything", async () => {
    const outcome = await run([{...variantA(), identity: {...variantA().identity, label: ""}}]);
    expect(outcome).toMatchObject({state: "failed", record: null});
    expect(outcome.message).toMatch(/^What was measured does not make a record: .*rows\[0\]\.label/s);
    expect(events.at(-1)).toMatchObject({state: "failed", label: outcome.message});
    expect([a.destroyed, gpu.destroyed]).toEqual([1, 1]);
  });
});

describe("a variant of several workgroups", () => {
  const waiting = (prepare: Variant["prepare"]): Variant => {
    const variant = fakeVariant("b", prepare);
    return {...variant, waits: true, identity: {...variant.identity, workgroups: null} as Variant["identity"]};
  };

  it("says in its row how many were resident and what code they ran, once it is prepared", async () => {
    const kernel = {lanes: 32, teamRows: 8, qkvRows: 6, residualRows: 2, readAhead: 9, tileGroups: 256};
    const subject = Object.assign(b, {workgroups: 132, workgroupSize: 512, kernel, wgsl: "0123456789abcdef"});
    const {record} = await run([waiting(async () => subject)], {allowWaits: true});
    expect(record!.rows[0]).toMatchObject({
      ...{status: "measured", workgroups: 132, workgroupSize: 512, kernel},
      wgsl: "0123456789abcdef"
    });
    const shown = events.map(({rows}) => [rows[0]!.status, rows[0]!.workgroups]);
    expect(shown[0]).toEqual(["waiting", null]);
    expect(shown).toContainEqual(["verifying", 132]);
  });

  it("is discarded, and never run, when its roll call fails; the others go on", async () => {
    const prepare = async () => {
      throw new StalledError("The 8 workgroups were not all resident at once.");
    };
    const {state, record} = await run([waiting(prepare), variantA()], {allowWaits: true});
    expect(state).toBe("done");
    expect(record!.rows).toMatchObject([
      {variant: "b", status: "discarded", workgroups: null, message: "The 8 workgroups were not all resident at once."},
      {variant: "a", status: "measured"}
    ]);
  });

  it("is discarded when it stalls after samples were taken", async () => {
    const subject = Object.assign(b, {workgroups: 4});
    const go = b.run.bind(b);
    b.run = async (units) => {
      if (b.calls.length > 15) throw new StalledError("stalled");
      await go(units);
    };
    const {record} = await run([waiting(async () => subject), variantA()], {allowWaits: true});
    expect(record!.rows[0]).toMatchObject({variant: "b", status: "discarded", workgroups: 4, message: "stalled"});
    expect(record!.rows[0]).not.toHaveProperty("tokensPerSecond");
    expect(record!.rows[1]).toMatchObject({variant: "a", status: "measured"});
  });
});
