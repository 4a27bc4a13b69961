import {expect, test} from "vitest";
import type {ResultRow} from "../lab/result-row.js";
import {namesOfRest, namesOnce} from "./spectrum-plot.js";

const row = (change: Partial<ResultRow>) =>
  ({
    kind: "run",
    sourceFile: "a.json",
    label: "Staged: a dispatch for each stage",
    factoring: "staged",
    arithmetic: "float32",
    features: ["subgroups"],
    dispatchesPerToken: 228,
    workgroups: null,
    dispatchesClaimed: false,
    ...change
  }) as ResultRow;

test("a name has what a row computes with, and rows that differ in their run only have it once", () => {
  const names = namesOnce([
    row({}),
    row({sourceFile: "b.json", label: "Staged, in float32"}),
    row({arithmetic: "int16"}),
    row({factoring: "fused", workgroups: 1, features: []}),
    row({sourceFile: null}),
    row({kind: "recorded", label: "Staged probe", arithmetic: null, verified: true}),
    row({kind: "recorded", label: "Fused, headline", arithmetic: null, dispatchesClaimed: true}),
    row({factoring: "fused", workgroups: 1, dispatchesPerToken: 1 / 16}),
    row({kind: "recorded", label: "Fused, int4, Phi-3-mini-sized, 32 layers", dispatchesPerToken: 1 / 16})
  ]);
  expect(names).toEqual([
    "Staged, float32",
    "",
    "Staged, int16",
    "Fused, float32, no subgroups, 1 workgroup",
    "Yours: Staged, float32",
    "",
    "Fused, headline (claimed)",
    "Fused, float32, 1 workgroup, 16 tokens a dispatch",
    "Fused, int4, 16 tokens a dispatch"
  ]);
});

test("what a plot does not name has a line for each kernel, with the figure of the first of rows that differ in their run only", () => {
  const fused = (workgroups: number, tokensPerSecond: number) =>
    row({factoring: "fused", dispatchesPerToken: 1, workgroups, tokensPerSecond});
  const chunked = (dispatchesPerToken: number, tokensPerSecond: number) =>
    row({factoring: "chunked", dispatchesPerToken, workgroups: 1, tokensPerSecond});
  const probe = (workgroups: number, tokensPerSecond: number) =>
    row({kind: "recorded", label: `Probe, ${workgroups} workgroups`, arithmetic: null, workgroups, tokensPerSecond});
  const rows = [
    row({tokensPerSecond: 400}),
    row({tokensPerSecond: 390}),
    row({features: [], tokensPerSecond: 380}),
    ...[fused(16, 160), fused(16, 150), fused(2, 20), fused(1, 10), chunked(4, 9), chunked(2, 9.5)],
    ...[probe(8, 40), probe(1, 5)]
  ];
  const lines = namesOfRest(rows, new Set(["Staged, float32", "Fused, float32, 1 workgroup"]));
  expect(lines.map((line) => line.replaceAll("\u00a0", " "))).toEqual([
    "Staged, float32, no subgroups: 380",
    "Fused, float32, by workgroups: 2: 20, 16: 160",
    "Chunked, float32, by dispatches: 2: 9.5, 4: 9",
    "Probe, by workgroups: 1: 5, 8: 40"
  ]);
  expect(namesOfRest(rows.slice(0, 2), new Set(["Staged, float32"]))).toEqual([]);
});
