import {expect, it} from "vitest";
import {exampleCost, exampleRun} from "../lab/lab-fakes.js";
import {costRows} from "../lab/cost-row.js";
import {runRows} from "../lab/result-row.js";
import {noGains} from "./no-gain-table.js";

const {run, fused, staged} = exampleRun();
const rows = [
  ...runRows({...run, rows: [fused, staged]}, "a-gpu-chunks.json"),
  ...runRows({...run, rows: [fused], runtime: {...run.runtime, name: "Chromium 156"}}, "b-chunks.json")
];
const {cost} = exampleCost();
const costs = costRows(cost, "a-gpu-dispatch-cost.json");
const attempt = (before: string, after: string) => ({what: `${after} for ${before}`, before, after});
const [slow, fast] = [`chunks/${fused.variant}`, `chunks/${staged.variant}`];

it("has what was no faster, in each runtime that has both rows", () => {
  const found = noGains({rows, costs}, [attempt(fast, slow), attempt(slow, fast)], ["a-gpu", "b"]);
  expect(found).toMatchObject([{what: `${slow} for ${fast}`, ranOn: "NVIDIA H200", ratio: 8 / 320}]);
  expect(found[0]!.before).toContain("320");
});

it("takes what costs no less for no gain, and leaves out rows without a figure and rows that are not there", () => {
  const variants = costs
    .filter(({microseconds}) => microseconds !== null)
    .map(({variant}) => `dispatch-cost/${variant}`);
  const stalled = costs.find(({microseconds}) => microseconds === null)!;
  const same = attempt(variants[0]!, variants[0]!);
  expect(noGains({rows, costs}, [same], ["a-gpu"])).toMatchObject([{ratio: 1}]);
  const without = [`dispatch-cost/${stalled.variant}`, "dispatch-cost/nothing"].map((id) => attempt(variants[0]!, id));
  expect(noGains({rows, costs}, without, ["a-gpu"])).toEqual([]);
});

it("says the arithmetic that both rows have, the record, and of a small gain whether their samples overlap", () => {
  const {median, p10, p90} = fused.tokensPerSecond;
  const measured = (variant: string, [low, middle, high]: number[]) => ({
    ...fused,
    variant,
    tokensPerSecond: {median: middle!, p10: low!, p90: high!}
  });
  const [near, clear] = [
    measured("near", [p10, 1.01 * median, p90]),
    measured("clear", [1.001 * p90, 1.01 * median, 2 * p90])
  ];
  const integers = {...fused, variant: "integers", arithmetic: "int16" as const};
  const rows = runRows({...run, rows: [fused, near, clear, integers]}, "a-chunks.json");
  const found = noGains(
    {rows, costs},
    ["near", "clear", "integers"].map((variant) => attempt(slow, `chunks/${variant}`)),
    ["a"]
  );
  expect(found.map(({real}) => real)).toEqual([false, true, false]);
  expect(found.map(({arithmetic}) => arithmetic)).toEqual(["float32", "float32", null]);
  for (const {sourceUrl} of found) expect(sourceUrl).toContain("a-chunks.json");
});
