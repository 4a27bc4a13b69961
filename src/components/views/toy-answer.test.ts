import {describe, expect, it} from "vitest";
import {runRows} from "../lab/result-row.js";
import type {RunRecord} from "../lab/record.js";
import {recordedFinding, yourFinding} from "./toy-answer.js";
import {toyRun} from "./toy-fixture.js";

const strong = (text: string) => `*${text}*`;
const recorded = (...runs: RunRecord[]) => {
  const {answer, figures} = recordedFinding(
    runs.flatMap((run, i) => runRows(run, `${i}.json`)),
    strong,
    0.02
  );
  return [answer.join(""), ...(figures.length > 0 ? [figures.join("")] : [])].join(" ").replaceAll("\u00a0", " ");
};
const yours = (...runs: RunRecord[]) => yourFinding(runs, strong, 0.02).join("").replaceAll("\u00a0", " ");

/** Runs at the first sizes, at these speeds of one dispatch against 100 staged and 50 unfused. */
const against100 = (...fused: number[]) =>
  fused.map((speed, i) => toyRun(([32, 64, 128, 256] as const)[i]!, {fused: speed, staged: 100, unfused: 50}));

describe("the recorded finding", () => {
  it("says up to which size one dispatch is faster than each other design, and by how much at both ends", () => {
    expect(recorded(...against100(300, 200, 90, 25))).toBe(
      "On an NVIDIA H200 one dispatch is faster than a dispatch for each stage *up to hidden size 64, and no longer at " +
        "128*; it is faster than a dispatch for each operation *up to hidden size 128, and no longer at 256*. At hidden " +
        "size 32 one dispatch decodes *300 tok/s*, *3 times* as fast as a dispatch for each stage and *6 times* as fast as a dispatch for " +
        "each operation; at 256, *25 tok/s*, *0.25 times and 0.5 times*."
    );
  });

  it.each([
    [[300, 200, 110, 103], "faster than a dispatch for each stage *at every hidden size measured, 32 to 256*"],
    [[90, 80, 70, 60], "slower than a dispatch for each stage *at every hidden size measured, 32 to 256*"],
    [[300, 90, 110, 60], "faster than a dispatch for each stage *at hidden size 32 and 128, of 32, 64, 128 and 256*"],
    [
      [90, 200, 110, 120],
      "faster than a dispatch for each stage *at hidden size 64, 128 and 256, of 32, 64, 128 and 256*"
    ],
    [[300], "faster than a dispatch for each stage *at hidden size 32*"],
    [[90], "slower than a dispatch for each stage *at hidden size 32*"],
    [[101], "as fast as a dispatch for each stage *at hidden size 32*"],
    [
      [300, 101, 50],
      "faster than a dispatch for each stage *up to hidden size 32, and no longer at 64* (no different at 64)"
    ],
    [
      [99, 60],
      "no faster than a dispatch for each stage *at every hidden size measured, 32 to 64* (no different at 32)"
    ]
  ])("of one dispatch at %j is “%s”", (speeds, where) => {
    expect(recorded(...against100(...speeds))).toContain(`one dispatch is ${where}; it is faster than a dispatch for`);
  });

  it("says where the lines cross in a browser too, behind what was measured in Node", () => {
    const browser = against100(300, 90).map((run) => ({...run, runtime: {name: "Chromium 156", os: "Linux"}}));
    expect(recorded(...browser, ...against100(300, 200))).toMatch(
      /^On an NVIDIA H200 one .*\. On an NVIDIA H200 in Chromium 156 one dispatch is faster than a dispatch for each stage \*up to hidden size 32, and no longer at 64\*; it is faster than .*64\*\.$/
    );
  });

  it("leaves out a design without a figure", () => {
    expect(recorded(toyRun(32, {fused: 300, unfused: 50}))).toMatch(
      /decodes \*300 tok\/s\*, \*6 times\* as fast as a dispatch for each operation\.$/
    );
  });

  it("says so where there is no record, or none that compares", () => {
    expect(recorded()).toMatch(/^No run of models this small is on record yet/);
    expect(recorded(toyRun(32, {fused: 300}))).toMatch(/^No run of models this small is on record yet/);
  });
});

describe("the reader's finding", () => {
  it("is of all their runs together", () => {
    expect(yours(...against100(300, 200))).toMatch(
      /^On your device, NVIDIA H200, one dispatch is faster than a dispatch for each stage \*at every hidden size measured, 32 to 64\*/
    );
  });

  it("says that a software device is one", () => {
    const run = toyRun(32, {fused: 300, staged: 100});
    run.device.software = true;
    expect(yours(run)).toContain("(a CPU standing in for a GPU)");
  });

  it("says what a run lacks", () => {
    const sentence = /no figure for one dispatch beside another design/;
    expect(yours(toyRun(32, {staged: 100, unfused: 50}))).toMatch(sentence);
    expect(yours(toyRun(32, {fused: null, staged: 100}))).toMatch(sentence);
    expect(yours(toyRun(32, {fused: null}))).toMatch(sentence);
  });
});
