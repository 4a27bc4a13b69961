import {expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {runRows} from "../lab/result-row.js";
import {collectResults} from "../lab/results-table.js";
import {shapes} from "../model/shape.js";
import {chunkRun} from "./chunk-fixture.js";
import {sizeLines} from "./chunks-sizes.js";
import {findRow} from "./recorded.js";

const recorded = [findRow(collectResults(readResults()), "m2-pro-reported/int4-on-the-fly-8-layers")];
const eight = {...shapes["phi3-mini-8-layers"]};
const group = {shapes: [eight.id as "phi3-mini-8-layers"], recorded};
const ids = (...runs: Parameters<typeof runRows>[]) =>
  sizeLines(
    runs.flatMap((run) => runRows(...run)),
    group
  ).map(({row}) => row.id);

it("puts a run of as many layers beside what is on file", () => {
  const run = {...chunkRun({1: 33, 2: 33, 8: 32}, {8: 30}, {4: 31}), shape: eight};
  expect(ids([run, "eight.json"])).toEqual([
    "m2-pro-reported/int4-on-the-fly-8-layers",
    "eight/in-1",
    "eight/in-8",
    "eight/submitted-4",
    "eight/awaited-8",
    "eight/staged"
  ]);
});

it("has one workgroup of the spectrum while there is no run of its own, and nothing of another shape", () => {
  const spectrum = {...chunkRun({1: 33}), experiment: "spectrum", shape: eight};
  expect(ids([spectrum, "spectrum.json"])).toEqual([recorded[0]!.id, "spectrum/in-1", "spectrum/staged"]);
  expect(ids([chunkRun({1: 8, 4: 8}), "whole.json"])).toEqual([recorded[0]!.id]);
});
