import {expect, it} from "vitest";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {RunRecord} from "../lab/record.js";
import {compareSizes, formatRatio, sizeCurves} from "./size-curve.js";
import {toyRun} from "./toy-fixture.js";

const rowsOf = (...runs: RunRecord[]): ResultRow[] => runs.flatMap((run, i) => runRows(run, `${i}.json`));
const points = (rows: ResultRow[], device = 0) =>
  Object.fromEntries(
    Array.from(sizeCurves(rows)[device]!.curves, ([factoring, points]) => [
      factoring,
      points.map(({hidden, row}) => [hidden, row.tokensPerSecond])
    ])
  );

it("puts the sizes of several records into one line for each factoring, the smallest first", () => {
  const rows = rowsOf(toyRun(256, {fused: 100, staged: 200}), toyRun(32, {fused: 900, staged: 400, unfused: 150}));
  expect(points(rows)).toEqual({
    fused: [
      [32, 900],
      [256, 100]
    ],
    staged: [
      [32, 400],
      [256, 200]
    ],
    unfused: [[32, 150]]
  });
});

it("takes the fastest row of a factoring, and none that has no figure", () => {
  const rows = rowsOf(toyRun(32, {fused: 100, "fused-64": 300, "fused-portable": 200, staged: null}));
  expect(points(rows)).toEqual({fused: [[32, 300]]});
});

it("takes the first record of a size, and another size's from another file", () => {
  const rows = rowsOf(toyRun(32, {fused: 100}), toyRun(32, {fused: 900, staged: 50}), toyRun(64, {fused: 80}));
  expect(points(rows)).toEqual({
    fused: [
      [32, 100],
      [64, 80]
    ]
  });
});

it("keeps devices and runtimes apart, a browser's behind", () => {
  const browser = {...toyRun(32, {fused: 70}), runtime: {name: "Chromium 156", os: "Linux"}};
  const rows = rowsOf(browser, toyRun(32, {fused: 80}));
  expect(sizeCurves(rows).map(({ranOn}) => ranOn)).toEqual(["NVIDIA H200", "NVIDIA H200 in Chromium 156"]);
  expect(points(rows, 1)).toEqual({fused: [[32, 70]]});
});

it("compares sizes at which one dispatch and something else have a figure", () => {
  const rows = rowsOf(
    toyRun(32, {fused: 100, staged: 50, unfused: 100}),
    toyRun(64, {fused: 90}),
    toyRun(128, {staged: 40}),
    toyRun(256, {fused: 20, unfused: 30})
  );
  const sizes = compareSizes(sizeCurves(rows)[0]!, 0.02);
  expect(sizes).toMatchObject([
    {hidden: 32, fused: 100, staged: {ratio: 2, verdict: "faster"}, unfused: {ratio: 1, verdict: "equal"}},
    {hidden: 256, fused: 20, staged: null, unfused: {ratio: 20 / 30, verdict: "slower"}}
  ]);
});

it("takes two designs for equal where their percentiles overlap, or their medians differ by no more than a kernel’s own", () => {
  const compare = (fused: number[], staged: number[]) => {
    const rows = rowsOf(toyRun(32, {fused: fused[1]!, staged: staged[1]!}));
    for (const row of rows)
      [row.tokensPerSecondP10, , row.tokensPerSecondP90] = (row.factoring === "fused" ? fused : staged) as number[];
    return compareSizes(sizeCurves(rows)[0]!, 0.02)[0]!.staged!;
  };
  const ratio = compare([130, 135, 136], [110, 122, 125]);
  expect(ratio).toMatchObject({least: 130 / 125, most: 136 / 110, verdict: "faster"});
  expect(formatRatio(ratio)).toBe("1.04 to 1.24 times");
  expect(compare([130, 135, 136], [110, 122, 131]).verdict).toBe("equal");
  expect(compare([110, 122, 125], [130, 135, 136]).verdict).toBe("slower");
  expect(compare([101, 101.5, 102], [99, 100, 100.5]).verdict).toBe("equal");
});

it("refuses a row of a shape whose hidden size nobody knows", () => {
  const run = toyRun(32, {fused: 1});
  expect(() => sizeCurves(rowsOf({...run, shape: {...run.shape, id: "other"}}))).toThrow(
    "row 0/fused is of the shape other, which is no preset"
  );
});
