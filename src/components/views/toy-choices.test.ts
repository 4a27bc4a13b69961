import {expect, it} from "vitest";
import {runRows} from "../lab/result-row.js";
import {toyRun} from "./toy-fixture.js";
import {variantsBySize} from "./toy-choices.js";

it("has a row for each variant and a column for each size, from the newest record of the newest device", () => {
  const other = toyRun(256, {fused: 7});
  other.device.label = "Another GPU";
  const runs = [
    toyRun(64, {fused: 90, "fused-64": 95}),
    toyRun(32, {fused: 100, staged: null}),
    toyRun(64, {fused: 1}),
    other
  ];
  const [table] = variantsBySize(runs.flatMap((run, i) => runRows(run, `${i}.json`)));
  expect(table!.ranOn).toBe("NVIDIA H200");
  expect(table!.sizes).toEqual([32, 64]);
  expect(Array.from(table!.variants, ([name, speeds]) => [name, [...speeds]])).toEqual([
    [
      "fused",
      [
        [64, 90],
        [32, 100]
      ]
    ],
    ["fused-64", [[64, 95]]]
  ]);
});

it("is nothing where nothing was measured", () => {
  expect(variantsBySize([])).toEqual([]);
  expect(variantsBySize(runRows(toyRun(32, {fused: null}), "0.json"))).toEqual([]);
});

it("is a table for each runtime of the device, a browser's last", () => {
  const browser = {...toyRun(32, {fused: 90}), runtime: {name: "Chromium 156", os: "Linux"}};
  const node = {...toyRun(32, {fused: 100}), runtime: {name: "Node 20.20 with Dawn", os: "Linux"}};
  const tables = variantsBySize([browser, node].flatMap((run, i) => runRows(run, `${i}.json`)));
  expect(tables.map(({ranOn}) => ranOn)).toEqual(["NVIDIA H200", "NVIDIA H200 in Chromium 156"]);
});
