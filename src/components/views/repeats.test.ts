import {expect, it} from "vitest";
import type {RunRecord} from "../lab/record.js";
import {runRows} from "../lab/result-row.js";
import {shapes} from "../model/shape.js";
import {chunkRun} from "./chunk-fixture.js";
import {browserLosses, equalWithin, resolve} from "./repeats.js";

const rowsOf = (...runs: RunRecord[]) => runs.flatMap((run, i) => runRows(run, `${i}.json`));

/** A run whose rows have the names of the experiment's variants. */
const run = (...speeds: Parameters<typeof chunkRun>): RunRecord => {
  const made = chunkRun(...speeds);
  const named = ({variant}: {variant: string}) =>
    variant
      .replace(/^in-1$/, "fused")
      .replace(/^in-/, "chunked-")
      .replace(/^(awaited|submitted)-(\d+)$/, "chunked-$2-$1");
  return {...made, rows: made.rows.map((row) => ({...row, variant: named(row)}))};
};

it("finds the same kernel in several records, and how far apart its medians are", () => {
  const {repeats, twins, again} = resolve(rowsOf(run({1: 100, 4: 90}), {...run({1: 102}), experiment: "spectrum"}));
  const [staged, fused] = repeats;
  expect(repeats.length).toBe(2);
  expect(staged!.rows.map(({id}) => id)).toEqual(["0/staged", "1/staged"]);
  expect(fused!.rows.map(({id}) => id)).toEqual(["0/fused", "1/fused"]);
  expect(fused!.spread).toBeCloseTo(0.02);
  expect(again!.half).toBeCloseTo(0.01);
  expect(again!.most).toBeCloseTo(0.02);
  expect(twins).toEqual([]);
  expect(equalWithin(repeats.flatMap(({rows}) => rows))).toBe(again!.most);
  expect(equalWithin(fused!.rows.slice(1))).toBe(0);
});

it("finds the same kernel in several rows of one record, and the pairs whose percentiles do not overlap", () => {
  const base = run({1: 100});
  const row = base.rows.find(({variant}) => variant === "fused")!;
  const rates = {resident: [98, 100, 102], "size-512": [101, 103, 105], "team-rows-8": [104, 106, 108]};
  const rows = Object.entries({...rates, "team-rows-2": [50, 60, 70]}).map(([variant, [p10, median, p90]]) => ({
    ...row,
    ...{variant, arithmetic: "int16", workgroups: 132, workgroupSize: 512, tokensPerSecond: {median, p10, p90}}
  }));
  const {repeats, twins} = resolve(rowsOf({...base, experiment: "geometry", rows} as never));
  expect(repeats.length).toBe(1);
  expect(twins[0]!.rows.map(({id}) => id)).toEqual(["0/resident", "0/size-512", "0/team-rows-8"]);
  expect(twins[0]).toMatchObject({pairs: 3, disjoint: 1});
  expect(twins[0]!.spread).toBeCloseTo(0.06);
});

it("takes another shape, runtime or way to wait, or a kernel that is none of the experiment's, for none", () => {
  const base = run({4: 100}, {4: 90}, {4: 95});
  const alone = (run: RunRecord) => ({...run, rows: run.rows.filter(({factoring}) => factoring !== "staged")});
  const layer = {...base, shape: {...shapes["phi3-mini-1-layer"]}};
  const browser = {...base, runtime: {name: "Chromium 156", os: ""}};
  const other = {...base, experiment: "geometry"};
  expect(resolve(rowsOf(...[base, layer, browser, other].map(alone))).repeats).toEqual([]);
});

it("says how far percentiles are from the median, and leaves a CPU out", () => {
  const one = run({1: 100});
  one.rows = [{...one.rows[0], tokensPerSecond: {median: 100, p10: 95, p90: 103}} as never];
  const software = {...one, device: {...one.device, software: true}};
  const {within, again} = resolve(rowsOf(one, software));
  expect(within.rows).toBe(1);
  expect(within.half).toBeCloseTo(0.05);
  expect(again).toBeNull();
});

it("says what a browser loses against Node, the longest token first, and leaves waits out", () => {
  const node = {...chunkRun({1: 10, 4: 100}, {4: 90}), runtime: {name: "Node 20", os: ""}};
  const browser = {...chunkRun({1: 9, 4: 101}, {4: 45}), runtime: {name: "Chromium 156", os: ""}};
  const losses = browserLosses([...runRows(browser, "b.json"), ...runRows(node, "n.json")]);
  const one = losses.filter(({row}) => row.factoring !== "staged");
  expect(one.map(({milliseconds}) => milliseconds)).toEqual([100, 10]);
  expect(one.map(({loss}) => Number(loss.toFixed(3)))).toEqual([0.1, -0.01]);
});
