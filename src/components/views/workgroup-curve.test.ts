import {describe, expect, it} from "vitest";
import {runRows} from "../lab/result-row.js";
import {curveRun} from "./curve-fixture.js";
import {crossover, fastestCurve, workgroupCurves, workgroupTicks} from "./workgroup-curve.js";

const points = (rates: Record<number, number>) =>
  Object.entries(rates).map(([workgroups, tokensPerSecond]) => ({workgroups: Number(workgroups), tokensPerSecond}));

describe("the crossover", () => {
  it("lies on the straight line between two points where both axes are logarithmic", () => {
    expect(crossover(points({1: 10, 4: 40, 16: 90}), 20).workgroups).toBeCloseTo(2, 10);
    const later = crossover(points({1: 10, 4: 40, 16: 90}), 60);
    expect(later.workgroups).toBeCloseTo(8, 10);
    expect(later.between).toEqual([4, 16]);
  });

  it("is a count measured where that is exactly as fast", () => {
    expect(crossover(points({1: 10, 4: 40}), 40)).toMatchObject({workgroups: 4, between: null});
  });

  it("is the smallest count measured where that is already as fast", () => {
    expect(crossover(points({2: 50, 4: 40}), 40)).toEqual({workgroups: 2, between: null});
  });

  it("is the first one where the curve falls again", () => {
    expect(crossover(points({1: 10, 4: 40, 8: 15, 16: 60}), 20).workgroups).toBeCloseTo(2, 10);
  });

  it("is none where one dispatch is never as fast", () => {
    expect(crossover(points({1: 10, 8: 60, 16: 50}), 100)).toEqual({workgroups: null, between: null});
    expect(crossover(points({1: 10}), 100).workgroups).toBeNull();
  });
});

describe("the curves of a run", () => {
  const curves = (...options: Parameters<typeof curveRun>) =>
    workgroupCurves(runRows(curveRun(...options), "run.json"));

  it("are its fused rows by workgroups, beside the staged design with the same features", () => {
    const run = curveRun({1: 10, 4: 40, 16: 90}, 60);
    run.rows.reverse();
    const [curve, ...others] = workgroupCurves(runRows(run, "run.json"));
    expect(others).toEqual([]);
    expect(curve!.rows.map(({workgroups}) => workgroups)).toEqual([1, 4, 16]);
    expect(curve!.staged!.tokensPerSecond).toBe(60);
  });

  it("have no staged design where the run has none with the same features", () => {
    expect(curves({1: 10, 4: 40}, null)[0]!.staged).toBeNull();
    const run = curveRun({1: 10, 4: 40}, 60);
    run.rows.find(({factoring}) => factoring === "staged")!.features = [];
    expect(workgroupCurves(runRows(run, "run.json"))[0]!.staged).toBeNull();
  });

  it("are several where features, arithmetic or tokens of a dispatch differ, or the run", () => {
    const run = curveRun({1: 10, 4: 40, 8: 50, 16: 70}, 60);
    run.rows[1]!.features = [];
    run.rows[2]!.arithmetic = "int16";
    run.rows[3]!.dispatchesPerToken = 1 / 4;
    const rows = [...runRows(run, "a.json"), ...runRows(curveRun({1: 11}, null), "b.json")];
    expect(workgroupCurves(rows).map(({rows}) => rows.map(({tokensPerSecond}) => tokensPerSecond))).toEqual([
      [10],
      [40],
      [50],
      [70],
      [11]
    ]);
  });

  it("go on where the workgroups of one run have different sizes", () => {
    const run = curveRun({1: 10, 4: 40}, 60);
    run.rows[1]!.workgroupSize = 512;
    expect(workgroupCurves(runRows(run, "a.json"))[0]!.rows).toHaveLength(2);
  });

  it("are beside the staged design with the same arithmetic", () => {
    const run = curveRun({1: 10, 4: 40}, 60);
    run.rows.find(({factoring}) => factoring === "staged")!.arithmetic = "int16";
    expect(workgroupCurves(runRows(run, "a.json"))[0]!.staged).toBeNull();
  });

  it("are beside the staged design with weights of the same format", () => {
    const run = curveRun({1: 10, 4: 40}, 60);
    run.rows.find(({factoring}) => factoring === "staged")!.weightFormat = "float16";
    expect(workgroupCurves(runRows(run, "a.json"))[0]!.staged).toBeNull();
  });

  it("take the fastest of several rows with one number of workgroups", () => {
    const run = curveRun({1: 10, 4: 40, 8: 50}, 60);
    run.rows[1]!.workgroups = 8;
    expect(workgroupCurves(runRows(run, "a.json"))[0]!.rows.map(({tokensPerSecond}) => tokensPerSecond)).toEqual([
      10, 50
    ]);
  });

  it("leave out what has no figure, and what others report", () => {
    expect(curves({1: 10, 4: null}, 60)[0]!.rows).toHaveLength(1);
    const rows = runRows(curveRun({1: 10}, 60), "run.json").map((row) => ({...row, kind: "recorded" as const}));
    expect(workgroupCurves(rows)).toEqual([]);
  });

  it("are told by the fastest that has a staged design beside it", () => {
    const [slow, fast, alone] = [curves({1: 10}, 60)[0]!, curves({1: 20}, 60)[0]!, curves({1: 90}, null)[0]!];
    expect(fastestCurve([slow, alone, fast])).toBe(fast);
    expect(fastestCurve([alone])).toBe(alone);
    expect(fastestCurve([])).toBeNull();
  });
});

describe("the ticks of workgroups", () => {
  it("are powers of two and the device's own count, without what has no room beside it", () => {
    expect(workgroupTicks([132], 1.5)).toEqual([1, 2, 4, 8, 16, 32, 64, 132]);
    expect(workgroupTicks([132, 20], 1.5)).toEqual([1, 2, 4, 8, 20, 32, 64, 132]);
    expect(workgroupTicks([16], 2)).toEqual([1, 2, 4, 8, 16]);
  });

  it("skip powers where the axis is narrow, evenly", () => {
    expect(workgroupTicks([1024], 2.5)).toEqual([1, 4, 16, 64, 256, 1024]);
  });

  it("are one where there is no other", () => {
    expect(workgroupTicks([1], 1.5)).toEqual([1]);
  });
});
