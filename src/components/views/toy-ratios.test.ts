import {expect, it} from "vitest";
import {runRows} from "../lab/result-row.js";
import {toyRun} from "./toy-fixture.js";
import {ratioCurves} from "./toy-ratios.js";

const [small, large] = [
  toyRun(32, {fused: 300, "fused-64": 100, staged: 100, unfused: 50}),
  toyRun(64, {fused: 90, staged: 100, unfused: null})
];
const inBrowser = {...small!, runtime: {...small!.runtime, name: "Chromium 156"}};

it("compares the fastest one dispatch with each other design, at each size, in each runtime and in the reader's runs", () => {
  const rows = [small!, large!, inBrowser].flatMap((run, i) => runRows(run, `${i}.json`));
  const curves = ratioCurves(rows, [large!], 0.02);
  expect(curves.map(({ranOn, origin, other}) => [ranOn, origin, other])).toEqual([
    ["NVIDIA H200", "recorded", "unfused"],
    ["NVIDIA H200", "recorded", "staged"],
    ["NVIDIA H200 in Chromium 156", "recorded", "unfused"],
    ["NVIDIA H200 in Chromium 156", "recorded", "staged"],
    ["NVIDIA H200", "yours", "staged"]
  ]);
  expect(curves[0]!.points).toMatchObject([{hidden: 32, ratio: 6}]);
  expect(curves[1]!.points).toMatchObject([
    {hidden: 32, ratio: 3},
    {hidden: 64, ratio: 0.9}
  ]);
});

it("is nothing without a run", () => {
  expect(ratioCurves([], [], 0)).toEqual([]);
});
