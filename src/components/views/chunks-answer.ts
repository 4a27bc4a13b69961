import {extent, group, maxIndex} from "d3";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {ShapeId} from "../model/shape.js";
import {nameDevice} from "./answer.js";
import {answerBlock, strongOf, type Strong} from "./answer-block.js";
import {firstLine, formatCount, formatMilliseconds, formatNumber, formatQuantity, formatRate} from "./format.js";
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
  /** The most dispatches that the CPU waits for one by one. */
  awaited: TimedRow | undefined;
  staged: TimedRow | undefined;
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
    awaited: mostDispatches(chunked.filter(({awaited}) => awaited)),
    staged: timed.find(({factoring}) => factoring === "staged")
  };
}

/** What a wait adds to a dispatch, in ms: of as many dispatches with waits and without. Null where one is missing. */
export function waitMilliseconds({cut, awaited}: ChunkTimes): number | null {
  const unawaited = cut.find(({dispatchesPerToken}) => dispatchesPerToken === awaited?.dispatchesPerToken);
  if (!awaited || !unawaited) return null;
  return (awaited.millisecondsPerToken - unawaited.millisecondsPerToken) / awaited.dispatchesPerToken;
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

/** What the newest records say: Node's finding and its figures, and of the browsers what one workgroup does. */
export function recordedChunks<T>(
  rows: readonly ResultRow[],
  strong: Strong<T>
): {answer: (string | T)[]; figures: (string | T)[]} {
  const [times, ...browsers] = chunkRecords(rows).map(chunkTimes);
  if (!times?.one) {
    return {answer: ["There is no record yet: run it below, and the answer is your device's own."], figures: []};
  }
  const missing = times.most ? "" : " There is no record yet of a token cut into several dispatches.";
  const inBrowsers = [
    ...browsers.flatMap((browser) =>
      browser.most
        ? [
            " ",
            ...sentences(
              {...browser, staged: undefined},
              `In ${browser.one!.runtime}, one workgroup decodes`,
              "",
              strong
            )
          ]
        : []
    ),
    missing
  ];
  if (times.staged) {
    const figures = [...sentences(times, "It decodes", "", strong), ...inBrowsers];
    return {answer: price(times, strong), figures};
  }
  const answer = sentences(times, `On an ${ranOn(times.one)} one workgroup decodes`, " of Phi-3-mini", strong);
  return {answer, figures: inBrowsers.filter((part) => part !== "")};
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

/** "One workgroup pays 113 ms for a token of Phi-3-mini on an H200, and is 46.4 times as slow as 228 dispatches …" */
function price<T>({one, most, cut, staged}: ChunkTimes, strong: Strong<T>): (string | T)[] {
  if (!one || !staged) return [];
  const ratio = one.millisecondsPerToken / staged.millisecondsPerToken;
  const isSame = cut.every((row) => Math.abs(row.tokensPerSecond / one.tokensPerSecond - 1) < 0.05);
  const whatever = most && isSame && ratio > 1 ? ", in however many dispatches" : "";
  return [
    "One workgroup pays ",
    strong(formatMilliseconds(one.millisecondsPerToken)),
    ` for a token of Phi-3-mini on an ${ranOn(one)}${whatever}, and is `,
    strong(`${formatNumber(Math.max(ratio, 1 / ratio))} times`),
    ` as ${ratio > 1 ? "slow" : "fast"} as ${formatQuantity(staged.dispatchesPerToken, "dispatch", "dispatches")} that `,
    "use all cores."
  ];
}

/**
 * "On an H200 one workgroup decodes 8.87 tok/s of Phi-3-mini in one dispatch, and 8.85 to 8.86 tok/s in 2 to 32
 * dispatches (within 1 %). Each in a submit of its own, … Where the CPU waits for each of 32, it is 8.57 tok/s (3.4 % less): a wait costs 118 µs. …"
 */
function sentences<T>(times: ChunkTimes, subject: string, model: string, strong: Strong<T>): (string | T)[] {
  const {one, cut, most, apart, awaited, staged} = times;
  const rate = (row: TimedRow) => strong(formatRate(row.tokensPerSecond));
  const change = (row: TimedRow) => describeChange(row.tokensPerSecond / one!.tokensPerSecond);
  const distance = (row: TimedRow) => Math.abs(row.tokensPerSecond / one!.tokensPerSecond - 1);
  const [low, high] = extent(cut, ({tokensPerSecond}) => tokensPerSecond) as [number, number];
  const range = low === high ? formatRate(high) : `${formatNumber(low)} to ${formatRate(high)}`;
  const counts = [...new Set(cut.map(({dispatchesPerToken}) => formatCount(dispatchesPerToken)))];
  const wait = waitMilliseconds(times);
  return [
    `${subject} `,
    rate(one!),
    `${model} in one dispatch`,
    ...(most
      ? [
          ", and ",
          strong(range),
          ` in ${counts.length > 1 ? `${counts[0]} to ` : ""}${counts.at(-1)} dispatches (${change(cut[maxIndex(cut, distance)]!)})`
        ]
      : []),
    ".",
    ...(apart.length > 0
      ? [
          ` Each in a submit of its own, with one wait for all, ${apart.map(({dispatchesPerToken}) => formatCount(dispatchesPerToken)).join(" and ")} dispatches are `,
          ...apart.flatMap((row, i) => [i > 0 ? " and " : "", rate(row), ` (${change(row)})`]),
          "."
        ]
      : []),
    ...(awaited
      ? [
          ` Where the CPU waits for each of ${formatCount(awaited.dispatchesPerToken)}, it is `,
          rate(awaited),
          ` (${change(awaited)})`,
          ...(wait !== null && wait > 0 ? [": a wait costs ", strong(formatMilliseconds(wait))] : []),
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

/** "within 1 %", "12 % more", "3.4 % less" */
export function describeChange(ratio: number): string {
  const percent = 100 * Math.abs(ratio - 1);
  if (percent <= 1) return "within 1\u00a0%";
  return `${formatNumber(percent)}\u00a0% ${ratio > 1 ? "more" : "less"}`;
}

function mostDispatches(rows: readonly TimedRow[]): TimedRow | undefined {
  return rows[maxIndex(rows, ({dispatchesPerToken}) => dispatchesPerToken)];
}
