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

it("compares with the median of the same kernel measured several times, and calls no gain real within its spread", () => {
  const measured = (variant: string, median: number) => ({
    ...fused,
    variant,
    tokensPerSecond: {median, p10: 0.999 * median, p90: 1.001 * median}
  });
  const kernels = [measured("a", 100), measured("b", 102), measured("c", 101.5)];
  const tried = [measured("near", 102.5), measured("clear", 103.3)];
  const rows = runRows({...run, rows: [...kernels, ...tried]}, "a-chunks.json");
  const before = ["chunks/a", "chunks/b", "chunks/c"];
  const attempts = tried.map(({variant}) => ({what: variant, before, after: `chunks/${variant}`}));
  const found = noGains({rows, costs}, attempts, ["a"]);
  expect(found.map(({ratio}) => ratio)).toEqual([102.5 / 101.5, 103.3 / 101.5]);
  expect(found.map(({real}) => real)).toEqual([false, false]);
  const steady = noGains({rows, costs}, [{what: "", before: before.slice(1), after: "chunks/clear"}], ["a"]);
  expect(steady.map(({real}) => real)).toEqual([true]);
  expect(steady[0]!.before).toContain("102");
  const missing = [{what: "", before: [...before, "chunks/d"], after: "chunks/near"}];
  expect(noGains({rows, costs}, missing, ["a"])).toEqual([]);
});
