import {extent, group, max, maxIndex} from "d3";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {ShapeId} from "../model/shape.js";
import {nameDevice} from "./answer.js";
import {answerBlock, strongOf, type Strong} from "./answer-block.js";
import {
  firstLine,
  formatCount,
  formatMicroseconds,
  formatMilliseconds,
  formatNumber,
  formatQuantity,
  formatRate
} from "./format.js";
import {newestRecords, ranOn} from "./recorded.js";

type TimedRow = ResultRow & {millisecondsPerToken: number; tokensPerSecond: number; dispatchesPerToken: number};

/** What one run says: one workgroup in one dispatch, in several, and by how these are submitted and waited for. */
export interface ChunkTimes {
  one: TimedRow | undefined;
  /** Several dispatches together in a submit, the fewest first. */
  cut: TimedRow[];
  most: TimedRow | undefined;
  /** Several dispatches, each in a submit of its own, with one wait for all; the fewest first. */
  apart: TimedRow[];
  /** Several dispatches that the CPU waits for one by one; the fewest first. */
  awaited: TimedRow[];
  staged: TimedRow | undefined;
}

/** What waiting costs with as many dispatches: the same dispatches with waits and without. */
export interface WaitCost {
  dispatches: number;
  awaited: TimedRow;
  unawaited: TimedRow;
  /** Of one wait; less than nothing where the samples scatter by more than waits cost. */
  microseconds: number;
}

/** @param rows of one run */
export function chunkTimes(rows: readonly ResultRow[]): ChunkTimes {
  const timed = rows.filter((row): row is TimedRow => row.tokensPerSecond !== null);
  const chunked = timed.filter(({factoring}) => factoring === "chunked");
  const fewestFirst = chunked.toSorted((a, b) => a.dispatchesPerToken - b.dispatchesPerToken);
  const cut = fewestFirst.filter(({awaited, apart}) => !awaited && !apart);
  return {
    one: timed.find(({factoring, awaited}) => factoring === "fused" && !awaited),
    cut,
    most: cut.at(-1),
    apart: fewestFirst.filter(({apart}) => apart),
    awaited: fewestFirst.filter(({awaited}) => awaited),
    staged: timed.find(({factoring}) => factoring === "staged")
  };
}

/** What a wait adds to a dispatch, for each number of them that was run with waits and without; the fewest first. */
export function waitCosts({cut, awaited}: Pick<ChunkTimes, "cut" | "awaited">): WaitCost[] {
  return awaited.flatMap((row) => {
    const unawaited = cut.find(({dispatchesPerToken}) => dispatchesPerToken === row.dispatchesPerToken);
    if (!unawaited) return [];
    const added = row.millisecondsPerToken - unawaited.millisecondsPerToken;
    const dispatches = row.dispatchesPerToken;
    return [{dispatches, awaited: row, unawaited, microseconds: (1000 * added) / dispatches}];
  });
}

/** "119 to 203 µs", "up to 203 µs" where some are none; null where all are none. */
export function describeWaits(waits: readonly WaitCost[]): string | null {
  const [least, most] = extent(waits, ({microseconds}) => microseconds);
  if (least === undefined || most <= 0) return null;
  if (least <= 0) return `up to ${formatMicroseconds(most)}`;
  const range = [formatNumber(least), formatMicroseconds(most)];
  return range[1]!.startsWith(`${range[0]}\u00a0`) ? range[1]! : range.join(" to ");
}

/**
 * The newest record of a shape on a GPU, and that of each other runtime of the device, Node's first: of this experiment,
 * and of the spectrum while it has none.
 * @param rows newest first
 */
export function chunkRecords(rows: readonly ResultRow[], shape: ShapeId = "phi3-mini"): ResultRow[][] {
  const whole = rows.filter(({shapeId, software, kind}) => kind === "run" && shapeId === shape && !software);
  for (const experiment of ["chunks", "spectrum"]) {
    const newest = newestRecords(whole.filter((row) => row.experiment === experiment));
    const records = [...group(newest, ({sourceFile}) => sourceFile).values()].filter(
      (record) => chunkTimes(record).one
    );
    if (records.length > 0) return records;
  }
  return [];
}

/** The finding: how fast one workgroup is in one dispatch and in several, recorded and the reader's own. */
export function chunksAnswer(rows: readonly ResultRow[], yours: RunRecord | null): HTMLElement {
  return answerBlock(yours && yourChunks(yours, strongOf("yours")), recordedChunks(rows, strongOf("recorded")));
}

/** What the newest records say: Node's finding and its figures, and of the browsers one dispatch and what waits cost. */
export function recordedChunks<T>(
  rows: readonly ResultRow[],
  strong: Strong<T>
): {answer: (string | T)[]; figures: (string | T)[]} {
  const runs = chunkRecords(rows).map(chunkTimes);
  const [times, ...browsers] = runs;
  if (!times?.one) {
    return {answer: ["There is no record yet: run it below, and the answer is your device's own."], figures: []};
  }
  const inBrowsers = browsers.flatMap((browser) =>
    browser.most
      ? [
          " ",
          ...sentences(
            {...browser, most: undefined, apart: [], staged: undefined},
            `In ${browser.one!.runtime} it is`,
            "",
            strong
          )
        ]
      : []
  );
  if (!times.most) inBrowsers.push(" There is no record yet of a token cut into several dispatches.");
  if (times.staged) {
    const figures = [...sentences(times, "It decodes", "", strong), ...inBrowsers];
    return {answer: price(runs, strong), figures};
  }
  const answer = sentences(times, `On an ${ranOn(times.one)} one workgroup decodes`, " of Phi-3-mini", strong);
  return {answer, figures: inBrowsers};
}

/** What the reader's run says, or what it lacks. */
export function yourChunks<T>(record: RunRecord, strong: Strong<T>): (string | T)[] {
  const {device, shape} = record;
  const name = nameDevice(device);
  const times = chunkTimes(runRows(record, null));
  if (!times.one) {
    const lost = record.rows.find(({factoring, awaited}) => factoring === "fused" && !awaited);
    const why = lost && "message" in lost ? `has no figure for one dispatch (${firstLine(lost.message)})` : "";
    return [
      `Your run of “${shape.label}” on ${name} ${why || "did not include one dispatch, so it compares nothing"}.`
    ];
  }
  return sentences(times, `On your device, ${name}, one workgroup decodes`, ` of “${shape.label}”`, strong);
}

/**
 * "One workgroup pays 104 ms for a token of Phi-3-mini on an H200, in however many dispatches, and up to 21.9 ms more where
 * the CPU waits for each dispatch. 228 dispatches that use all cores are 42.7 times as fast."
 * @param runs the first of which says the price; waits are of all
 */
function price<T>(runs: readonly ChunkTimes[], strong: Strong<T>): (string | T)[] {
  const [{one, most, staged}] = runs as [ChunkTimes];
  if (!one || !staged) return [];
  const ratio = one.millisecondsPerToken / staged.millisecondsPerToken;
  const isAlike = runs.every(({one, cut, apart}) =>
    [...cut, ...apart].every((row) => Math.abs(row.tokensPerSecond / one!.tokensPerSecond - 1) < 0.05)
  );
  const isSame = most !== undefined && isAlike;
  const added = max(runs, ({one, awaited}) =>
    max(awaited, (row) => row.millisecondsPerToken - one!.millisecondsPerToken)
  );
  return [
    "One workgroup pays ",
    strong(formatMilliseconds(one.millisecondsPerToken)),
    ` for a token of Phi-3-mini on an ${ranOn(one)}${isSame ? ", in however many dispatches" : ""}`,
    ...(added && added > 0.01 * one.millisecondsPerToken
      ? [
          `${isSame ? "," : ""} and up to `,
          strong(formatMilliseconds(added)),
          " more where the CPU waits for each dispatch"
        ]
      : []),
    `. ${formatQuantity(staged.dispatchesPerToken, "dispatch", "dispatches")} that use all cores are `,
    strong(`${formatNumber(Math.max(ratio, 1 / ratio))} times`),
    ` as ${ratio > 1 ? "fast" : "slow"}.`
  ];
}

/**
 * "On an H200 one workgroup decodes 9.64 tok/s of Phi-3-mini in one dispatch, 9.62 to 9.64 tok/s in 2 to 32 dispatches
 * (within 1 %), and 9.52 tok/s in 32 that are each a submit (1.2 % less). Where the CPU waits for each of 32, it is 9.26
 * tok/s (p10 7.93, p90 9.3; 3.95 % less): a wait costs 119 to 203 µs, by how many there are. …"
 */
function sentences<T>(times: ChunkTimes, subject: string, model: string, strong: Strong<T>): (string | T)[] {
  const {one, cut, most, apart, awaited, staged} = times;
  const rate = (row: TimedRow) => strong(formatRate(row.tokensPerSecond));
  const change = (row: TimedRow) => describeChange(row.tokensPerSecond / one!.tokensPerSecond);
  const distance = (row: TimedRow) => Math.abs(row.tokensPerSecond / one!.tokensPerSecond - 1);
  const [low, high] = extent(cut, ({tokensPerSecond}) => tokensPerSecond) as [number, number];
  const range = low === high ? formatRate(high) : `${formatNumber(low)} to ${formatRate(high)}`;
  const counts = [...new Set(cut.map(({dispatchesPerToken}) => formatCount(dispatchesPerToken)))];
  const [submitted, waited] = [apart.at(-1), awaited.at(-1)];
  const waits = waitCosts(times);
  const cost = describeWaits(waits);
  return [
    `${subject} `,
    rate(one!),
    `${model} in one dispatch`,
    ...(most
      ? [
          submitted ? ", " : ", and ",
          strong(range),
          ` in ${counts.length > 1 ? `${counts[0]} to ` : ""}${counts.at(-1)} dispatches (${change(cut[maxIndex(cut, distance)]!)})`
        ]
      : []),
    ...(submitted
      ? [
          ", and ",
          rate(submitted),
          ` in ${formatCount(submitted.dispatchesPerToken)} that are each a submit (${change(submitted)})`
        ]
      : []),
    ".",
    ...(waited
      ? [
          ` Where the CPU waits for each of ${formatCount(waited.dispatchesPerToken)}, it is `,
          rate(waited),
          ` (${describeSpread(waited)}${change(waited)})`,
          ...(cost ? [": a wait costs ", strong(cost), waits.length > 1 ? ", by how many there are" : ""] : []),
          "."
        ]
      : []),
    ...(staged
      ? [
          ` The same work in ${formatQuantity(staged.dispatchesPerToken, "dispatch", "dispatches")} on all cores is `,
          rate(staged),
          "."
        ]
      : [])
  ];
}

/** "p10 7.93, p90 9.3; " */
function describeSpread({tokensPerSecondP10: p10, tokensPerSecondP90: p90}: TimedRow): string {
  return p10 === null || p90 === null ? "" : `p10\u00a0${formatNumber(p10)}, p90\u00a0${formatNumber(p90)}; `;
}

/** "within 1 %", "12 % more", "3.4 % less" */
export function describeChange(ratio: number): string {
  const percent = 100 * Math.abs(ratio - 1);
  if (percent <= 1) return "within 1\u00a0%";
  return `${formatNumber(percent)}\u00a0% ${ratio > 1 ? "more" : "less"}`;
}
