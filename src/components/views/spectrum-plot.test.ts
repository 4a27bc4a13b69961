import {expect, test} from "vitest";
import type {ResultRow} from "../lab/result-row.js";
import {namesOnce} from "./spectrum-plot.js";

test("a name has what a row computes with, and rows that differ in their run only have it once", () => {
  const row = (change: Partial<ResultRow>) =>
    ({
      kind: "run",
      sourceFile: "a.json",
      label: "Staged: a dispatch for each stage",
      factoring: "staged",
      arithmetic: "float32",
      features: ["subgroups"],
      workgroups: null,
      dispatchesClaimed: false,
      ...change
    }) as ResultRow;
  const names = namesOnce([
    row({}),
    row({sourceFile: "b.json", label: "Staged, in float32"}),
    row({arithmetic: "int16"}),
    row({factoring: "fused", workgroups: 1, features: []}),
    row({sourceFile: null}),
    row({kind: "recorded", label: "Staged probe", arithmetic: null, verified: true}),
    row({kind: "recorded", label: "Fused, headline", arithmetic: null, dispatchesClaimed: true})
  ]);
  expect(names).toEqual([
    "Staged, float32",
    "",
    "Staged, int16",
    "Fused, float32, no subgroups, 1 workgroup",
    "Yours: Staged, float32",
    "",
    "Fused, headline (claimed)"
  ]);
});
