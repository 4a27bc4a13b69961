import {describe, expect, it} from "vitest";
import {factorings} from "../decode/plan.js";
import {shapes} from "../model/shape.js";
import {timedFrom} from "./expected.js";
import type {DecodeEnvironment} from "./decode-variant.js";
import {protocol} from "./protocol.js";
import {initialChoice} from "./sweep-settings.js";
import {
  axes,
  axisNames,
  leastMilliseconds,
  planSweep,
  queueIds,
  sweepExperiment,
  whyEmpty,
  type SweepChoice
} from "./sweep.js";

const choice: SweepChoice = {
  shapes: ["tiny"],
  factorings: ["fused", "staged"],
  arithmetic: ["float32"],
  weights: ["int4"],
  features: ["subgroups"],
  workgroups: ["1"],
  sizes: ["default"],
  tokens: ["1"],
  activations: ["workgroup memory"],
  dispatches: ["2", "4", "8"]
};
const everything = Object.fromEntries(axisNames.map((name) => [name, axes[name].values])) as unknown as SweepChoice;
const staged = "tiny/staged-float32-subgroups";
const queue = (change: Partial<SweepChoice>) => queueIds(planSweep({...choice, ...change}));

describe("the queue of a sweep", () => {
  it("has every combination, with ids that say what it is", () => {
    expect(
      queue({
        shapes: ["tiny", "phi3-mini"],
        factorings: ["fused"],
        arithmetic: ["int16"],
        workgroups: ["1", "resident"],
        sizes: ["default", "512"]
      })
    ).toEqual([
      "tiny/fused-1-int16-subgroups",
      "tiny/fused-1-int16-subgroups-512",
      "tiny/fused-resident-int16-subgroups",
      "tiny/fused-resident-int16-subgroups-512",
      "phi3-mini/fused-1-int16-subgroups",
      "phi3-mini/fused-1-int16-subgroups-512",
      "phi3-mini/fused-resident-int16-subgroups",
      "phi3-mini/fused-resident-int16-subgroups-512"
    ]);
  });

  it("gives workgroups and their size to one dispatch only", () => {
    expect(queue({factorings: ["staged"], workgroups: ["1", "resident"], sizes: ["default", "64", "1024"]})).toEqual([
      "tiny/staged-float32-subgroups"
    ]);
  });

  it("divides layers over as many dispatches as a shape has layers for", () => {
    expect(queue({shapes: ["tiny", "phi3-mini-1-layer", "phi3-mini"], factorings: ["chunked"], sizes: ["64"]})).toEqual(
      [
        "tiny/chunked-2-float32-subgroups",
        "phi3-mini/chunked-2-float32-subgroups",
        "phi3-mini/chunked-4-float32-subgroups",
        "phi3-mini/chunked-8-float32-subgroups"
      ]
    );
  });

  it("has as many dispatches as are chosen, where the layers make so many groups", () => {
    const chunked = {factorings: ["chunked"], dispatches: axes.dispatches.values} as const;
    expect(queue({...chunked, shapes: ["phi3-mini-8-layers", "phi3-mini"], dispatches: ["16", "4"]})).toEqual([
      "phi3-mini-8-layers/chunked-4-float32-subgroups",
      "phi3-mini/chunked-4-float32-subgroups",
      "phi3-mini/chunked-16-float32-subgroups"
    ]);
    const [step] = planSweep({...choice, ...chunked, shapes: ["phi3-mini"]});
    expect(step!.rows.map(({dispatches, label}) => [dispatches, label])).toEqual(
      [2, 4, 8, 16, 32].map((count) => [count, `Chunked, ${count} dispatches, float32`])
    );
    const floats = {...chunked, shapes: ["phi3-mini"], dispatches: ["4"], weights: ["float16", "float32"]} as const;
    expect(queue({...floats, arithmetic: ["float32", "int16"]})).toEqual([
      "phi3-mini/chunked-4-float32-float16-weights-subgroups",
      "phi3-mini/chunked-4-float32-float32-weights-subgroups"
    ]);
    for (const {shape, rows} of planSweep({...everything, factorings: ["chunked"]})) {
      for (const {dispatches} of rows) expect(dispatches).toBeLessThanOrEqual(shapes[shape].layers);
    }
  });

  it("has as many workgroups as are chosen, of which all but one alone wait", () => {
    expect(queue({factorings: ["fused"], workgroups: ["resident", "128", "2", "1"]})).toEqual([
      "tiny/fused-1-float32-subgroups",
      "tiny/fused-2-float32-subgroups",
      "tiny/fused-128-float32-subgroups",
      "tiny/fused-resident-float32-subgroups"
    ]);
    const [step] = planSweep({...choice, factorings: ["fused"], workgroups: ["2", "resident"]});
    expect(step!.rows).toMatchObject([
      {workgroups: 2, label: "Fused, 2 workgroups, float32"},
      {workgroups: "resident"}
    ]);
    const waits = sweepExperiment({} as DecodeEnvironment, step!).variants(shapes.tiny);
    expect(waits.map(({waits}) => waits)).toEqual([true, true]);
    expect(queue({factorings: ["fused"], workgroups: ["4"], weights: ["float16"]})).toEqual([]);
  });

  it("keeps activations in registers only in workgroups that wait, with subgroups", () => {
    const registers = {factorings: ["fused", "staged"], workgroups: ["1", "2"], activations: ["registers"]} as const;
    expect(queue(registers)).toEqual([
      "tiny/fused-1-float32-subgroups",
      "tiny/fused-2-float32-subgroups-registers",
      staged
    ]);
    expect(queue({...registers, features: ["portable"]})).toEqual([
      "tiny/fused-1-float32-portable",
      "tiny/staged-float32-portable"
    ]);
    const [step] = planSweep({...choice, ...registers, workgroups: ["2"], sizes: ["512"]});
    expect(step!.rows[0]).toMatchObject({
      variant: "fused-2-float32-subgroups-512-registers",
      label: "Fused, 2 workgroups of 512, float32, activations in registers",
      activationsIn: "registers"
    });
  });

  it("has several tokens only in one dispatch, of one workgroup or of many, wherever the context has room", () => {
    const several = {factorings: ["fused", "chunked", "staged"], tokens: ["64", "1", "4"]} as const;
    expect(queue({...several, dispatches: ["2"]})).toEqual([
      "tiny/fused-1-float32-subgroups",
      "tiny/fused-1-float32-subgroups-4-tokens",
      "tiny/fused-1-float32-subgroups-64-tokens",
      "tiny/chunked-2-float32-subgroups",
      staged
    ]);
    const [step] = planSweep({...choice, factorings: ["fused"], workgroups: ["1", "2"], tokens: ["16"], sizes: ["64"]});
    expect(step!.rows).toMatchObject([
      {variant: "fused-1-float32-subgroups-64-16-tokens", tokensPerDispatch: 16},
      {label: "Fused, 2 workgroups of 64, 16 tokens a dispatch, float32", tokensPerDispatch: 16}
    ]);
    const [one] = sweepExperiment({} as DecodeEnvironment, step!).variants(shapes.tiny);
    expect(one!.identity).toMatchObject({tokensPerDispatch: 16, dispatchesPerToken: 1 / 16});
    const most = Math.max(...axes.tokens.values.map(Number));
    for (const shape of Object.values(shapes))
      expect(shape.context - timedFrom(shape), shape.id).toBeGreaterThanOrEqual(most);
  });

  it("has at first the rows that it always had, under the same ids", () => {
    const first = queueIds(planSweep({...initialChoice(), shapes: ["phi3-mini"]}));
    const launches = ["fused-1", "fused-resident", "chunked-2", "chunked-4", "chunked-8", "staged", "unfused"];
    expect(first).toEqual(
      launches.flatMap((launch) => ["float32", "int16"].map((type) => `phi3-mini/${launch}-${type}-subgroups`))
    );
  });

  it("has weights in floats only where there is a kernel for them", () => {
    expect(
      queue({
        factorings: ["fused", "unfused"],
        arithmetic: ["float32", "int16"],
        weights: ["float16", "int4"],
        workgroups: ["1", "resident"]
      })
    ).toEqual([
      "tiny/fused-1-float32-subgroups",
      "tiny/fused-1-float32-float16-weights-subgroups",
      "tiny/fused-1-int16-subgroups",
      "tiny/fused-resident-float32-subgroups",
      "tiny/fused-resident-int16-subgroups",
      "tiny/unfused-float32-subgroups",
      "tiny/unfused-float32-float16-weights-subgroups",
      "tiny/unfused-int16-subgroups"
    ]);
    const [step] = planSweep({...choice, factorings: ["staged"], weights: ["float32"]});
    expect(step!.rows).toMatchObject([{label: "Staged, float32, weights in float32", weightFormat: "float32"}]);
  });

  it("has nothing twice, whatever is ticked, and each row is what its id says", () => {
    const steps = planSweep(everything);
    const ids = queueIds(steps);
    expect(new Set(ids).size).toBe(ids.length);
    for (const {rows} of steps) {
      expect(new Set(rows.map(({label}) => label)).size).toBe(rows.length);
      expect(new Set(rows.map((row) => JSON.stringify({...row, variant: null, label: null}))).size).toBe(rows.length);
    }
    expect(new Set(steps.flatMap(({rows}) => rows.map(({factoring}) => factoring)))).toEqual(new Set(factorings));
  });

  it("has the order of the axes and each value once, in whatever order it was chosen", () => {
    expect(queue({shapes: ["phi3-mini", "tiny", "tiny"], factorings: ["staged"]})).toEqual([
      "tiny/staged-float32-subgroups",
      "phi3-mini/staged-float32-subgroups"
    ]);
  });

  it("is without the rows that are struck, and without a shape that has no other", () => {
    const both = {...choice, shapes: ["tiny", "phi3-mini"] as const};
    const struck = ["tiny/fused-1-float32-subgroups", "phi3-mini/fused-1-float32-subgroups"];
    expect(queueIds(planSweep(both, struck))).toEqual([
      "tiny/staged-float32-subgroups",
      "phi3-mini/staged-float32-subgroups"
    ]);
    expect(planSweep(both, [...struck, "tiny/staged-float32-subgroups"]).map(({shape}) => shape)).toEqual([
      "phi3-mini"
    ]);
  });

  it("is empty where an axis is", () => {
    for (const name of ["shapes", "factorings", "arithmetic", "weights", "features"] as const)
      expect(queue({[name]: []})).toEqual([]);
    expect(queue({sizes: []})).toEqual(["tiny/staged-float32-subgroups"]);
  });

  it("says what a row is run with", () => {
    const [step] = planSweep({...choice, features: ["portable"], workgroups: ["resident"], sizes: ["128"]});
    expect(step!.rows).toEqual([
      {
        variant: "fused-resident-float32-portable-128",
        label: "Fused, all resident of 128, float32, no subgroups",
        factoring: "fused",
        arithmetic: "float32",
        features: [],
        workgroups: "resident",
        kernel: {workgroupSize: 128}
      },
      {
        variant: "staged-float32-portable",
        label: "Staged, float32, no subgroups",
        factoring: "staged",
        arithmetic: "float32",
        features: []
      }
    ]);
  });

  it("takes at least the time of its warm-up and its samples", () => {
    expect(leastMilliseconds(planSweep(choice))).toBe(
      2 * (protocol.warmUpMilliseconds + protocol.samples * protocol.sampleMilliseconds)
    );
  });
});

describe("why a queue is empty", () => {
  const why = (change: Partial<SweepChoice>) => whyEmpty({...choice, ...change});

  it("is said of no queue that has rows", () => {
    expect(why({})).toBeNull();
    expect(why({factorings: ["staged"], workgroups: [], sizes: [], tokens: [], dispatches: []})).toBeNull();
  });

  it("names what nothing is chosen of", () => {
    expect(why({shapes: [], weights: []})).toBe("Choose something of: Shapes, Weights.");
    expect(why({factorings: ["fused"], workgroups: []})).toBe("Nothing is chosen of: Workgroups of the one dispatch.");
    expect(why({factorings: ["fused"], tokens: []})).toBe("Nothing is chosen of: Tokens of the one dispatch.");
  });

  it("names the combination that does not exist", () => {
    expect(why({factorings: ["chunked"], dispatches: ["16", "32"]})).toBe(
      "The layers of “Tiny, 2 layers of 192” do not make 16 or 32 groups of equal size."
    );
    expect(why({weights: ["float16"], arithmetic: ["int16"]})).toBe(
      "Weights in floats are multiplied in float32 only."
    );
    expect(why({weights: ["float32"], factorings: ["fused"], workgroups: ["resident"]})).toMatch(
      /only by workgroups that do not wait for each other: choose 1\.$/
    );
    const inRegisters = {factorings: ["fused"], workgroups: ["2"], activations: ["registers"]} as const;
    expect(why({...inRegisters, features: ["portable"]})).toBe("Activations are in registers only with subgroups.");
  });

  it("has a reason for each choice of one value on every axis that gives no row", () => {
    const one = (i: number): Partial<SweepChoice> =>
      Object.fromEntries(axisNames.map((name, j) => [name, [axes[name].values[(i >> j) % axes[name].values.length]!]]));
    const empty = Array.from({length: 4096}, (_, i) => one(i)).filter((change) => queue(change).length === 0);
    expect(empty.length).toBeGreaterThan(100);
    expect(empty.filter((change) => !why(change))).toEqual([]);
  });
});
