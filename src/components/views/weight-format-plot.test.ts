import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import type {RunRecord} from "../lab/record.js";
import {runRows} from "../lab/result-row.js";
import {collectResults} from "../lab/results-table.js";
import {shapes, weightBytesPerToken} from "../model/shape.js";
import {formatRun} from "./format-run-fixture.js";
import {findRow} from "./recorded.js";
import {formatLimits, formatPoints, reported} from "./weight-format-plot.js";
import {modelBytes} from "./weight-bytes-table.js";

const results = collectResults(readResults());
const run = formatRun({int4: 8, float32: 9}, {int4: 400, float32: 200}, {tokens: 8});

describe("the points", () => {
  it("have every figure that others reported, with the format of its weights", () => {
    const points = formatPoints(
      Object.keys(reported).map((id) => findRow(results, id)),
      null
    );
    expect(points.length).toBe(Object.keys(reported).length);
    for (const {row, format, launch} of points) {
      expect(format).toBe(row.id.includes("predequant") ? "float32" : "int4");
      const several = row.id.startsWith("2026") || row.id.includes("headless-int4");
      expect(launch).toBe(several ? "one workgroup, 16 tokens in a dispatch" : "one workgroup");
    }
    expect([...new Set(points.map(({panel}) => panel))].sort()).toEqual([
      "1 layer",
      "32 layers",
      "8 layers",
      "Qwen2, 1 layer",
      "Qwen2, 24 layers"
    ]);
  });

  it("are of the newest record of each shape, and of the reader's run", () => {
    const older = formatRun({int4: 7}, {int4: 300});
    const layer = formatRun({int4: 160}, {int4: 7000}, {shape: shapes["phi3-mini-1-layer"]});
    const rows = [run, older, layer].flatMap((one, i) => runRows(one, `${i}.json`));
    const points = formatPoints(rows, formatRun({float16: 1}, {}, {shape: shapes.tiny}));
    expect(
      points.map(({panel, format, launch, origin, row}) => [panel, format, launch, origin, row.tokensPerSecond])
    ).toEqual([
      ["32 layers", "int4", "one workgroup", "recorded", 8],
      ["32 layers", "float32", "one workgroup", "recorded", 9],
      ["32 layers", "int4", "staged", "recorded", 400],
      ["32 layers", "float32", "staged", "recorded", 200],
      ["32 layers", "int4", "one workgroup, 16 tokens in a dispatch", "recorded", 8],
      ["1 layer", "int4", "one workgroup", "recorded", 160],
      ["1 layer", "int4", "staged", "recorded", 7000],
      ["tiny", "float16", "one workgroup", "yours", 1]
    ]);
  });

  it("of several dispatches have a line of their own, without those that the CPU waits for", () => {
    const own = formatRun({float32: 9}, {});
    const [row] = own.rows;
    const chunked = {...row!, factoring: "chunked", dispatchesPerToken: 4, layersPerDispatch: 8} as const;
    const rows = [row!, {...chunked, variant: "a"}, {...chunked, variant: "b", awaited: true}];
    const points = formatPoints([], {...own, rows: rows as RunRecord["rows"]});
    expect(points.map(({launch, format}) => [launch, format])).toEqual([
      ["one workgroup", "float32"],
      ["one workgroup, several dispatches", "float32"]
    ]);
  });

  it("keep their format through the table of all results", () => {
    const files = [...readResults(), {name: "a-int4.json", kind: "run" as const, content: run}];
    const rows = collectResults(files).rows.filter(
      ({experiment, sourceFile}) => experiment === "int4" && sourceFile === "a-int4.json"
    );
    expect(new Set(rows.map(({weightFormat}) => weightFormat))).toEqual(new Set(["int4", "float32"]));
    const inFirstPlot = rows.filter(({spectrum}) => spectrum).map(({dispatchesPerToken}) => dispatchesPerToken);
    expect(inFirstPlot, "several tokens in a dispatch alone").toEqual([1 / 16]);
  });
});

it("limits are the bandwidth over the bytes of the panel's shape and the format", () => {
  const layer = shapes["phi3-mini-1-layer"];
  const rows = [run, formatRun({int4: 160}, {}, {shape: layer})].flatMap((one, i) => runRows(one, `${i}.json`));
  const roofline = {...results.rooflines[0]!, device: "NVIDIA H200", readBandwidthBytesPerSecond: 1e12};
  const other = {...roofline, device: "Another GPU"};
  const limits = formatLimits(formatPoints(rows, null), [roofline, other], null);
  expect(limits.length).toBe(6);
  expect(limits.map(({device}) => device)).not.toContain("Another GPU");
  const limitOf = (panel: string) => limits.find((limit) => limit.panel === panel && limit.format === "float32")!;
  expect(limitOf("32 layers").tokensPerSecond).toBeCloseTo(1e12 / weightBytesPerToken(shapes["phi3-mini"], "float32"));
  expect(limitOf("1 layer").tokensPerSecond).toBeCloseTo(1e12 / weightBytesPerToken(layer, "float32"));
});

it("Qwen2-sized layers have no limit but that of a row of this project's own shape", () => {
  const recorded = [findRow(results, "2026-03-31_int4/qwen2-0.5b-24-layers")];
  const roofline = {...results.rooflines[0]!, device: "NVIDIA H200", readBandwidthBytesPerSecond: 1e12};
  const ours = runRows(formatRun({int4: 60}, {}, {shape: shapes["qwen2-0.5b-24-layers"]}), "qwen2.json");
  expect(formatLimits(formatPoints(recorded, null), [roofline], null)).toEqual([]);
  const limits = formatLimits(formatPoints([...recorded, ...ours], null), [roofline], null);
  expect(limits.map(({panel}) => panel)).toEqual(Array(3).fill("Qwen2, 24 layers"));
  expect(limits[0]!.tokensPerSecond).toBeCloseTo(1e12 / weightBytesPerToken(shapes["qwen2-0.5b-24-layers"]));
});

it("a model's bytes are those of all its buffers", () => {
  const shape = shapes["phi3-mini"];
  const embedding = weightBytesPerToken({...shape, layers: 0});
  for (const format of ["int4", "float16", "float32"] as const) {
    const norms = 2 * shape.hidden * (2 * shape.layers + 1);
    const least = weightBytesPerToken(shape, format) + embedding + norms;
    expect(modelBytes(shape, format)).toBeGreaterThanOrEqual(least);
    expect(modelBytes(shape, format)).toBeLessThan(least + 256 * (shape.layers + 1));
  }
});
