import {describe, expect, it} from "vitest";
import {exampleRun} from "../lab/lab-fakes.js";
import type {RunRecord} from "../lab/record.js";
import {runRows} from "../lab/result-row.js";
import {shapes} from "../model/shape.js";
import {formatRun} from "./format-run-fixture.js";
import {recordedFinding, yourFinding} from "./weight-format-answer.js";

const strong = (text: string) => `*${text}*`;
const recorded = (...runs: RunRecord[]) => {
  const {answer, figures} = recordedFinding(
    runs.flatMap((run, i) => runRows(run, `${i}.json`)),
    strong
  );
  return [...answer, ...figures].join("").replaceAll("\u00a0", " ");
};
const yours = (run: RunRecord) => yourFinding(run, strong).join("").replaceAll("\u00a0", " ");
const eight = shapes["phi3-mini-8-layers"];

describe("the recorded finding", () => {
  it("says which format is fastest with all cores and with one, by how much, and where", () => {
    const run = formatRun(
      {int4: 33, float16: 66, float32: 40},
      {int4: 1400, float16: 700, float32: 350},
      {shape: eight}
    );
    expect(recorded(run)).toBe(
      "In float32 arithmetic, with all cores it is faster on the fly: int4 is *2 times* as fast as float16. With one core it is faster " +
        "beforehand, to float16: float16 is *2 times* as fast as int4. 60 dispatches on all cores decode *1,400 tok/s* from int4, " +
        "*700 tok/s* from float16 and *350 tok/s* from float32. One workgroup, on one core, decodes *33 tok/s* from " +
        "int4, *66 tok/s* from float16 and *40 tok/s* from float32. That is on the NVIDIA H200, with Phi-3-mini, 8 layers."
    );
  });

  it("says so where one format is fastest both ways", () => {
    expect(recorded(formatRun({int4: 50, float32: 40}, {int4: 400, float32: 300}))).toMatch(
      /^In float32 arithmetic, with all cores it is faster on the fly: int4 is \*1\.33 times\* as fast as float32\. With one core it is also faster on the fly: int4 is \*1\.25 times\* as fast as float32\. /
    );
    expect(recorded(formatRun({int4: 30, float32: 40}, {int4: 200, float32: 300}))).toMatch(
      /^In float32 arithmetic, with all cores it is faster beforehand, to float32: float32 is \*1\.5 times\* .*\. With one core it is also faster beforehand, /
    );
  });

  it("prefers int4, which takes the least memory, where another is not 2 % faster", () => {
    expect(recorded(formatRun({int4: 1000, float32: 1015}, {int4: 400, float32: 300}))).toMatch(
      /^In float32 arithmetic, with all cores it is faster on the fly: .* With one core two formats are level: int4 and float32 are within \*2 %\* of each other\./
    );
  });

  it("is of the most layers that compare formats, for each design, and not of several tokens in a dispatch", () => {
    const layer = formatRun(
      {int4: 160, float32: 150},
      {int4: 7000, float32: 3000},
      {shape: shapes["phi3-mini-1-layer"]}
    );
    const whole = formatRun({int4: 8}, {int4: 400, float32: 200}, {tokens: 9000});
    const part = formatRun({int4: 33, float32: 44}, {int4: 1400, float32: 500}, {shape: eight, tokens: 9000});
    const text =
      "In float32 arithmetic, with all cores and 32 layers it is faster on the fly: int4 is *2 times* as fast as float32. With one core and 8 layers it is faster " +
      "beforehand, to float32: float32 is *1.33 times* as fast as int4. With 32 layers 228 dispatches on all cores decode *400 tok/s* " +
      "from int4 and *200 tok/s* from float32. With 8 layers one workgroup, on one core, decodes *33 tok/s* from int4 " +
      "and *44 tok/s* from float32. With 32 layers it has *8 tok/s* from int4. That is on the NVIDIA H200.";
    expect(recorded(layer, whole, part)).toBe(text);
    const {failed} = exampleRun();
    whole.rows.push({
      ...failed,
      factoring: "fused",
      variant: "fused-float32",
      status: "unsupported",
      message: "4 bindings"
    });
    expect(recorded(layer, whole, part)).toBe(
      text.replace(
        "8 tok/s* from int4.",
        "8 tok/s* from int4; as floats, their weights are more than one dispatch can bind."
      )
    );
    const [first] = whole.rows.filter(({status}) => status === "measured");
    const chunked = {...first!, factoring: "chunked", dispatchesPerToken: 4, layersPerDispatch: 8} as const;
    whole.rows.push(
      {...chunked, variant: "chunked-4-float16", weightFormat: "float16"},
      {...chunked, variant: "chunked-4-float32-awaited", weightFormat: "float32", awaited: true}
    );
    expect(recorded(layer, whole, part)).toContain(
      "more than one dispatch can bind, and in 4 dispatches it has *8 tok/s* from float16. That is on"
    );
  });

  it("is of Phi-3-mini's 8 layers rather than of 24 that are smaller", () => {
    const small = formatRun(
      {int4: 60, float32: 90},
      {int4: 900, float32: 800},
      {shape: shapes["qwen2-0.5b-24-layers"]}
    );
    const part = formatRun({int4: 33, float32: 44}, {int4: 1400, float32: 500}, {shape: eight});
    expect(recorded(small, part)).toMatch(/\*1,400 tok\/s\* .*\*33 tok\/s\* .*Phi-3-mini, 8 layers\.$/);
  });

  it("is of one device, and rather of one runtime", () => {
    const part = formatRun({int4: 33, float32: 44}, {}, {shape: eight});
    const browser = formatRun({}, {int4: 390, float32: 190});
    browser.runtime = {...browser.runtime, name: "Chromium 156"};
    const node = formatRun({}, {int4: 400, float32: 200});
    const other = formatRun({}, {int4: 90, float32: 50});
    other.device = {...other.device, label: "Another GPU"};
    expect(recorded(part, browser, node)).toContain("*400 tok/s*");
    const partInBrowser = formatRun({int4: 32, float32: 43}, {}, {shape: eight});
    partInBrowser.runtime = browser.runtime;
    expect(recorded(partInBrowser, browser, part, node)).toMatch(/\*400 tok\/s\*.*\*33 tok\/s\*/);
    expect(recorded(part, browser)).toMatch(/\*390 tok\/s\*.* That is on the NVIDIA H200 in Chromium 156\.$/);
    expect(recorded(part, other)).toMatch(/^There is no record/);
  });

  it("says that there is no record, also where only a CPU has one", () => {
    const software = formatRun({int4: 33, float32: 32}, {int4: 1400, float32: 500});
    software.device.software = true;
    for (const text of [recorded(), recorded(software)])
      expect(text).toMatch(/^There is no record of this experiment yet/);
  });
});

describe("the reader's finding", () => {
  it("compares their own run, and says which row has no figure", () => {
    const run = formatRun({int4: 33, float32: 66}, {int4: 1400, float32: 350}, {shape: shapes.tiny});
    const {failed} = exampleRun();
    run.rows[1] = {...failed, label: "No room", status: "unsupported", message: "Too large.\nmore"};
    expect(yours(run)).toBe(
      "Your run of “Tiny, 2 layers of 192” on NVIDIA H200. In float32 arithmetic, with all cores it is faster on the fly: int4 is *4 times* as " +
        "fast as float32. 18 dispatches on all cores decode *1,400 tok/s* from int4 and *350 tok/s* from float32. There is no figure for " +
        "“No room” (unsupported: Too large)."
    );
  });

  it("says the arithmetic also where one design alone was run", () => {
    expect(yours(formatRun({int4: 33, float32: 66}, {}))).toMatch(
      / on NVIDIA H200\. In float32 arithmetic, with one core it is faster beforehand, to float32: /
    );
  });

  it("compares nothing where one format alone was run", () => {
    expect(yours(formatRun({int4: 33}, {int4: 1400}))).toBe(
      "Your run of “Phi-3-mini, 32 layers” on NVIDIA H200 does not compare two formats."
    );
  });
});
