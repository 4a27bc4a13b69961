import {describe, expect, it} from "vitest";
import {exampleRun, exampleSweep} from "../lab/lab-fakes.js";
import {runRows} from "../lab/result-row.js";
import type {SweepRecord} from "../lab/sweep-record.js";
import {recordedFinding, yourFinding} from "./sweep-answer.js";

const strong = (text: string) => `*${text}*`;
const say = (parts: string[]) => parts.join("").replaceAll("\u00a0", " ");
const rowsOf = (sweep: SweepRecord, file: string) => sweep.runs.flatMap((run) => runRows(run, file));
const recorded = (...sweeps: SweepRecord[]) =>
  say(
    recordedFinding(
      sweeps.flatMap((sweep, i) => rowsOf(sweep, `${i}.json`)),
      strong
    )
  );
const yours = (sweep: SweepRecord) => say(yourFinding(sweep, strong));

describe("the recorded finding", () => {
  it("names the fastest and the slowest row of the newest sweep, at its largest shape", () => {
    expect(recorded(exampleSweep(), exampleSweep())).toBe(
      "On the NVIDIA H200 the fastest of 2 ways to decode “Phi-3-mini, 32 layers” is “Staged” with *320 tok/s*, 40 times as " +
        "fast as the slowest, “Fused” with *8 tok/s*."
    );
  });
});

describe("the reader's finding", () => {
  it("compares their own sweep, and says what it lacks", () => {
    expect(yours(exampleSweep())).toBe(
      "On your device, NVIDIA H200, the fastest of 2 ways to decode “Phi-3-mini, 32 layers” is “Staged” with " +
        "*320 tok/s*, 40 times as fast as the slowest, “Fused” with *8 tok/s*. 2 rows of it have no figure; the table " +
        "says why. It was cancelled before “Phi-3-mini, 8 layers” had ended."
    );
  });

  it("does not call one row the fastest", () => {
    const {run, fused} = exampleRun();
    const sweep = {...exampleSweep(), cancelled: false, left: [], runs: [{...run, rows: [fused]}]};
    expect(yours(sweep)).toBe("On your device, NVIDIA H200, “Fused” decodes “Phi-3-mini, 32 layers” at *8 tok/s*.");
  });

  it("says plainly that there is no figure", () => {
    const {run, failed} = exampleRun();
    const sweep = {...exampleSweep(), cancelled: false, left: [], runs: [{...run, rows: [failed]}]};
    expect(yours(sweep)).toBe(
      "Your sweep on NVIDIA H200 has no figure. 1 row of it has no figure; the table says why."
    );
  });
});
