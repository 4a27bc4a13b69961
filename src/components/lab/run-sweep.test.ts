import {beforeEach, describe, expect, it} from "vitest";
import type {ShapeId} from "../model/shape.js";
import type {Experiment, Variant} from "./experiment.js";
import {FakeClock, FakeGpu, FakeSubject, FakeVisibility, fakeVariant} from "./lab-fakes.js";
import {waitsRemark} from "./run-experiment.js";
import {runSweep, type SweepEvent, type SweepOptions} from "./run-sweep.js";
import {planSweep, type SweepStep} from "./sweep.js";
import {sweepSchema} from "./sweep-record.js";

let clock: FakeClock;
let abort: AbortController;
let events: SweepEvent[];
let gpus: FakeGpu[];
let subjects: FakeSubject[];

beforeEach(() => {
  clock = new FakeClock();
  abort = new AbortController();
  events = [];
  gpus = [];
  subjects = [];
});

const steps = (...shapes: ShapeId[]) =>
  planSweep({
    shapes,
    factorings: ["fused", "staged"],
    arithmetic: ["float32"],
    weights: ["int4"],
    features: ["subgroups"],
    workgroups: ["1"],
    sizes: ["default"],
    tokens: ["1"],
    activations: ["workgroup memory"],
    dispatches: ["2"]
  });

/** Rows of a step that never touch a GPU; `change` makes them misbehave. */
function fake(change: (step: SweepStep, variant: Variant) => Variant = (_, variant) => variant) {
  return (step: SweepStep): Experiment => ({
    id: "bench",
    question: "Which?",
    shapes: [step.shape],
    defaultShape: step.shape,
    page: "/",
    variants: () =>
      step.rows.map(({variant}) => {
        const prepare = async () => (subjects.push(new FakeSubject(clock)), subjects.at(-1)!);
        return change(step, fakeVariant(variant, prepare));
      })
  });
}

function run(options: Partial<SweepOptions> & Pick<SweepOptions, "steps">) {
  return runSweep({
    experiment: fake(),
    openGpu: async () => (gpus.push(new FakeGpu()), gpus.at(-1)!.gpu),
    allowWaits: false,
    runtime: {name: "Vitest", os: "none"},
    clock,
    visibility: new FakeVisibility(),
    confirm: async () => true,
    signal: abort.signal,
    onEvent: (event) => events.push(event),
    ...options
  });
}

const statuses = () => Object.fromEntries(events.at(-1)!.rows.map(({variant, status}) => [variant, status]));

function expectAllFreed() {
  expect(gpus.map(({destroyed}) => destroyed)).toEqual(gpus.map(() => 1));
  expect(subjects.map(({destroyed}) => destroyed)).toEqual(subjects.map(() => 1));
}

describe("a sweep", () => {
  it("runs one shape after another, each on a device of its own, into one record", async () => {
    const {state, message, record} = await run({steps: steps("tiny", "phi3-mini-1-layer")});
    expect([state, message]).toEqual(["done", "Measured 4 of 4 rows at 2 shapes."]);
    expect(sweepSchema.parse(record)).toMatchObject({
      cancelled: false,
      left: [],
      runs: [{shape: {id: "tiny"}}, {shape: {id: "phi3-mini-1-layer"}}]
    });
    expect(record!.runs.map(({rows}) => rows.map(({variant}) => variant))).toEqual(
      Array(2).fill(["fused-1-float32-subgroups", "staged-float32-subgroups"])
    );
    expect(gpus.length).toBe(2);
    expectAllFreed();
  });

  it("tells of one progress over all, which never goes back and ends once", async () => {
    await run({steps: steps("tiny", "phi3-mini-1-layer")});
    const fractions = events.map(({fraction}) => fraction);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    expect(events.filter(({state}) => state === "done").length).toBe(1);
    expect(events.every(({rows}) => rows.length === 4)).toBe(true);
    expect(events[0]!.label).toBe("Tiny, 2 layers of 192, 1 of 2: Opening the GPU");
    expect(events[0]!.rows.map(({variant, shape}) => [variant, shape])).toContainEqual([
      "phi3-mini-1-layer/staged-float32-subgroups",
      "Phi-3-mini, 1 layer"
    ]);
    const halfway = events.find(({label}) => label.startsWith("Phi-3-mini, 1 layer, 2 of 2: "))!;
    expect(halfway.fraction).toBeCloseTo(0.5, 1);
  });

  it("keeps the shapes that had ended when it is cancelled, and says so", async () => {
    const {state, message, record} = await run({
      steps: steps("tiny", "phi3-mini-1-layer", "phi3-mini"),
      onEvent(event) {
        events.push(event);
        if (event.state === "measuring" && event.label.startsWith("Phi-3-mini, 1 layer")) abort.abort();
      }
    });
    expect(state).toBe("cancelled");
    expect(message).toBe("Cancelled. 1 shape of 3 had ended, and the record keeps what it had.");
    const variants = ["fused-1-float32-subgroups", "staged-float32-subgroups"];
    expect(record).toMatchObject({
      cancelled: true,
      runs: [{shape: {id: "tiny"}, rows: [{status: "measured"}, {status: "measured"}]}],
      left: [
        {shape: "phi3-mini-1-layer", variants, message: "Cancelled."},
        {shape: "phi3-mini", variants, message: "Cancelled."}
      ]
    });
    expect(statuses()).toMatchObject({
      "tiny/staged-float32-subgroups": "measured",
      "phi3-mini-1-layer/staged-float32-subgroups": "cancelled",
      "phi3-mini/staged-float32-subgroups": "cancelled"
    });
    expect(gpus.length).toBe(2);
    expectAllFreed();
  });

  it("has no record when it is cancelled before a shape has ended", async () => {
    abort.abort();
    expect(await run({steps: steps("tiny")})).toEqual({state: "cancelled", message: "Cancelled.", record: null});
  });

  it("goes on after a shape that fails, and names it", async () => {
    const {state, message, record} = await run({
      steps: steps("tiny", "phi3-mini-1-layer"),
      experiment: fake(({shape}, variant) =>
        shape === "tiny" ? {...variant, prepare: () => Promise.reject(new Error("out of memory"))} : variant
      )
    });
    expect(state).toBe("done");
    expect(message).toMatch(/^Measured 2 of 4 rows at 2 shapes\. Tiny, .*: No variant was measured\. .*out of memory/i);
    expect(record!.runs.map(({rows}) => rows[0]!.status)).toEqual(["failed", "measured"]);
    expectAllFreed();
  });

  it("leaves out a shape where nothing was allowed to run", async () => {
    const {state, record} = await run({
      steps: steps("tiny", "phi3-mini-1-layer"),
      experiment: fake(({shape}, variant) => ({...variant, waits: shape === "tiny"}))
    });
    expect(state).toBe("done");
    expect(record!.runs.map(({shape}) => shape.id)).toEqual(["phi3-mini-1-layer"]);
    expect(record!.left).toMatchObject([
      {shape: "tiny", message: expect.stringContaining(waitsRemark({name: "Vitest"}))}
    ]);
  });

  it("is failed where no shape has a figure, and unsupported where none could", async () => {
    const broken = fake((_, variant) => ({...variant, prepare: () => Promise.reject(new Error("no"))}));
    const failed = await run({steps: steps("tiny"), experiment: broken});
    expect(failed.state).toBe("failed");
    expect(failed.record!.runs[0]!.rows).toMatchObject(Array(2).fill({status: "failed", message: "no"}));
    const none = fake((_, variant) => ({...variant, unsupported: () => "no subgroups"}));
    expect((await run({steps: steps("tiny"), experiment: none})).state).toBe("unsupported");
  });

  it("has a record where every row was discarded, with the reason", async () => {
    const visibility = new FakeVisibility();
    const {state, record} = await run({
      steps: steps("tiny"),
      visibility,
      onEvent: (event) => event.state === "measuring" && visibility.hide()
    });
    expect(state).toBe("failed");
    expect(record!.runs[0]!.rows).toMatchObject(
      Array(2).fill({status: "discarded", message: expect.stringContaining("hidden")})
    );
  });

  it("refuses an empty queue", async () => {
    await expect(run({steps: []})).rejects.toThrow("the queue is empty");
  });
});
