import {html} from "htl";
import {group, maxIndex} from "d3";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {firstLine, formatCount, formatMilliseconds, formatNumber} from "./format.js";
import {newestRecords, ranOn} from "./recorded.js";

/** How a sentence marks what it is about: a figure, in the colour of its origin. */
type Strong<T> = (text: string) => T;

type TimedRow = ResultRow & {millisecondsPerToken: number; dispatchesPerToken: number};

/** What one run says: one workgroup in one dispatch, in the most dispatches, and where the CPU waits for these. */
export interface ChunkTimes {
  one: TimedRow | undefined;
  most: TimedRow | undefined;
  awaited: TimedRow | undefined;
  staged: TimedRow | undefined;
}

/** @param rows of one run */
export function chunkTimes(rows: readonly ResultRow[]): ChunkTimes {
  const timed = rows.filter((row): row is TimedRow => row.millisecondsPerToken !== null);
  const chunked = timed.filter(({factoring}) => factoring === "chunked");
  return {
    one: timed.find(({factoring, awaited}) => factoring === "fused" && !awaited),
    most: mostDispatches(chunked.filter(({awaited}) => !awaited)),
    awaited: mostDispatches(chunked.filter(({awaited}) => awaited)),
    staged: timed.find(({factoring}) => factoring === "staged")
  };
}

/**
 * The newest record of a whole model on a GPU, and that of each other runtime of the device, Node's first: of this
 * experiment, and of the spectrum while it has none.
 * @param rows newest first
 */
export function chunkRecords(rows: readonly ResultRow[]): ResultRow[][] {
  const whole = rows.filter(({shapeId, software, kind}) => kind === "run" && shapeId === "phi3-mini" && !software);
  for (const experiment of ["chunks", "spectrum"]) {
    const newest = newestRecords(whole.filter((row) => row.experiment === experiment));
    const records = [...group(newest, ({sourceFile}) => sourceFile).values()].filter(
      (record) => chunkTimes(record).one
    );
    const isBrowsers = ([first]: ResultRow[]) => Number(ranOn(first!) !== first!.device);
    if (records.length > 0) return records.sort((a, b) => isBrowsers(a) - isBrowsers(b));
  }
  return [];
}

/** The finding: what a token takes one workgroup in one dispatch and in many, recorded and the reader's own. */
export function chunksAnswer(rows: readonly ResultRow[], yours: RunRecord | null): HTMLElement {
  const strong = (meaning: "recorded" | "yours") => (text: string) => html`<strong class="${meaning}">${text}</strong>`;
  return html`<div class="answer">
    ${yours ? html`<p class="your-answer">${yourChunks(yours, strong("yours"))}</p>` : null}
    <p>${recordedChunks(rows, strong("recorded"))}</p>
  </div>`;
}

/** What the newest record says. */
export function recordedChunks<T>(rows: readonly ResultRow[], strong: Strong<T>): (string | T)[] {
  const times = chunkTimes(chunkRecords(rows)[0] ?? []);
  if (!times.one) return ["There is no record yet: run it below, and the answer is your device's own."];
  const missing = times.most ? "" : " There is no record yet of a token cut into several dispatches.";
  return [
    "One core's time for all of it: ",
    ...sentence(times, `an ${ranOn(times.one)}`, "Phi-3-mini", strong),
    missing
  ];
}

/** What the reader's run says, or what it lacks. */
export function yourChunks<T>(record: RunRecord, strong: Strong<T>): (string | T)[] {
  const {device, shape} = record;
  const name = device.software ? `${device.label} (a CPU standing in for a GPU)` : device.label;
  const times = chunkTimes(runRows(record, null));
  if (!times.one) {
    const lost = record.rows.find(({factoring, awaited}) => factoring === "fused" && !awaited);
    const why = lost && "message" in lost ? `has no figure for one dispatch (${firstLine(lost.message)})` : "";
    return [
      `Your run of “${shape.label}” on ${name} ${why || "did not include one dispatch, so it compares nothing"}.`
    ];
  }
  return ["On your device, ", ...sentence(times, name, `“${shape.label}”`, strong)];
}

/** "an H200 takes 126 ms for a token of Phi-3-mini in one dispatch of one workgroup, 126 ms in 32 (within 1 %), …" */
function sentence<T>({one, most, awaited, staged}: ChunkTimes, device: string, model: string, strong: Strong<T>) {
  const time = (row: TimedRow) => strong(formatMilliseconds(row.millisecondsPerToken));
  const change = (row: TimedRow) => ` (${describeChange(row.millisecondsPerToken / one!.millisecondsPerToken)})`;
  const count = (row: TimedRow) => formatCount(row.dispatchesPerToken);
  return [
    `${device} takes `,
    time(one!),
    ` for a token of ${model} in one dispatch of one workgroup`,
    ...(most ? [", ", time(most), ` in ${count(most)}${change(most)}`] : []),
    ...(awaited
      ? [", ", time(awaited), ` in ${count(awaited)} that the CPU waits for one by one${change(awaited)}`]
      : []),
    ...(staged ? [", and ", time(staged), ` in ${count(staged)} that use all of its cores`] : []),
    "."
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
