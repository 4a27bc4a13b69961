import {describe, expect, it} from "vitest";
import {factorings} from "../decode/plan.js";
import {axes, axisNames, leastMilliseconds, planSweep, queueIds, type SweepChoice} from "./sweep.js";
import {protocol} from "./protocol.js";

const choice: SweepChoice = {
  shapes: ["tiny"],
  factorings: ["fused", "staged"],
  arithmetic: ["float32"],
  weights: ["int4"],
  features: ["subgroups"],
  workgroups: ["1"],
  sizes: ["default"]
};
const everything = Object.fromEntries(axisNames.map((name) => [name, axes[name].values])) as unknown as SweepChoice;
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
