import {runRows, type ResultRow} from "../lab/result-row.js";
import type {SweepRecord} from "../lab/sweep-record.js";
import {shapes} from "../model/shape.js";
import {nameDevice} from "./answer.js";
import {answerBlock, strongOf, type Strong} from "./answer-block.js";
import {formatCount, formatNumber, formatQuantity, formatRate} from "./format.js";
import {ranOn} from "./recorded.js";
import {byShape, newestSweeps} from "./sweep-rows.js";

/** The fastest and the slowest way of the last sweeps, recorded and the reader's own. */
export function sweepAnswer(recorded: readonly ResultRow[], yours: SweepRecord | null): HTMLElement {
  const answer = recordedFinding(recorded, strongOf("recorded"));
  return answerBlock(yours && yourFinding(yours, strongOf("yours")), {answer});
}

/**
 * The finding of the device that was swept last, at the largest shape that was swept there.
 * @param rows of sweeps, newest first
 */
export function recordedFinding<T>(rows: readonly ResultRow[], strong: Strong<T>): (string | T)[] {
  const place = ranOn(rows[0]!);
  const newest = newestSweeps(rows).filter((row) => ranOn(row) === place);
  return [`On the ${place} `, ...compare(newest, strong)!];
}

/** The reader's own finding at the largest shape that has figures, and what their sweep lacks. */
export function yourFinding<T>(record: SweepRecord, strong: Strong<T>): (string | T)[] {
  const {runs, left, cancelled} = record;
  const rows = runs.flatMap((run) => runRows(run, null));
  const name = nameDevice(runs[0]!.device);
  const without = rows.filter(({tokensPerSecond}) => tokensPerSecond === null).length;
  const remarks = [
    without > 0
      ? ` ${formatQuantity(without, "row")} of it ${without === 1 ? "has" : "have"} no figure; the table says why.`
      : "",
    left.length > 0 ? ` ${leftOut(left, cancelled)}` : ""
  ].join("");
  const finding = compare(rows, strong);
  if (!finding) return [`Your sweep on ${name} has no figure.`, remarks];
  return [`On your device, ${name}, `, ...finding, remarks];
}

/** "the fastest of 6 ways to decode “…” is “…” with 9 tok/s, 12 times as fast as the slowest, “…” with …" */
function compare<T>(rows: readonly ResultRow[], strong: Strong<T>): (string | T)[] | null {
  const [largest] = byShape(rows);
  if (!largest) return null;
  const {shape, rows: swept} = largest;
  const [fastest, slowest] = [swept[0]!, swept.at(-1)!];
  if (swept.length === 1) {
    return [`“${fastest.label}” decodes “${shape.label}” at `, strong(formatRate(fastest.tokensPerSecond)), "."];
  }
  return [
    `the fastest of ${formatCount(swept.length)} ways to decode “${shape.label}” is “${fastest.label}” with `,
    strong(formatRate(fastest.tokensPerSecond)),
    `, ${formatNumber(fastest.tokensPerSecond / slowest.tokensPerSecond)} times as fast as the slowest, ` +
      `“${slowest.label}” with `,
    strong(formatRate(slowest.tokensPerSecond)),
    "."
  ];
}

function leftOut(left: SweepRecord["left"], cancelled: boolean): string {
  const names = left.map(({shape}) => `“${shape in shapes ? shapes[shape as keyof typeof shapes].label : shape}”`);
  const list = new Intl.ListFormat("en-GB").format(names);
  return cancelled ? `It was cancelled before ${list} had ended.` : `There is nothing of ${list}.`;
}
