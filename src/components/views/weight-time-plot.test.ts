import {expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {runRows} from "../lab/result-row.js";
import {collectResults} from "../lab/results-table.js";
import {shapes} from "../model/shape.js";
import {chunkRun} from "./chunk-fixture.js";
import {findRow} from "./recorded.js";
import {oneWorkgroupRows, weightsPerToken, weightTimes} from "./weight-time-plot.js";

const results = collectResults(readResults());
const recorded = (name: string) => findRow(results, `2026-03-31_int4/${name}`);

it("counts the weights of layers and LM head, and of recorded shapes those of the layers", () => {
  const layer = 113_246_208;
  const row = {...recorded("phi-3-mini-32-layers"), shapeId: "phi3-mini"};
  expect(weightsPerToken(row)).toBe(32 * layer + 32064 * 3072);
  expect(weightsPerToken(recorded("phi-3-mini-8-layers"))).toBe(8 * layer);
  expect(weightsPerToken(recorded("qwen2-0.5b-1-layer"))).toBe(12 * 896 ** 2);
});

it("names a row whose weights nobody knows", () => {
  expect(() => weightsPerToken({id: "x/y", shapeId: "phi5", layers: 1})).toThrow("row x/y is of an unknown shape");
});

it("divides the time of a token by millions of weights, the smallest model first", () => {
  const rows = ["phi-3-mini-8-layers", "qwen2-0.5b-1-layer"].map(recorded);
  const times = weightTimes({label: "", rows}).map(({microsecondsPerMillion}) => microsecondsPerMillion);
  expect(weightTimes({label: "", rows}).map(({hidden}) => hidden)).toEqual([896, 3072]);
  expect(times[0]).toBeCloseTo((156_000 / 16 / (12 * 896 ** 2)) * 1e6);
  expect(times[1]).toBeCloseTo((16_167_000 / 16 / (8 * 113_246_208)) * 1e6);
});

it("takes of each shape the newest row of one workgroup in one dispatch, Node's where there is one", () => {
  const node = runRows({...chunkRun({1: 8, 4: 9}, {1: 7}), runtime: {name: "Node 20", os: ""}}, "node.json");
  const browser = runRows({...chunkRun({1: 5}), runtime: {name: "Chromium 156", os: ""}}, "browser.json");
  const layer = runRows({...chunkRun({1: 6}), shape: {...shapes["phi3-mini-1-layer"]}}, "layer.json");
  const chosen = oneWorkgroupRows([...browser, ...node, ...layer]);
  expect(chosen.map(({id}) => id)).toEqual(["node/in-1", "layer/in-1"]);
});
