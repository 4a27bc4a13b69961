import {expect, it} from "vitest";
import {runRows} from "../lab/result-row.js";
import type {Roofline} from "../lab/results-table.js";
import {curveRun} from "./curve-fixture.js";
import {workgroupsData} from "./workgroups-plot.js";

const rooflines = ["NVIDIA H200", "Apple M2 Pro", "another"].map((device) => ({device}) as Roofline);
const curve = runRows(curveRun({1: 10, 4: 40}, 20), "h200.json");
const alone = curveRun({1: 3}, 20);
const onM2 = runRows({...alone, device: {...alone.device, label: "Apple M2 Pro"}}, "m2.json");

it("draws recorded curves, and one workgroup of the devices that have none, with their limits", () => {
  const {curves, singles, rooflines: limits} = workgroupsData({rows: [...curve, ...onM2], rooflines});
  expect(curves.map(({rows}) => rows.map(({id}) => id))).toEqual([["h200/fused-1", "h200/fused-4"]]);
  expect(singles.map(({id}) => id)).toEqual(["m2/fused-1"]);
  expect(limits.map(({device}) => device)).toEqual(["NVIDIA H200", "Apple M2 Pro"]);
});

it("draws one workgroup of a device until there is a curve of it", () => {
  const spectrum = runRows(curveRun({1: 9}, 20), "spectrum.json");
  expect(workgroupsData({rows: spectrum, rooflines}).singles.map(({id}) => id)).toEqual(["spectrum/fused-1"]);
  expect(workgroupsData({rows: [...curve, ...spectrum], rooflines}).singles).toEqual([]);
});

it("draws the reader's curve first, of any shape and however short", () => {
  const {curves} = workgroupsData({rows: curve, yours: curveRun({2: 7}, null), rooflines});
  expect(curves.map(({rows}) => rows.map(({id}) => id))[0]).toEqual(["this-page/fused-2"]);
  expect(curves).toHaveLength(2);
});

it("draws of the reader's curves only those that are lines, where there are any", () => {
  const run = curveRun({1: 10, 4: 40, 16: 90}, 20);
  run.rows[2]!.arithmetic = "int16";
  const {curves} = workgroupsData({rows: [], yours: run, rooflines});
  expect(curves.map(({rows}) => rows.map(({id}) => id))).toEqual([["this-page/fused-1", "this-page/fused-4"]]);
});

it("draws no recorded row that is not of a whole model on a GPU", () => {
  const rows = [...curve, ...onM2].map((row) => ({...row, spectrum: false}));
  expect(workgroupsData({rows, rooflines})).toEqual({curves: [], singles: [], rooflines: []});
});
