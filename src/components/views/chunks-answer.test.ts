import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import type {RunRecord} from "../lab/record.js";
import {runRows} from "../lab/result-row.js";
import {collectResults} from "../lab/results-table.js";
import {shapes} from "../model/shape.js";
import {chunkRun} from "./chunk-fixture.js";
import {chunkTimes, describeChange, describeWaits, recordedChunks, waitCosts, yourChunks} from "./chunks-answer.js";
import {chunksData} from "./chunks-plot.js";

const strong = (text: string) => `*${text}*`;
const plain = (parts: string[]) => parts.join("").replaceAll("\u00a0", " ");
const rowsOf = (...runs: RunRecord[]) => runs.flatMap((run, i) => runRows(run, `${i}.json`));
const recorded = (...runs: RunRecord[]) => {
  const {answer, figures} = recordedChunks(rowsOf(...runs), strong);
  return [answer, figures].map(plain).filter(Boolean).join(" ");
};
const spectrum = {...chunkRun({1: 8}), experiment: "spectrum"};
const waitsOf = (awaited: Record<number, number>) =>
  waitCosts(chunkTimes(rowsOf(chunkRun({1: 8, 4: 8, 32: 8}, awaited))));

describe("the recorded finding", () => {
  it("compares one dispatch with several, and with the most that the CPU waits for", () => {
    expect(recorded(chunkRun({1: 8, 4: 9, 32: 8}, {1: 7, 32: 5}))).toBe(
      "One workgroup pays *125 ms* for a token of Phi-3-mini on an NVIDIA H200 and up to *75 ms* more where the CPU " +
        "waits for each dispatch. 228 dispatches that use all cores are *40 times* as fast. It decodes *8 tok/s* in " +
        "one dispatch, and *8 to 9 tok/s* in 4 to 32 dispatches (12.5 % more). Where the CPU waits for each of 32, it " +
        "is *5 tok/s* (p10 5, p90 5; 37.5 % less): a wait costs *2,344 µs*. The same work in 228 dispatches on " +
        "all cores is *320 tok/s*."
    );
  });

  it("begins with the price of a token, in however many dispatches only where all of them are alike", () => {
    expect(recorded(chunkRun({1: 8, 32: 8.1}))).toMatch(
      /^One workgroup pays \*125 ms\* .*, in however many dispatches\. 228 dispatches .* as fast\. It/
    );
    expect(recorded(chunkRun({1: 8, 4: 9, 32: 8}))).toMatch(/^One workgroup pays \*125 ms\* [^,]* NVIDIA H200\. 228/);
    expect(recorded(chunkRun({1: 8, 32: 8}, {}, {32: 4}))).toMatch(/^One workgroup pays [^,]* NVIDIA H200\. 228/);
    expect(recorded(chunkRun({1: 640, 32: 640}))).toMatch(/use all cores are \*2 times\* as slow\./);
  });

  it("says in the price what waits add at most, in whatever record and number, and nothing within a percent", () => {
    const browser = {...chunkRun({1: 8, 4: 8}, {4: 5}), runtime: {name: "Chromium 156", os: "Linux"}};
    const node = {...chunkRun({1: 8, 4: 8}, {4: 7.97}), runtime: {name: "Node 20.19 with Dawn", os: "Linux"}};
    expect(recorded(node, browser)).toMatch(
      /, in however many dispatches, and up to \*75 ms\* more where the CPU waits/
    );
    expect(recorded(node)).toMatch(/, in however many dispatches\. 228/);
  });

  it("tells dispatches in submits of their own from those of one submit, the most of them", () => {
    const text = recorded(chunkRun({1: 8, 4: 8, 32: 8}, {32: 5}, {4: 9, 32: 4}));
    expect(text).toContain(
      "one dispatch, *8 tok/s* in 4 to 32 dispatches (within 1 %), and *4 tok/s* in 32 that are each a submit (50 % less). Where"
    );
  });

  it("has a range of what a wait costs, by how many there are", () => {
    const text = recorded(chunkRun({1: 8, 4: 8, 32: 8}, {4: 7, 32: 5}));
    expect(text).toContain("*5 tok/s* (p10 5, p90 5; 37.5 % less): a wait costs *2,344 to 4,464 µs*, by how many");
    const [some, none] = [waitsOf({4: 9, 32: 5}), waitsOf({4: 8, 32: 9})];
    expect(some.map(({dispatches, microseconds}) => [dispatches, Math.round(microseconds)])).toEqual([
      [4, -3472],
      [32, 2344]
    ]);
    expect(describeWaits(some)).toBe("up to 2,344\u00a0µs");
    expect(describeWaits(none)).toBeNull();
    expect(describeWaits(waitsOf({32: 5}))).toBe("2,344\u00a0µs");
    expect(describeWaits([])).toBeNull();
  });

  it("has no price of a wait where a token with waits is not slower", () => {
    expect(recorded(chunkRun({1: 8, 32: 8}, {32: 8}))).toContain(
      "it is *8 tok/s* (p10 8, p90 8; within 1 %). The same"
    );
  });

  it("is of the spectrum while the experiment has no record, and says what is missing", () => {
    expect(recorded(spectrum)).toMatch(
      /^One workgroup pays .* \*8 tok\/s\* .* \*320 tok\/s\*\. There is no record yet of a token cut/
    );
    expect(recorded(spectrum, chunkRun({1: 4, 32: 4}))).toMatch(/\*4 tok\/s\* in 32/);
  });

  it("is Node's first where a browser's is on file too", () => {
    const browser = {...chunkRun({1: 5, 32: 5}, {32: 4}), runtime: {name: "Chromium 156", os: "Linux"}};
    const node = {...chunkRun({1: 4, 32: 4}), runtime: {name: "Node 20.19 with Dawn", os: "Linux"}};
    expect(recorded(browser, node)).toMatch(
      /on an NVIDIA H200, in however .* It decodes \*4 tok\/s\* .*\. In Chromium 156 it is \*5 tok\/s\* in one dispatch\. Where the CPU waits for each of 32, it is \*4 tok\/s\* \(p10 4, p90 4; 20 % less\): a wait costs \*1,563 µs\*\.$/
    );
    expect(recorded(browser)).toMatch(/on an NVIDIA H200 in Chromium 156, .* It decodes \*5 tok\/s\*/);
  });

  it("is none of another shape or of a CPU", () => {
    const software = chunkRun({1: 8});
    software.device.software = true;
    const layer = {...spectrum, shape: {...shapes["phi3-mini-1-layer"]}};
    expect(recorded(software, layer)).toMatch(/^There is no record yet/);
  });
});

describe("the reader's finding", () => {
  it("is of their own shape and device", () => {
    const run = chunkRun({1: 8, 2: 4});
    run.device.software = true;
    expect(plain(yourChunks(run, strong))).toMatch(
      /^On your device, NVIDIA H200 \(a CPU standing in for a GPU\), one workgroup decodes \*8 tok\/s\* of “Phi-3-mini, 32 layers” in one dispatch, and \*4 tok\/s\* in 2 dispatches \(50 % less\)\. The same work in /
    );
  });

  it("says so where one dispatch was left out or has no figure", () => {
    expect(plain(yourChunks(chunkRun({4: 8}), strong))).toContain(
      "did not include one dispatch, so it compares nothing."
    );
    const run = chunkRun({1: 8, 4: 8});
    const {samples, tokensPerSecond, verification, settled, ...identity} = run.rows[0] as never as Record<
      string,
      unknown
    >;
    run.rows[0] = {...identity, status: "declined", message: "too long\nreally"} as never;
    expect([samples, tokensPerSecond, verification, settled]).not.toContain(undefined);
    expect(plain(yourChunks(run, strong))).toContain("has no figure for one dispatch (too long).");
  });
});

it("a change of a percent is none", () => {
  expect([1, 1.009, 0.991, 1.034, 0.5].map((ratio) => describeChange(ratio).replace("\u00a0", " "))).toEqual([
    "within 1 %",
    "within 1 %",
    "within 1 %",
    "3.4 % more",
    "50 % less"
  ]);
});

describe("the plot", () => {
  const points = (rows: readonly {dispatchesPerToken: number | null}[]) => rows.map((row) => row.dispatchesPerToken);

  it("has a line of one submit and one with waits, in the order of their dispatches, beside the staged design", () => {
    const {series, staged} = chunksData({rows: rowsOf(chunkRun({32: 8, 1: 8, 4: 8}, {4: 7, 1: 7}))});
    expect(series.map(points)).toEqual([
      [1, 4, 32],
      [1, 4]
    ]);
    expect(points(staged)).toEqual([228]);
  });

  it("has a line of its own for dispatches in submits of their own", () => {
    const {series} = chunksData({rows: rowsOf(chunkRun({1: 8, 4: 8}, {4: 7}, {4: 6, 32: 6}))});
    expect(series.map(points)).toEqual([[1, 4], [4], [4, 32]]);
  });

  it("is of the shape that is asked for, beside what is on file of as many layers", () => {
    const part = {...chunkRun({1: 33, 8: 33}), shape: {...shapes["phi3-mini-8-layers"]}};
    const {rows} = collectResults(readResults());
    const files = [...rowsOf(chunkRun({1: 8, 4: 8}), part), ...rows.filter(({kind}) => kind === "recorded")];
    const {series, others} = chunksData({rows: files, shape: "phi3-mini-8-layers"});
    expect(series.map((line) => line.map(({tokensPerSecond}) => tokensPerSecond))).toEqual([[33, 33]]);
    expect(others.map(({id}) => id).sort()).toEqual([
      "2026-03-31_int4/phi-3-mini-8-layers",
      "m2-pro-reported/int4-on-the-fly-8-layers",
      "m2-pro-reported/predequant-8-layers",
      "replication-h200/headless-fast-8-layers"
    ]);
    expect(new Set(points(others)), "null: the report does not say").toEqual(new Set([1 / 16, 1, null]));
    const narrow = chunksData({rows: files, shape: "qwen2-0.5b-24-layers"});
    expect(narrow.others.map(({id}) => id)).toEqual(["2026-03-31_int4/qwen2-0.5b-24-layers"]);
    expect(
      chunksData({rows: files})
        .others.map(({id}) => id)
        .sort()
    ).toEqual([
      "2026-03-31_int4/phi-3-mini-32-layers",
      "m2-pro-reported/int4-on-the-fly-32-layers",
      "m2-pro-reported/predequant-32-layers-chunked"
    ]);
  });

  it("has the newest runs with several tokens in a dispatch of one workgroup, and no other format's", () => {
    const together = {...chunkRun({[1 / 16]: 8}), experiment: "int4"};
    const floats = {...together, rows: together.rows.map((row) => ({...row, weightFormat: "float16" as const}))};
    const {others, series} = chunksData({rows: rowsOf(together, floats, chunkRun({1: 8, 4: 8}))});
    expect(others.map(({sourceFile}) => sourceFile)).toEqual(["0.json"]);
    expect(series.map(points)).toEqual([[1, 4]]);
  });

  it("has the reader's run first, whatever its shape", () => {
    const yours = {...chunkRun({1: 8, 2: 8}), shape: {...shapes["phi3-mini"], id: "half"}};
    const {series} = chunksData({rows: rowsOf(chunkRun({1: 8, 4: 8})), yours});
    expect(series.map(([first]) => first!.sourceFile)).toEqual([null, "0.json"]);
  });
});
