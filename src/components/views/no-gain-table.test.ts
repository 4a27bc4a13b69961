import {expect, it} from "vitest";
import {exampleCost, exampleRun} from "../lab/lab-fakes.js";
import {costRows} from "../lab/cost-row.js";
import {runRows} from "../lab/result-row.js";
import {shapes} from "../model/shape.js";
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
  const found = noGains({rows, costs}, [attempt(fast, slow), attempt(slow, fast)], {files: ["a-gpu", "b"]});
  expect(found).toMatchObject([{what: `${slow} for ${fast}`, ranOn: "NVIDIA H200", ratio: 8 / 320}]);
  expect(found[0]!.before).toContain("320");
});

it("takes what costs no less for no gain, and leaves out rows without a figure and rows that are not there", () => {
  const variants = costs
    .filter(({microseconds}) => microseconds !== null)
    .map(({variant}) => `dispatch-cost/${variant}`);
  const stalled = costs.find(({microseconds}) => microseconds === null)!;
  const same = attempt(variants[0]!, variants[0]!);
  expect(noGains({rows, costs}, [same], {files: ["a-gpu"]})).toMatchObject([{ratio: 1}]);
  const without = [`dispatch-cost/${stalled.variant}`, "dispatch-cost/nothing"].map((id) => attempt(variants[0]!, id));
  expect(noGains({rows, costs}, without, {files: ["a-gpu"]})).toEqual([]);
});

it("says the arithmetic that both rows have, the record, and what counts as equal", () => {
  const {median, p10, p90} = fused.tokensPerSecond;
  const measured = (variant: string, times: number) => ({
    ...fused,
    variant,
    tokensPerSecond: {median: times * median, p10: times * p10, p90: times * p90}
  });
  const tried = [measured("more", 1.03), measured("near", 1.01), measured("below", 0.99), measured("less", 0.9)];
  const integers = {...fused, variant: "integers", arithmetic: "int16" as const};
  const rows = runRows({...run, rows: [fused, ...tried, integers]}, "a-chunks.json");
  const attempts = ["more", "near", "below", "less", "integers"].map((variant) => attempt(slow, `chunks/${variant}`));
  const found = noGains({rows, costs}, attempts, {files: ["a"], equal: 0.02});
  expect(found.map(({what, equal}) => [what.split(" ")[0], equal])).toEqual([
    ["chunks/near", true],
    ["chunks/below", true],
    ["chunks/less", false],
    ["chunks/integers", true]
  ]);
  expect(found.map(({arithmetic}) => arithmetic)).toEqual(["float32", "float32", "float32", null]);
  for (const {sourceUrl} of found) expect(sourceUrl).toContain("a-chunks.json");
});

it("compares with the median of the same kernel measured several times", () => {
  const measured = (variant: string, median: number) => ({
    ...fused,
    variant,
    tokensPerSecond: {median, p10: 0.999 * median, p90: 1.001 * median}
  });
  const kernels = [measured("a", 100), measured("b", 102), measured("c", 101.5)];
  const rows = runRows({...run, rows: [...kernels, measured("near", 102.5)]}, "a-chunks.json");
  const before = ["chunks/a", "chunks/b", "chunks/c"];
  const options = {files: ["a"], equal: 0.02};
  const found = noGains({rows, costs}, [{what: "", before, after: "chunks/near"}], options);
  expect(found).toMatchObject([{ratio: 102.5 / 101.5, equal: true}]);
  expect(found[0]!.before).toContain("102");
  const missing = [{what: "", before: [...before, "chunks/d"], after: "chunks/near"}];
  expect(noGains({rows, costs}, missing, options)).toEqual([]);
});

it("takes for equal what the same kernel was measured apart in these records, where nothing else is said", () => {
  const at = (median: number) => ({
    ...{...fused, variant: "fused"},
    tokensPerSecond: {median, p10: 0.99 * median, p90: 1.01 * median}
  });
  const base = {...run, experiment: "chunks", shape: {...shapes["phi3-mini"]}};
  const rows = [at(100), at(102)].flatMap((row, i) => runRows({...base, rows: [row]}, `${i}-chunks.json`));
  const tried = runRows(
    {
      ...base,
      rows: [
        {...at(101), variant: "tried"},
        {...at(104), variant: "won"}
      ]
    },
    "0-chunks.json"
  );
  const attempts = ["tried", "won"].map((variant) => attempt("chunks/fused", `chunks/${variant}`));
  expect(noGains({rows: [...rows, ...tried], costs}, attempts, {files: ["0"]})).toMatchObject([
    {ratio: 1.01, equal: true}
  ]);
});
