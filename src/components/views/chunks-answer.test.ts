import {describe, expect, it} from "vitest";
import type {RunRecord} from "../lab/record.js";
import {runRows} from "../lab/result-row.js";
import {shapes} from "../model/shape.js";
import {chunkRun} from "./chunk-fixture.js";
import {describeChange, recordedChunks, yourChunks} from "./chunks-answer.js";
import {chunksData} from "./chunks-plot.js";

const strong = (text: string) => `*${text}*`;
const plain = (parts: string[]) => parts.join("").replaceAll("\u00a0", " ");
const rowsOf = (...runs: RunRecord[]) => runs.flatMap((run, i) => runRows(run, `${i}.json`));
const recorded = (...runs: RunRecord[]) => plain(recordedChunks(rowsOf(...runs), strong));
const spectrum = {...chunkRun({1: 8}), experiment: "spectrum"};

describe("the recorded finding", () => {
  it("compares one dispatch with the most, and with the most that the CPU waits for", () => {
    expect(recorded(chunkRun({1: 8, 4: 9, 32: 8}, {1: 7, 32: 5}))).toBe(
      "One core's time for all of it: an NVIDIA H200 takes *125 ms* for a token of Phi-3-mini in one dispatch of one " +
        "workgroup, *125 ms* in 32 (within 1 %), *200 ms* in 32 that the CPU waits for one by one (60 % more), and " +
        "*3.13 ms* in 228 that use all of its cores."
    );
  });

  it("is of the spectrum while the experiment has no record, and says what is missing", () => {
    expect(recorded(spectrum)).toMatch(
      /^One core.* \*125 ms\* .* \*3\.13 ms\* .*There is no record yet of a token cut/
    );
    expect(recorded(spectrum, chunkRun({1: 4, 32: 4}))).toMatch(/\*250 ms\* in 32/);
  });

  it("is Node's where a browser's is on file too", () => {
    const browser = {...chunkRun({1: 5, 32: 5}), runtime: {name: "Chromium 156", os: "Linux"}};
    const node = {...chunkRun({1: 4, 32: 4}), runtime: {name: "Node 20.19 with Dawn", os: "Linux"}};
    expect(recorded(browser, node)).toMatch(/an NVIDIA H200 takes \*250 ms\*/);
    expect(recorded(browser)).toMatch(/an NVIDIA H200 in Chromium 156 takes \*200 ms\*/);
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
      /^On your device, NVIDIA H200 \(a CPU standing in for a GPU\) takes \*125 ms\* for a token of “Phi-3-mini, 32 layers” in one dispatch of one workgroup, \*250 ms\* in 2 \(100 % more\), and /
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
  const points = (rows: readonly {dispatchesPerToken: number}[]) => rows.map((row) => row.dispatchesPerToken);

  it("has a line of one submit and one with waits, in the order of their dispatches, beside the staged design", () => {
    const {series, staged} = chunksData({rows: rowsOf(chunkRun({32: 8, 1: 8, 4: 8}, {4: 7, 1: 7}))});
    expect(series.map(points)).toEqual([
      [1, 4, 32],
      [1, 4]
    ]);
    expect(points(staged)).toEqual([228]);
  });

  it("has the reader's run first, whatever its shape", () => {
    const yours = {...chunkRun({1: 8, 2: 8}), shape: {...shapes["phi3-mini"], id: "half"}};
    const {series} = chunksData({rows: rowsOf(chunkRun({1: 8, 4: 8})), yours});
    expect(series.map(([first]) => first!.sourceFile)).toEqual([null, "0.json"]);
  });
});
