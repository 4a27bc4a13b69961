import {describe, expect, it} from "vitest";
import {exampleRun, exampleSweep} from "./lab-fakes.js";
import {sweepSchema, type SweepRecord} from "./sweep-record.js";

const issues = (change: (sweep: SweepRecord) => void) => {
  const sweep = exampleSweep();
  change(sweep);
  return (sweepSchema.safeParse(sweep).error?.issues ?? []).map(({path, message}) => `${path.join(".")}: ${message}`);
};

describe("the record of a sweep", () => {
  it("holds the run of each shape, and what was left out", () => {
    expect(issues(() => {})).toEqual([]);
    expect(sweepSchema.parse(exampleSweep())).toEqual(exampleSweep());
  });

  it("has runs that are right by themselves", () => {
    expect(issues(({runs}) => ((runs[1]!.roofline!.tokensPerSecond = 9), undefined))).toEqual([
      expect.stringMatching(/^runs\.1\.roofline\.tokensPerSecond: is 9, /)
    ]);
  });

  it.each<[string, (sweep: SweepRecord) => void, RegExp]>([
    ["of another experiment", ({runs}) => (runs[1]!.experiment = "spectrum"), /^runs\.1\.experiment: is “spectrum”/],
    [
      "of another device",
      ({runs}) => (runs[1]!.device = {...runs[1]!.device, label: "Other"}),
      /^runs\.1\.device\.label/
    ],
    ["in another runtime", ({runs}) => (runs[1]!.runtime = {name: "Other", os: ""}), /^runs\.1\.runtime\.name/],
    ["from before the sweep", ({runs}) => (runs[0]!.date = "2026-01-01T00:00:00.000Z"), /^runs\.0\.date: is before/],
    [
      "of a shape twice",
      ({runs}) => runs.push({...exampleRun().run, experiment: "bench"}),
      /^runs\.2\.shape\.id: .*twice/
    ]
  ])("has no run %s", (_, change, message) => {
    expect(issues(change)).toEqual([expect.stringMatching(message)]);
  });

  it("does not leave out a shape that it has", () => {
    expect(issues(({left}) => (left[0]!.shape = "phi3-mini"))).toEqual([
      expect.stringMatching(/^left\.0\.shape: .*twice/)
    ]);
  });

  it("says what it left out where it was cancelled", () => {
    expect(issues((sweep) => (sweep.left = []))).toEqual([expect.stringMatching(/^left: is empty/)]);
    expect(issues((sweep) => Object.assign(sweep, {left: [], cancelled: false}))).toEqual([]);
  });

  it("has a run", () => {
    expect(issues((sweep) => (sweep.runs = []))).toHaveLength(1);
  });
});
