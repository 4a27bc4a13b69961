import {describe, expect, it} from "vitest";
import {atSpeed, exampleRun} from "../lab/lab-fakes.js";
import {runSchema, type RunRecord, type RunRow} from "../lab/record.js";
import {runRows} from "../lab/result-row.js";
import {tilingExperiment} from "../lab/tiling.js";
import {shapes, type ShapeId} from "../model/shape.js";
import {readKernels} from "../../data/read-kernels.js";
import {readResults} from "../../data/read-results.js";
import {collectResults} from "../lab/results-table.js";
import {ablate, climb, idleRungs, recordedRuns, runsToShow, yourRun} from "./ladder.js";
import {describeNoGains} from "./ladder-no-gains.js";
import {recordedFinding, yourFinding} from "./tiling-answer.js";

const experiment = tilingExperiment({kernels: readKernels()});

/** A made-up run with these speeds; a variant without one was declined. */
function ladderRun(speeds: Record<string, number | null>, shapeId: ShapeId = "phi3-mini", date?: string): RunRecord {
  const {run, fused, failed} = exampleRun();
  const shape = shapes[shapeId];
  const identities = experiment.variants(shape).map(({identity}) => identity);
  const rows = Object.entries(speeds).map(([variant, speed]): RunRow => {
    const identity = identities.find((identity) => identity.variant === variant)!;
    if (!("factoring" in identity)) throw new Error(`${variant} is no variant of the ladder`);
    const workgroups = variant === "resident" ? 132 : identity.workgroups;
    if (speed === null) return {...failed, ...identity, status: "declined", message: "not allowed."};
    return {...atSpeed(fused, speed), ...identity, workgroups};
  });
  return runSchema.parse({
    ...run,
    experiment: "tiling",
    shape,
    roofline: null,
    rows,
    ...(date && {date})
  });
}

const speeds = {
  "record-64": 2,
  "record-256": 6,
  unrolled: 8,
  "row-order": 4,
  word: 12,
  integers: 32,
  "eight-loads": 36,
  "eight-rows": 40,
  int16: 40,
  resident: 4000,
  staged: 2000
};
const strong = (text: string) => `*${text}*`;
const said = (parts: string[]) => parts.join("").replaceAll("\u00a0", " ");
const rows = (...runs: RunRecord[]) => runs.flatMap((run, i) => runRows(run, `${i}.json`));

describe("a climb", () => {
  const rungs = climb(yourRun(ladderRun({...speeds, word: null})));
  const rung = (variant: string) => rungs.find((rung) => rung.variant === variant)!;

  it("has every rung with its gain over the one before and over the first", () => {
    expect(rung("record-64")).toMatchObject({tokensPerSecond: 2, overBefore: null, overFirst: null});
    expect(rung("record-256")).toMatchObject({tokensPerSecond: 6, overBefore: 3, overFirst: 3});
    expect(rung("row-order")).toMatchObject({overBefore: 0.5, overFirst: 2});
    expect(rung("integers")).toMatchObject({overBefore: null, overFirst: 16});
    expect(rung("eight-loads")).toMatchObject({overBefore: 1.125, overFirst: 18});
    expect(rung("resident")).toMatchObject({overBefore: null, overFirst: 2000});
  });

  it("has no gain where a rung or the one before has no figure", () => {
    expect(rung("word")).toMatchObject({tokensPerSecond: null, overBefore: null, overFirst: null});
    expect(rung("tile")).toMatchObject({overBefore: null});
  });

  it("ends with the staged design, which comes after no rung", () => {
    expect(rungs.at(-1)).toMatchObject({variant: "staged", overBefore: null, overFirst: 1000});
  });
});

it("an ablation is compared with what it changes, which need not be the fastest", () => {
  const list = ablate(yourRun(ladderRun({int16: 40, "eight-rows": 80, "loads-1": 30, "passes-3": 44})));
  const at = (variant: string) => list.find((one) => one.variant === variant)!.overAblated;
  expect([at("loads-1"), at("passes-3"), at("rows-2")]).toEqual([0.75, 1.1, null]);
});

describe("the runs on record", () => {
  it("are the newest of each shape on a GPU, fewest layers first", () => {
    const cpu = ladderRun(speeds, "tiny");
    cpu.device.software = true;
    const old = ladderRun({...speeds, int16: 1}, "phi3-mini", "2026-02-01T00:00:00.000Z");
    const runs = recordedRuns(rows(ladderRun(speeds), old, ladderRun(speeds, "phi3-mini-1-layer"), cpu));
    expect(runs.map(({rows}) => [rows.get("int16")!.layers, rows.get("int16")!.tokensPerSecond])).toEqual([
      [1, 40],
      [32, 40]
    ]);
    expect(recordedRuns(rows({...ladderRun(speeds), experiment: "geometry"}))).toEqual([]);
  });

  it("are one of each runtime, Node's first, which the finding is of", () => {
    const date = (month: number) => `2026-0${month}-01T00:00:00.000Z`;
    const inBrowser = ladderRun({...speeds, int16: 39}, "phi3-mini", date(3));
    inBrowser.runtime.name = "Chromium 156";
    const made = rows(inBrowser, ladderRun(speeds, "phi3-mini", date(2)));
    const runs = recordedRuns(made);
    expect(runs.map(({rows}) => rows.get("int16")!.tokensPerSecond)).toEqual([40, 39]);
    expect(runsToShow(runs, null)).toEqual(runs);
    expect(said(recordedFinding(made, strong))).toContain("*40 tok/s*");
  });

  it("are in the order and under the labels of the ladder as it is now, whatever the record has", () => {
    const record = ladderRun({resident: 4000, integers: 32, "record-64": 2}, "phi3-mini-1-layer");
    for (const row of record.rows) row.label = `${row.label}, as it was called`;
    const [run] = recordedRuns(rows(record));
    expect([...run!.rows.values()].map(({label}) => label)).toEqual([
      "The recorded style, 64 invocations",
      "16-bit integers",
      "The FFN read ahead of a wait"
    ]);
  });

  it("are shown at the reader's shape, or else at that of the fewest layers", () => {
    const runs = recordedRuns(rows(ladderRun(speeds), ladderRun(speeds, "phi3-mini-1-layer")));
    expect(runsToShow(runs, null)).toEqual([runs[0]]);
    expect(runsToShow(runs, ladderRun(speeds))).toEqual([runs[1]]);
    expect(runsToShow(runs, ladderRun(speeds, "tiny"))).toEqual([runs[0]]);
    expect(runsToShow([], null)).toEqual([]);
  });

  it("have what was reported of a rung with as many layers beside them, and the reader's own has nothing", () => {
    const onFile = collectResults(readResults()).rows.filter(({kind}) => kind === "recorded");
    const made = rows(
      ladderRun(speeds),
      ladderRun(speeds, "phi3-mini-1-layer"),
      ladderRun(speeds, "phi3-mini-8-layers")
    );
    const reported = recordedRuns([...onFile, ...made]).map(({reported}) =>
      reported.map(
        ({variant, row, inferred}) =>
          `${variant} ${Math.round(row.millisecondsPerToken!)}${inferred ? ", very likely" : ""}`
      )
    );
    expect(reported).toEqual([
      ["record-64 122, very likely"],
      ["record-256 338, very likely"],
      ["record-256 1350, very likely", "staged 24"]
    ]);
    expect(yourRun(ladderRun(speeds)).reported).toEqual([]);
  });

  it("are in no plot of whole designs", () => {
    for (const row of rows(ladderRun(speeds))) expect(row.spectrum).toBe(false);
  });
});

describe("the finding", () => {
  it("goes from the recorded style to one workgroup at its best, and to all of them", () => {
    expect(said(recordedFinding(rows(ladderRun(speeds), ladderRun(speeds, "phi3-mini-1-layer")), strong))).toBe(
      "On the NVIDIA H200 one workgroup decodes *2 tok/s* in the recorded style and *40 tok/s* at its best, *20 times* as " +
        "many. All 132 workgroups that are resident have *4,000 tok/s*, 100 times as many again."
    );
  });

  it("is of a run that begins at the first rung, where there is one", () => {
    const whole = ladderRun({word: 12, integers: 40});
    const layer = ladderRun(speeds, "phi3-mini-1-layer");
    expect(said(recordedFinding(rows(whole, layer), strong))).toMatch(
      /in the recorded style .* “Phi-3-mini, 1 layer”\.$/
    );
    expect(said(recordedFinding(rows(whole), strong))).toContain("*12 tok/s* on the rung “Eight weights from a load”");
  });

  it("names the rungs where they are others, and the shape where it is no whole model", () => {
    const run = ladderRun({"record-256": 6, word: 60, integers: 40}, "tiny");
    expect(said(yourFinding(run, strong))).toBe(
      "On your device, NVIDIA H200, one workgroup decodes *6 tok/s* on the rung “256 invocations” and *60 tok/s* at its " +
        "best, on the rung “Eight weights from a load”, *10 times* as many. That is at the shape “Tiny, 2 layers of 192”."
    );
  });

  it("says so where no rung is faster than the first", () => {
    expect(said(yourFinding(ladderRun({"record-64": 34, integers: 24}), strong))).toBe(
      "On your device, NVIDIA H200, one workgroup decodes *34 tok/s* in the recorded style, and no later rung measured is " +
        "faster."
    );
  });

  it("is none without a record, or with less than two rungs of one workgroup", () => {
    expect(said(recordedFinding([], strong))).toMatch(/no run of this ladder is on file/);
    expect(said(recordedFinding(rows(ladderRun({integers: 40, resident: 4000})), strong))).toMatch(
      /no run of this ladder/
    );
    const run = ladderRun({integers: 40, resident: null});
    expect(said(yourFinding(run, strong))).toMatch(/no two rungs .* \(The FFN read ahead of a wait: not allowed\)\.$/);
  });
});

describe("what did not help", () => {
  it("are rungs no faster than the one before, and choices that are as good as the default or better", () => {
    const run = yourRun(ladderRun({...speeds, "loads-1": 24, "loads-2": 40, "passes-3": 50}));
    expect(idleRungs(run).map(({variant}) => variant)).toEqual(["row-order"]);
    expect(describeNoGains(run)).toBe(
      "In your run, 32 layers: no faster than the rung before: “Weights row by row” (−50\u00a0%). Faster than “As it is, in " +
        "16-bit integers”, which they change: “Queries, keys, values in three passes” (+25\u00a0%). As fast as “As it " +
        "is, in 16-bit integers”, either way: “Two loads at once” (±0\u00a0%)."
    );
  });

  it("says nothing of rungs that were not measured together with the one before", () => {
    expect(describeNoGains(yourRun(ladderRun({"record-64": 34, integers: 24})))).toBe(
      "In your run, 32 layers: no rung was measured together with the one before it."
    );
  });

  it("is nothing where everything helped", () => {
    const run = yourRun(ladderRun({"record-64": 2, "record-256": 6, int16: 40, "loads-1": 30}));
    expect(describeNoGains(run)).toBe(
      "In your run, 32 layers: every rung measured was faster than the one before it. Every ablation measured was " +
        "slower than “As it is, in 16-bit integers”, which it changes."
    );
  });
});
