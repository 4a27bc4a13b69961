import {describe, expect, it} from "vitest";
import {runRows} from "../lab/result-row.js";
import type {RunRecord} from "../lab/record.js";
import {waitsRemark} from "../lab/run-experiment.js";
import {shapes} from "../model/shape.js";
import {curveRun} from "./curve-fixture.js";
import {recordedFinding, yourFinding} from "./geometry-answer.js";

const strong = (text: string) => `*${text}*`;
const recorded = (...runs: RunRecord[]) =>
  recordedFinding(
    runs.flatMap((run, i) => runRows(run, `${i}.json`)),
    strong,
    0.02
  )
    .join("")
    .replaceAll("\u00a0", " ");
const yours = (run: RunRecord) => yourFinding(run, strong).join("").replaceAll("\u00a0", " ");

describe("the recorded finding", () => {
  it("says between which counts measured the designs are equal, and what all of them give", () => {
    expect(recorded(curveRun({1: 10, 32: 320, 64: 400, 132: 840}, 350))).toBe(
      "On the NVIDIA H200 one dispatch equals the staged design *between 32 and 64 workgroups* (at about 42, by a " +
        "straight line between them) and is *2.4 times* as fast with 132: *840 tok/s* against *350 tok/s*."
    );
  });

  it("says so where the fastest is not the largest, and where one is enough", () => {
    expect(recorded(curveRun({1: 10, 8: 80, 16: 60}, 40))).toContain(
      "*between 1 and 8 workgroups* (at about 4, by a straight line between them) and is *2 times* as fast with 8, " +
        "the fastest of up to 16"
    );
    expect(recorded(curveRun({1: 50, 8: 80}, 40))).toContain("equals the staged design *already with 1 workgroup* and");
    expect(recorded(curveRun({1: 10, 8: 40, 16: 80}, 40))).toContain("the staged design *with 8 workgroups* and is");
  });

  it("takes the most workgroups where fewer are no faster than a kernel measured again may be", () => {
    expect(recorded(curveRun({1: 10, 128: 841, 132: 840}, 350))).toMatch(
      /is \*2\.4 times\* as fast with 132: \*840 tok\/s\* against/
    );
    expect(recorded(curveRun({1: 10, 128: 900, 132: 840}, 350))).toContain("with 128, the fastest of up to 132: ");
    expect(recorded(curveRun({1: 10, 8: 80.5, 16: 80}, 100))).toContain(": with 16 workgroups it has *80 %*");
  });

  it("says how near one dispatch comes where it never is as fast", () => {
    expect(recorded(curveRun({1: 10, 8: 80}, 100))).toBe(
      "On the NVIDIA H200 one dispatch does not reach the staged design: with 8 workgroups it has *80 %* of its speed, " +
        "*80 tok/s* against *100 tok/s*."
    );
  });

  it("names the fastest where more workgroups are slower and none is fast enough", () => {
    expect(recorded(curveRun({1: 10, 8: 80, 16: 70}, 100))).toContain(
      "with 8 workgroups, the fastest of up to 16, it has *80 %* of its speed"
    );
  });

  it("is of the fastest curve of a whole model on a GPU", () => {
    const software = curveRun({1: 10, 8: 900}, 100);
    software.device.software = true;
    const layer = {...curveRun({1: 10, 8: 900}, 100), shape: {...shapes["phi3-mini-1-layer"]}};
    expect(recorded(curveRun({1: 10, 8: 80}, 20), software, layer, curveRun({1: 10, 8: 90}, 20))).toContain(
      "*90 tok/s*"
    );
  });

  it("names the browser that the fastest curve is from", () => {
    const browser = {...curveRun({1: 10, 8: 80}, 20), runtime: {name: "Chromium 156", os: "Linux"}};
    expect(recorded(curveRun({1: 10, 8: 70}, 20), browser)).toMatch(/^On the NVIDIA H200 in Chromium 156 one dispatch/);
    expect(recorded(curveRun({1: 10, 8: 90}, 20), browser)).toMatch(/^On the NVIDIA H200 one dispatch/);
  });

  it("is none without a staged design, or of one workgroup alone", () => {
    for (const run of [curveRun({1: 10, 8: 80}, null), curveRun({1: 10}, 20)])
      expect(recorded(run)).toMatch(/^No run on record/);
    expect(recorded()).toMatch(/^No run on record/);
  });
});

describe("the reader's finding", () => {
  it("compares their own run", () => {
    expect(yours(curveRun({1: 10, 4: 40}, 20))).toBe(
      "On your device, NVIDIA H200, one dispatch equals the staged design *between 1 and 4 workgroups* (at about 2, by a " +
        "straight line between them) and is *2 times* as fast with 4: *40 tok/s* against *20 tok/s*."
    );
  });

  it("names another shape, and a CPU that stands in for a GPU", () => {
    const run = {...curveRun({1: 10, 4: 40}, 20), shape: {...shapes.tiny}};
    run.device.software = true;
    expect(yours(run)).toMatch(/a CPU standing in for a GPU.* That is at the shape “/);
  });

  it("says which counts have no figure, and why", () => {
    expect(yours(curveRun({1: 10, 4: 40, 8: null, 16: null}, 20))).toContain(
      "There is no figure for 8 and 16 workgroups (failed: the barrier timed out)."
    );
  });

  it("says what one workgroup alone does where the others were not allowed", () => {
    const run = curveRun({1: 10, 4: null}, 40);
    run.rows[1] = {...run.rows[1]!, status: "declined", message: waitsRemark({name: "Node"})};
    expect(yours(run)).toMatch(
      /one dispatch of 1 workgroup has \*25 %\* of the speed of the staged design, .*\. There is no figure for 4 workgroups \(declined: .*--allow-waits\)\.$/
    );
  });

  it("compares nothing where the staged design was left out or failed", () => {
    expect(yours(curveRun({1: 10, 4: 40}, null))).toContain(
      "did not include the staged design with the same features, so it does not compare them. " +
        "One dispatch decodes *40 tok/s* with 4 workgroups."
    );
    const run = curveRun({1: 10, 4: 40}, 20);
    run.rows[2] = {...run.rows[2]!, status: "discarded", message: "hidden"};
    expect(yours(run)).toContain("has no figure for the staged design (discarded: hidden)");
  });

  it("says plainly that the run was discarded, or has no figure for one dispatch", () => {
    const run = curveRun({1: 10, 4: 40}, 20);
    const rows = run.rows.map((row) => ({...row, status: "discarded" as const, message: "The tab was hidden."}));
    expect(yours({...run, rows})).toContain("was discarded, so it does not compare the designs: The tab was hidden.");
    expect(yours(curveRun({4: null}, 20))).toContain("has no figure for one dispatch (failed: the barrier timed out).");
    expect(yours({...run, rows: [run.rows[2]!]})).toContain("did not include one dispatch");
  });
});
