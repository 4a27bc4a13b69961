import {expect, it} from "vitest";
import type {RunRecord} from "../lab/record.js";
import {runRows} from "../lab/result-row.js";
import {shapes} from "../model/shape.js";
import {chunkRun} from "./chunk-fixture.js";
import {browserLosses, resolve} from "./repeats.js";

const rowsOf = (...runs: RunRecord[]) => runs.flatMap((run, i) => runRows(run, `${i}.json`));

it("finds the same kernel in several records, and how far apart its medians are", () => {
  const {repeats, between} = resolve(
    rowsOf(chunkRun({1: 100, 4: 90}), {...chunkRun({1: 102}), experiment: "spectrum"})
  );
  const [staged, fused] = repeats;
  expect(repeats.length).toBe(2);
  expect(staged!.rows.map(({id}) => id)).toEqual(["0/staged", "1/staged"]);
  expect(fused!.rows.map(({id}) => id)).toEqual(["0/in-1", "1/in-1"]);
  expect(fused!.spread).toBeCloseTo(0.02);
  expect(between!.half).toBeCloseTo(0.01);
  expect(between!.most).toBeCloseTo(0.02);
});

it("takes another shape, runtime or way to wait, or another experiment's kernel, for none", () => {
  const base = chunkRun({4: 100}, {4: 90}, {4: 95});
  const alone = (run: RunRecord) => ({...run, rows: run.rows.filter(({factoring}) => factoring !== "staged")});
  const layer = {...base, shape: {...shapes["phi3-mini-1-layer"]}};
  const browser = {...base, runtime: {name: "Chromium 156", os: ""}};
  const other = {...base, experiment: "geometry"};
  expect(resolve(rowsOf(...[base, layer, browser, other].map(alone))).repeats).toEqual([]);
});

it("says how far percentiles are from the median, and leaves a CPU out", () => {
  const run = chunkRun({1: 100});
  const [first] = run.rows;
  run.rows = [{...first, tokensPerSecond: {median: 100, p10: 95, p90: 103}} as never];
  const software = {...run, device: {...run.device, software: true}};
  const {within, between} = resolve(rowsOf(run, software));
  expect(within.rows).toBe(1);
  expect(within.half).toBeCloseTo(0.05);
  expect(between).toBeNull();
});

it("leaves a repeat whose own samples scatter out of the spread of steady ones", () => {
  const repeated = (id: string, rates: number[], p10: number) =>
    rates.map((rate, i) => {
      const run = {...chunkRun({1: rate}), shape: {...shapes["phi3-mini"], layers: 1}, experiment: id};
      run.rows = [{...run.rows[0]!, tokensPerSecond: {median: rate, p10: i ? rate : p10 * rate, p90: rate}} as never];
      return run;
    });
  const scattering = repeated("int4", [100, 110], 0.8).map((run) => ({
    ...run,
    shape: {...shapes["phi3-mini-1-layer"]}
  }));
  const {repeats, between} = resolve(rowsOf(...repeated("chunks", [100, 101], 1), ...scattering));
  expect(repeats.map(({scattered}) => scattered)).toEqual([false, true]);
  expect(between!.mostOfSteady).toBeCloseTo(0.01);
  expect(between!.most).toBeCloseTo(0.1);
});

it("says what a browser loses against Node, the longest token first, and leaves waits out", () => {
  const node = {...chunkRun({1: 10, 4: 100}, {4: 90}), runtime: {name: "Node 20", os: ""}};
  const browser = {...chunkRun({1: 9, 4: 101}, {4: 45}), runtime: {name: "Chromium 156", os: ""}};
  const losses = browserLosses([...runRows(browser, "b.json"), ...runRows(node, "n.json")]);
  const one = losses.filter(({row}) => row.factoring !== "staged");
  expect(one.map(({milliseconds}) => milliseconds)).toEqual([100, 10]);
  expect(one.map(({loss}) => Number(loss.toFixed(3)))).toEqual([0.1, -0.01]);
});
