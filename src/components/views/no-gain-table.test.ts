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
