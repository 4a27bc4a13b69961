import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {nameDevice} from "./answer.js";
import {answerBlock, strongOf, type Strong} from "./answer-block.js";
import {formatCount, formatRate} from "./format.js";
import {compareSizes, formatRatio, launches, sizeCurves, type SizeComparison} from "./size-curve.js";

/**
 * The finding: up to which hidden size one dispatch is faster than each other design, recorded and the reader's own.
 * @param equal by which part two figures may differ and count as equal
 */
export function toyAnswer(rows: readonly ResultRow[], yours: readonly RunRecord[], equal: number): HTMLElement {
  return answerBlock(
    yours.length > 0 ? yourFinding(yours, strongOf("yours"), equal) : null,
    recordedFinding(rows, strongOf("recorded"), equal)
  );
}

/** The finding of the newest device on record; its figures, and where the lines cross in its other runtimes. */
export function recordedFinding<T>(
  rows: readonly ResultRow[],
  strong: Strong<T>,
  equal: number
): {answer: (string | T)[]; figures: (string | T)[]} {
  const places = sizeCurves(rows)
    .map((curves) => ({ranOn: curves.ranOn, sizes: compareSizes(curves, equal)}))
    .filter(({sizes}) => sizes.length > 0);
  if (places.length === 0) {
    const none = "No run of models this small is on record yet: the panel below measures them on your GPU.";
    return {answer: [none], figures: []};
  }
  const [first, ...others] = places;
  return {
    answer: [`On an ${first!.ranOn} `, ...wins(first!.sizes, strong)],
    figures: [
      ...speeds(first!.sizes, strong),
      ...others.flatMap(({ranOn, sizes}) => [` On an ${ranOn} one dispatch is `, ...crossings(sizes, strong), "."])
    ]
  };
}

/**
 * The reader's own finding, or what their runs lack for one.
 * @param records at least one, of a size each
 */
export function yourFinding<T>(records: readonly RunRecord[], strong: Strong<T>, equal: number): (string | T)[] {
  const {device} = records[0]!;
  const name = nameDevice(device);
  const [curves] = sizeCurves(records.flatMap((record) => runRows(record, null)));
  const sizes = curves ? compareSizes(curves, equal) : [];
  if (sizes.length > 0) return [`On your device, ${name}, `, ...wins(sizes, strong), " ", ...speeds(sizes, strong)];
  return [`Your run on ${name} has no figure for one dispatch beside another design, so it does not compare them.`];
}

/** "one dispatch is faster than … up to …, and no longer at …." */
function wins<T>(sizes: readonly SizeComparison[], strong: Strong<T>): (string | T)[] {
  return ["one dispatch is ", ...crossings(sizes, strong), "."];
}

/** "At hidden size 32 one dispatch decodes …, 1.02 to 1.23 times as fast as …; at 256, ….": the speeds at both ends. */
function speeds<T>(sizes: readonly SizeComparison[], strong: Strong<T>): (string | T)[] {
  const [first, last] = [sizes[0]!, sizes.at(-1)!];
  const against = (["staged", "unfused"] as const).flatMap((other) => {
    const ratio = first[other];
    return ratio ? [[strong(formatRatio(ratio)), ` as fast as ${launches[other]}`]] : [];
  });
  return [
    `At hidden size ${formatCount(first.hidden)} one dispatch decodes `,
    strong(formatRate(first.fused)),
    ", ",
    ...against.flatMap((part, i) => (i === 0 ? part : [" and ", ...part])),
    ...(last === first ? [] : atLast(last, strong)),
    "."
  ];
}

/** "faster than a dispatch for each stage up to hidden size 64, and no longer at 128; and than …" */
function crossings<T>(sizes: readonly SizeComparison[], strong: Strong<T>): (string | T)[] {
  return (["staged", "unfused"] as const)
    .map((other) => {
      const compared = sizes.filter((size) => size[other] !== null);
      const won = compared.filter((size) => size[other]!.verdict === "faster");
      const equal = compared.filter((size) => size[other]!.verdict === "equal");
      return {other, compared, won, equal};
    })
    .filter(({compared}) => compared.length > 0)
    .flatMap(({other, compared, won, equal}, i) => [
      `${i > 0 ? "; it is " : ""}${howFast(compared, won, equal)} ${launches[other]} `,
      strong(where(compared, won)),
      ...(equal.length > 0 && equal.length < compared.length ? [` (no different at ${listSizes(equal)})`] : [])
    ]);
}

function howFast(...[compared, won, equal]: (readonly SizeComparison[])[]): string {
  if (won!.length > 0) return "faster than";
  if (equal!.length === 0) return "slower than";
  return equal!.length === compared!.length ? "as fast as" : "no faster than";
}

/** "; at 256, 9,800 tok/s, 0.61 to 0.68 times and 1.12 to 1.15 times" */
function atLast<T>({hidden, fused, staged, unfused}: SizeComparison, strong: Strong<T>): (string | T)[] {
  const ratios = [staged, unfused].flatMap((other) => (other === null ? [] : [formatRatio(other)]));
  return [`; at ${formatCount(hidden)}, `, strong(formatRate(fused)), ", ", strong(ratios.join(" and "))];
}

/** "at every hidden size measured, 32 to 256", "up to hidden size 64, and no longer at 128" */
function where(sizes: readonly SizeComparison[], won: readonly SizeComparison[]): string {
  if (sizes.length === 1) return `at hidden size ${listSizes(sizes)}`;
  if (won.length === sizes.length || won.length === 0)
    return `at every hidden size measured, ${formatCount(sizes[0]!.hidden)} to ${formatCount(sizes.at(-1)!.hidden)}`;
  const rest = sizes.slice(won.length);
  if (rest.some((size) => won.includes(size))) return `at hidden size ${listSizes(won)}, of ${listSizes(sizes)}`;
  return `up to hidden size ${formatCount(won.at(-1)!.hidden)}, and no longer at ${formatCount(rest[0]!.hidden)}`;
}

function listSizes(sizes: readonly SizeComparison[]): string {
  return new Intl.ListFormat("en-GB").format(sizes.map(({hidden}) => formatCount(hidden)));
}
