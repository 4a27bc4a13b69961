import {execFileSync} from "node:child_process";
import {readdirSync, readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {describe, expect, it} from "vitest";
import type {ResultRow} from "./result-row.js";
import {collectResults, parseResultFile, type ResultFile} from "./results-table.js";

const root = new URL("../../../", import.meta.url);
const results = new URL("results/", root);
const read = (name: string) => parseResultFile(name, readFileSync(new URL(name, results), "utf8"));
const recorded = ["2026-03-31_int4.json", "m2-pro-reported.json", "peers-h200.json", "replication-h200.json"].map(read);

function row(rows: readonly ResultRow[], id: string): ResultRow {
  const found = rows.find((row) => row.id === id);
  if (!found) throw new Error(`no row ${id}`);
  return found;
}

describe("collectResults", () => {
  const {rows, rooflines} = collectResults(recorded);

  it("gives every row another id", () => {
    expect(new Set(rows.map(({id}) => id)).size).toBe(rows.length);
  });

  it("derives a rate from a time, and a time from a rate", () => {
    expect(row(rows, "m2-pro-reported/predequant-32-layers-chunked").tokensPerSecond).toBeCloseTo(1000 / 449);
    expect(row(rows, "m2-pro-reported/webllm").millisecondsPerToken).toBeCloseTo(1000 / 51.5);
  });

  it("divides the time of 16 tokens by 16", () => {
    expect(row(rows, "2026-03-31_int4/phi-3-mini-32-layers").millisecondsPerToken).toBeCloseTo(64598 / 16);
    expect(row(rows, "replication-h200/headless-int4-qwen2-1-layer").tokensPerSecond).toBeCloseTo(16000 / 369);
  });

  it("gives an invalid row no figure, whatever its page printed", () => {
    const invalid = rows.filter(({valid}) => valid === false);
    expect(invalid.length).toBe(9);
    for (const {tokensPerSecond, millisecondsPerToken, spectrum} of invalid)
      expect([tokensPerSecond, millisecondsPerToken, spectrum]).toEqual([null, null, false]);
  });

  it("keeps a repeated figure once, with the note of the row that repeats it", () => {
    expect(rows.some(({id}) => id === "m2-pro-reported/int4-seq16-32-layers")).toBe(false);
    expect(row(rows, "2026-03-31_int4/phi-3-mini-32-layers").note).toMatch(/only measured 0.2 on file/);
  });

  it("refuses a row that repeats one that is not on file", () => {
    expect(() => collectResults(recorded.slice(1))).toThrow(
      /m2-pro-reported\.json: row int4-seq16-32-layers repeats “2026-03-31_int4\/phi-3-mini-32-layers”/
    );
  });

  it("calls a dispatch count that only its authors state a claim", () => {
    const claimed = rows.filter(({dispatchesClaimed}) => dispatchesClaimed);
    expect(claimed.map(({id}) => id)).toEqual(["m2-pro-reported/fused-headline"]);
  });

  it("puts only whole models, a token at a time, into the spectrum", () => {
    const spectrum = rows.filter(({spectrum}) => spectrum);
    expect(new Set(spectrum.map(({layers}) => layers))).toEqual(new Set([32]));
    expect(Math.min(...spectrum.map(({dispatchesPerToken}) => dispatchesPerToken!))).toBe(1);
    expect(new Set(spectrum.map(({device}) => device))).toEqual(new Set(["Apple M2 Pro (19-core GPU)", "NVIDIA H200"]));
  });

  it("finds one roofline per device", () => {
    expect(rooflines.map(({device, basis}) => [device, basis])).toEqual([
      ["Apple M2 Pro (19-core GPU)", "nominal"],
      ["NVIDIA H200", "measured"]
    ]);
  });

  it("shows a run as soon as its file is there, first, verified, with its own roofline", () => {
    const {rows, rooflines} = collectResults([...recorded, run()]);
    expect(rows[0]).toMatchObject({
      id: "h200-spectrum/fused",
      kind: "run",
      tokensPerSecond: 10,
      tokensPerSecondP10: 9,
      tokensPerSecondP90: 11,
      millisecondsPerToken: 100,
      verified: true,
      verification: "float64 CPU reference, relative error 1.0e-6",
      spectrum: true
    });
    expect(rows[1]).toMatchObject({
      tokensPerSecond: null,
      verified: false,
      note: "failed: device lost",
      spectrum: false
    });
    expect(rooflines.find(({device}) => device === "NVIDIA H200")?.sourceFile).toBe("h200-spectrum.json");
  });

  it("makes an empty table of no files", () => {
    expect(collectResults([]).rows).toEqual([]);
  });
});

describe("parseResultFile", () => {
  it("names the file and the path of what does not fit", () => {
    const report = JSON.stringify(read("m2-pro-reported.json").content).replace(
      '"tokensPerSecond":42.14',
      '"tokensPerSecond":"fast"'
    );
    expect(() => parseResultFile("bad.json", report)).toThrow(
      /results\/bad\.json.*\n.*rows\.10\.tokensPerSecond: .*number/
    );
  });

  it("refuses an unknown kind, broken JSON and other files", () => {
    expect(() => parseResultFile("x.json", '{"kind":"guess"}')).toThrow(/results\/x\.json: kind: is "guess"/);
    expect(() => parseResultFile("x.json", "null")).toThrow(/results\/x\.json: kind: is undefined/);
    expect(() => parseResultFile("x.json", '{"kind":')).toThrow(/results\/x\.json: not JSON/);
    expect(() => parseResultFile("notes.txt", "")).toThrow(/results\/notes\.txt: only JSON files/);
  });
});

it("the data loader prints every file of results/", {timeout: 30_000}, () => {
  const tsx = fileURLToPath(new URL("node_modules/tsx/dist/cli.mjs", root));
  const loader = fileURLToPath(new URL("src/data/results.json.ts", root));
  const {rows, reports} = JSON.parse(execFileSync(process.execPath, [tsx, loader], {encoding: "utf8", cwd: "/"}));
  expect(new Set(rows.map(({sourceFile}: ResultRow) => sourceFile))).toEqual(new Set(readdirSync(results)));
  expect(reports.length).toBe(3);
});

function run(): ResultFile {
  const identity = {dispatchesPerToken: 1, workgroups: 1, workgroupSize: 256, features: [], factoring: "fused"};
  const shape = {id: "phi3-mini", label: "Phi-3-mini", hidden: 3072, layers: 32, heads: 32, kvHeads: 32, headDim: 96};
  const device = {label: "NVIDIA H200", vendor: "nvidia", architecture: "hopper", description: "", software: false};
  const content = {
    kind: "run",
    version: 1,
    experiment: "spectrum",
    date: "2027-01-02T03:04:05.000Z",
    device: {...device, features: [], limits: {}},
    runtime: {name: "Node", os: "linux"},
    shape: {...shape, ffn: 8192, vocabulary: 32064, ropeTheta: 10000, epsilon: 1e-5, context: 256},
    weights: "synthetic",
    protocol: {warmUpMilliseconds: 300, sampleMilliseconds: 100, samples: 9, interleaved: true},
    roofline: {weightBytesPerToken: 2e9, readBandwidthBytesPerSecond: 4e12, tokensPerSecond: 2000},
    rows: [
      {
        ...identity,
        variant: "fused",
        label: "Fused",
        status: "measured",
        verification: {
          against: "float64 CPU reference",
          positions: 4,
          maxRelativeError: 1e-6,
          tolerance: 1e-4,
          tokens: 4
        },
        settled: true,
        samples: [{tokens: 1, milliseconds: 100}],
        tokensPerSecond: {median: 10, p10: 9, p90: 11}
      },
      {
        ...identity,
        variant: "staged",
        label: "Staged",
        dispatchesPerToken: 228,
        status: "failed",
        message: "device lost"
      }
    ]
  };
  return parseResultFile("h200-spectrum.json", JSON.stringify(content));
}
