import {expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {collectResults} from "../lab/results-table.js";
import {layerTimes} from "./layer-time-plot.js";
import {findRow} from "./recorded.js";

const results = collectResults(readResults());
const times = (...ids: string[]) =>
  layerTimes({label: "", rows: ids.map((id) => findRow(results, id))}).map(({milliseconds}) => milliseconds);

it("divides the time of a token by the layers", () => {
  const file = ["1-layer", "8-layers", "32-layers"].map((name) => `2026-03-31_int4/phi-3-mini-${name}`);
  expect(times(...file).map(Math.round)).toEqual([125, 126, 126]);
  expect(times("m2-pro-reported/predequant-8-layers")[0]).toBeCloseTo(227 / 8);
});

it("names a row that has no time", () => {
  expect(() => times("replication-h200/bigwg-256")).toThrow("replication-h200/bigwg-256");
});
