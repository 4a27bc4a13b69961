import {execFileSync} from "node:child_process";
import {readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import type {CostResultRow} from "./cost-row.js";
import {exampleCost, exampleRun, exampleSweep} from "./lab-fakes.js";
import {unsettledRemark, type RunRecord} from "./record.js";
import type {ProfileResultRow} from "./profile-row.js";
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
    expect(row(rows, "2026-03-31_int4/phi-3-mini-32-layers").tokensPerSecond).toBeCloseTo(16000 / 64598);
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
    expect(row(rows, "2026-03-31_int4/phi-3-mini-32-layers").note).toMatch(
      /^The file prints 0\.2 tok\/s; .* The only measured 0\.2 on file/
    );
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

  it("puts only whole models into the spectrum, also where several tokens share a dispatch", () => {
    const spectrum = rows.filter(({spectrum}) => spectrum);
    expect(new Set(spectrum.map(({layers}) => layers))).toEqual(new Set([32]));
    const several = spectrum.filter(({dispatchesPerToken}) => dispatchesPerToken! < 1);
    expect(several.map(({id}) => id).sort()).toEqual([
      "2026-03-31_int4/phi-3-mini-32-layers",
      "peers-h200/probe-fused-132-16-tokens"
    ]);
    expect(new Set(spectrum.map(({device}) => device.replace(/ \(.*/, "")))).toEqual(
      new Set(["Apple M2 Pro", "NVIDIA H200"])
    );
  });

  it("finds one roofline per device", () => {
    expect(rooflines.map(({device, basis}) => [device, basis])).toEqual([
      ["Apple M2 Pro (19-core GPU)", "nominal"],
      ["NVIDIA H200", "measured"]
    ]);
  });

  it("shows a run as soon as its file is there, first, verified", () => {
    const {rows} = collectResults([...recorded, file(exampleRun().run)]);
    expect(rows[0]).toMatchObject({
      id: "h200-spectrum/fused",
      kind: "run",
      tokensPerSecond: 8,
      tokensPerSecondP10: 6.25,
      tokensPerSecondP90: 10,
      millisecondsPerToken: 125,
      verified: true,
      verification: "float64 CPU reference, relative error 1.0e-6",
      spectrum: true
    });
    expect(row(rows, "h200-spectrum/fused-portable")).toMatchObject({
      tokensPerSecond: null,
      verified: false,
      note: "failed: device lost",
      spectrum: false
    });
  });

  it("notes a run whose clocks had not settled, as the run itself did", () => {
    const {run, fused} = exampleRun();
    fused.settled = false;
    expect(row(collectResults([file(run)]).rows, "h200-spectrum/fused").note).toBe(unsettledRemark);
  });

  it("takes the highest measured bandwidth of a device, and says whose it is", () => {
    const {run} = exampleRun();
    const limit = (files: ResultFile[]) => collectResults(files).rooflines.find(({device}) => device === "NVIDIA H200");
    expect(limit([...recorded, file(run)])).toMatchObject({
      readBandwidthBytesPerSecond: 4.573e12,
      date: "2026-11-22",
      source: "measured for this notebook · read bandwidth measured on the device",
      sourceFile: "peers-h200.json"
    });
    const bytes = run.roofline!.weightBytesPerToken;
    run.roofline = {weightBytesPerToken: bytes, readBandwidthBytesPerSecond: 3000 * bytes, tokensPerSecond: 3000};
    for (const files of [
      [...recorded, file(run)],
      [file(run), ...recorded]
    ]) {
      expect(limit(files)).toMatchObject({
        tokensPerSecond: 3000,
        date: "2026-02-03",
        source: "this project's recorder, experiment spectrum",
        sourceFile: "h200-spectrum.json"
      });
    }
  });

  it("puts no ablation of a kernel into the spectrum, but its tokens in a dispatch", () => {
    const {run, fused} = exampleRun();
    const spectrum = (experiment: string) =>
      collectResults([file({...run, experiment})]).rows.map(({spectrum}) => spectrum);
    expect(spectrum("workgroups")).toContain(true);
    expect(spectrum("geometry")).not.toContain(true);
    Object.assign(fused, {dispatchesPerToken: 1 / 16, tokensPerDispatch: 16});
    expect(spectrum("geometry")).toEqual([true, false, false]);
    fused.weightFormat = "float16";
    expect(spectrum("int4")).not.toContain(true);
  });

  it("puts no software device into the spectrum, nor its bandwidth", () => {
    const {run} = exampleRun();
    run.device.software = true;
    const {rows, rooflines} = collectResults([file(run)]);
    expect(rows.map(({spectrum}) => spectrum)).toEqual([false, false, false]);
    expect(rooflines).toEqual([]);
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
  const {rows, costs, stages, reports, tunings} = JSON.parse(
    execFileSync(process.execPath, [tsx, loader], {encoding: "utf8", cwd: "/"})
  );
  const all: (ResultRow | CostResultRow | ProfileResultRow)[] = [...rows, ...costs, ...stages];
  expect(new Set([...all, ...tunings].map(({sourceFile}) => sourceFile))).toEqual(
    new Set(readResults().map(({name}) => name))
  );
  expect(reports.length).toBe(3);
});

function file(run: RunRecord): ResultFile {
  return parseResultFile("h200-spectrum.json", JSON.stringify(run));
}

it("what devices offered is from the newest run in each runtime, whatever the run measured", () => {
  const {cost} = exampleCost();
  const {run} = exampleRun();
  const at = (date: string, limit: number) => ({date, device: {...cost.device, limits: {maxBufferSize: limit}}});
  const files = {
    "old.json": {...run, ...at("2026-02-03T04:05:06.789Z", 1)},
    "new.json": {...cost, ...at("2026-03-03T04:05:06.789Z", 2)},
    "browser.json": {...cost, ...at("2026-02-03T04:05:06.789Z", 3), runtime: {name: "Chromium 156", os: ""}}
  };
  const {devices} = collectResults(
    Object.entries(files).map(([name, content]) => parseResultFile(name, JSON.stringify(content)))
  );
  expect(devices.map(({sourceFile, date, limits}) => [sourceFile, date, limits])).toEqual([
    ["new.json", "2026-03-03", {maxBufferSize: 2}],
    ["browser.json", "2026-02-03", {maxBufferSize: 3}]
  ]);
});

describe("costs", () => {
  it("are rows of their own, newest runs first, and none of the decoding table", () => {
    const older = exampleCost().cost;
    const newer = {...exampleCost().cost, date: "2026-03-03T04:05:06.789Z"};
    const files = Object.entries({"a.json": older, "b.json": newer});
    const {rows, costs} = collectResults(files.map(([name, cost]) => parseResultFile(name, JSON.stringify(cost))));
    expect(rows).toEqual([]);
    expect(costs.map(({id, microseconds, date}) => [id, microseconds, date])).toEqual([
      ["b/dispatches", 2.5, "2026-03-03"],
      ["b/exchange-8", null, "2026-03-03"],
      ["a/dispatches", 2.5, "2026-02-03"],
      ["a/exchange-8", null, "2026-02-03"]
    ]);
    expect(costs[1]!.note).toBe("discarded: 8 workgroups were not all resident at once");
    expect(costs[0]!.bytesPerSecond).toBeNull();
  });

  it("say the rate of an operation that reads bytes", () => {
    const {cost, dispatches} = exampleCost();
    dispatches.bytesPerOperation = 1_000_000;
    const {costs} = collectResults([parseResultFile("read.json", JSON.stringify(cost))]);
    expect(costs[0]!.bytesPerSecond).toEqual({median: 4e11, p10: 1e12 / 3.2, p90: 5e11});
  });
});

describe("a sweep", () => {
  const sweep = parseResultFile("h200-sweep.json", JSON.stringify(exampleSweep()));

  it("has rows that say file, shape and variant, and none of them in the spectrum", () => {
    const {rows} = collectResults([sweep]);
    expect(rows.map(({id}) => id).sort()).toEqual([
      "h200-sweep/phi3-mini-1-layer/fused",
      "h200-sweep/phi3-mini-1-layer/fused-portable",
      "h200-sweep/phi3-mini-1-layer/staged",
      "h200-sweep/phi3-mini/fused",
      "h200-sweep/phi3-mini/fused-portable",
      "h200-sweep/phi3-mini/staged"
    ]);
    expect(row(rows, "h200-sweep/phi3-mini/staged")).toMatchObject({tokensPerSecond: 320, spectrum: false});
  });

  it("has the limit of its run of the whole model", () => {
    expect(collectResults([sweep]).rooflines).toMatchObject([{device: "NVIDIA H200", tokensPerSecond: 1000}]);
  });
});
