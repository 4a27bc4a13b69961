import {describe, expect, it} from "vitest";
import {atSpeed, exampleRun} from "../lab/lab-fakes.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {initialChoice} from "../lab/sweep-settings.js";
import {axes, axisNames, planSweep, type SweepChoice} from "../lab/sweep.js";
import {findGainless, sweepChanges} from "./sweep-changes.js";

/** Rows of a sweep at these speeds by variant, all of one shape. */
function sweepRows(speeds: Record<string, number>): ResultRow[] {
  const {run, fused} = exampleRun();
  const rows = Object.entries(speeds).map(([variant, speed]) => ({...atSpeed(fused, speed), variant, label: variant}));
  return runRows({...run, experiment: "bench", rows}, "sweep.json", "phi3-mini/");
}

const told = (rows: ResultRow[]) =>
  sweepChanges(rows).map(({what, before, after}) => [what, before.label, after.label]);

describe("the changes of a sweep", () => {
  it("are pairs of rows that differ in one choice", () => {
    const rows = sweepRows({
      "fused-1-float32-subgroups": 9,
      "fused-1-int16-subgroups": 19,
      "fused-1-int16-subgroups-64": 3,
      "fused-1-float32-float16-weights-subgroups": 8,
      "fused-16-int16-subgroups-512": 260,
      "fused-16-int16-subgroups-512-registers": 90,
      "fused-16-int16-subgroups-512-4-tokens": 270,
      "fused-16-int16-subgroups-512-registers-4-tokens": 91,
      "chunked-4-int16-subgroups": 19,
      "staged-float32-portable": 300,
      "staged-float32-subgroups": 400,
      "unfused-float32-subgroups": 200
    });
    expect(told(rows)).toEqual([
      ["16-bit integers, not float32", "fused-1-float32-subgroups", "fused-1-int16-subgroups"],
      ["No subgroups", "staged-float32-subgroups", "staged-float32-portable"],
      ["Weights expanded to float16", "fused-1-float32-subgroups", "fused-1-float32-float16-weights-subgroups"],
      ["A dispatch for each operation, not for each stage", "staged-float32-subgroups", "unfused-float32-subgroups"],
      ["One workgroup in several dispatches, not in one", "fused-1-int16-subgroups", "chunked-4-int16-subgroups"],
      ["Workgroups of 64, not of the kernel’s own size", "fused-1-int16-subgroups", "fused-1-int16-subgroups-64"],
      ["Activations in registers", "fused-16-int16-subgroups-512", "fused-16-int16-subgroups-512-registers"],
      [
        "Activations in registers",
        "fused-16-int16-subgroups-512-4-tokens",
        "fused-16-int16-subgroups-512-registers-4-tokens"
      ],
      ["4 tokens in a dispatch, not one", "fused-16-int16-subgroups-512", "fused-16-int16-subgroups-512-4-tokens"],
      [
        "4 tokens in a dispatch, not one",
        "fused-16-int16-subgroups-512-registers",
        "fused-16-int16-subgroups-512-registers-4-tokens"
      ]
    ]);
    expect(told(rows.map((row) => ({...row, experiment: "spectrum"})))).toEqual([]);
  });

  it("have a pair for every value of every axis but the first ones, whatever ids a sweep has", () => {
    const everything = Object.fromEntries(axisNames.map((name) => [name, axes[name].values])) as unknown as SweepChoice;
    const [step] = planSweep({...initialChoice(), ...everything, shapes: ["phi3-mini"]});
    const rows = sweepRows(Object.fromEntries(step!.rows.map(({variant}, i) => [variant, i + 1])));
    const changes = sweepChanges(rows);
    expect(new Set(changes.map(({what}) => what)).size).toBe(2 + 2 + 1 + 1 + 5 + 1 + 3);
    for (const {before, after} of changes) expect(after.id).not.toBe(before.id);
    const reached = new Set(changes.flatMap(({before, after}) => [before.id, after.id]));
    expect(rows.filter(({id}) => !reached.has(id))).toEqual([]);
  });
});

describe("what gave nothing", () => {
  it("made no row faster, and has the row first that lost the most", () => {
    const rows = sweepRows({
      "staged-float32-subgroups": 400,
      "staged-float32-portable": 300,
      "fused-1-float32-subgroups": 10,
      "fused-1-float32-portable": 5,
      "fused-1-int16-subgroups": 19,
      "staged-int16-subgroups": 300,
      "chunked-2-float32-subgroups": 10.1
    });
    const lists = findGainless(sweepChanges(rows), 0.02).map((pairs) => pairs.map(({after}) => after.label));
    expect(lists).toEqual([["fused-1-float32-portable", "staged-float32-portable"], ["chunked-2-float32-subgroups"]]);
  });
});
