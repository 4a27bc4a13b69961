import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {formatCount, formatNumber, formatRate} from "./format.js";
import {compareSizes, launches, sizeCurves, wins, type SizeComparison} from "./size-curve.js";

/** How a sentence marks what it is about: a figure, in the colour of its origin. */
type Strong<T> = (text: string) => T;

/** The finding: up to which hidden size one dispatch is the fastest, recorded and the reader's own. */
export function toyAnswer(rows: readonly ResultRow[], yours: readonly RunRecord[]): HTMLElement {
  const strong = (meaning: "recorded" | "yours") => (text: string) => html`<strong class="${meaning}">${text}</strong>`;
  return html`<div class="answer">
    ${yours.length > 0 ? html`<p class="your-answer">${yourFinding(yours, strong("yours"))}</p>` : null}
    <p>${recordedFinding(rows, strong("recorded"))}</p>
  </div>`;
}

/** The finding of the newest device on record. */
export function recordedFinding<T>(rows: readonly ResultRow[], strong: Strong<T>): (string | T)[] {
  for (const curves of sizeCurves(rows)) {
    const sizes = compareSizes(curves);
    if (sizes.length > 0) return [`On ${curves.ranOn} `, ...compare(sizes, strong)];
  }
  return ["No run of models this small is on record yet: the panel below measures them on your GPU."];
}

/**
 * The reader's own finding, or what their runs lack for one.
 * @param records at least one, of a size each
 */
export function yourFinding<T>(records: readonly RunRecord[], strong: Strong<T>): (string | T)[] {
  const {device} = records[0]!;
  const name = device.software ? `${device.label} (a CPU standing in for a GPU)` : device.label;
  const [curves] = sizeCurves(records.flatMap((record) => runRows(record, null)));
  const sizes = curves ? compareSizes(curves) : [];
  if (sizes.length > 0) return [`On your device, ${name}, `, ...compare(sizes, strong)];
  return [`Your run on ${name} has no figure for one dispatch beside another design, so it does not compare them.`];
}

function compare<T>(sizes: readonly SizeComparison[], strong: Strong<T>): (string | T)[] {
  const [first, last] = [sizes[0]!, sizes.at(-1)!];
  const ratios = [first.staged, first.unfused].map((other) => other && formatNumber(first.fused / other));
  const against = [
    ...(ratios[0] ? [[strong(`${ratios[0]} times`), ` as fast as ${launches.staged}`]] : []),
    ...(ratios[1] ? [[strong(`${ratios[1]} times`), ` as fast as ${launches.unfused}`]] : [])
  ];
  return [
    "one dispatch is the fastest ",
    strong(where(sizes)),
    `. At hidden size ${formatCount(first.hidden)} it decodes `,
    strong(formatRate(first.fused)),
    ", ",
    ...against.flatMap((part, i) => (i === 0 ? part : [" and ", ...part])),
    ...(last === first ? [] : atLast(last, strong)),
    "."
  ];
}

/** "; at 256, 9,800 tok/s, 0.65 and 1.15 times" */
function atLast<T>({hidden, fused, staged, unfused}: SizeComparison, strong: Strong<T>): (string | T)[] {
  const ratios = [staged, unfused].flatMap((other) => (other === null ? [] : [formatNumber(fused / other)]));
  return [`; at ${formatCount(hidden)}, `, strong(formatRate(fused)), ", ", strong(`${ratios.join(" and ")} times`)];
}

/** "at every hidden size from 32 to 256", "up to hidden size 64, and no longer at 128" */
function where(sizes: readonly SizeComparison[]): string {
  const won = sizes.filter(wins);
  const list = (some: readonly SizeComparison[]) =>
    new Intl.ListFormat("en-GB").format(some.map(({hidden}) => formatCount(hidden)));
  const range = `${formatCount(sizes[0]!.hidden)} to ${formatCount(sizes.at(-1)!.hidden)}`;
  if (sizes.length === 1) return `${won.length > 0 ? "at" : "not at"} hidden size ${list(sizes)}`;
  if (won.length === sizes.length) return `at every hidden size measured from ${range}`;
  if (won.length === 0) return `at none of the hidden sizes measured from ${range}`;
  const rest = sizes.slice(won.length);
  if (rest.some(wins)) return `at hidden size ${list(won)}, of ${list(sizes)}`;
  return `up to hidden size ${formatCount(won.at(-1)!.hidden)}, and no longer at ${formatCount(rest[0]!.hidden)}`;
}
