import type {RunRecord, RunRow} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {nameDevice} from "./answer.js";
import {answerBlock, strongOf, type Strong} from "./answer-block.js";
import {firstLine, formatCount, formatNumber, formatPercent, formatQuantity, formatRate} from "./format.js";
import {leastGain} from "./ladder.js";
import {ranOn} from "./recorded.js";
import {crossover, fastestCurve, workgroupCurves, type Crossover, type WorkgroupCurve} from "./workgroup-curve.js";

/**
 * The finding: with how many workgroups one dispatch is as fast as the staged design, recorded and the reader's own.
 * @param equal by which part two figures on record may differ and count as equal
 */
export function geometryAnswer(rows: readonly ResultRow[], yours: RunRecord | null, equal: number): HTMLElement {
  const answer = recordedFinding(rows, strongOf("recorded"), equal);
  return answerBlock(yours && yourFinding(yours, strongOf("yours"), equal), {answer});
}

/**
 * The finding of the fastest curve on record, of a whole model on a GPU.
 * @param equal by which part two figures may differ and count as equal
 */
export function recordedFinding<T>(rows: readonly ResultRow[], strong: Strong<T>, equal: number): (string | T)[] {
  const curves = workgroupCurves(rows.filter(({spectrum}) => spectrum)).filter(({rows}) => rows.length > 1);
  const curve = fastestCurve(curves);
  if (!curve?.staged) return ["No run on record has one dispatch of several workgroups beside the staged design."];
  return [`On the ${ranOn(curve.staged)} `, ...compare(curve, curve.staged.tokensPerSecond, strong, equal)];
}

/**
 * The reader's own finding, or what their run lacks for one.
 * @param equal by which part two figures may differ and count as equal
 */
export function yourFinding<T>(record: RunRecord, strong: Strong<T>, equal = leastGain - 1): (string | T)[] {
  const {device, shape} = record;
  const name = nameDevice(device);
  const run = `Your run of “${shape.label}” on ${name}`;
  const curve = fastestCurve(workgroupCurves(runRows(record, null)));
  const lost = record.rows.filter((row) => row.factoring === "fused" && row.status !== "measured");
  if (!curve) return [lost.length > 0 ? `${run} ${withoutFigure(lost)}` : `${run} did not include one dispatch.`];
  const remark = lost.length > 0 ? ` ${countsWithoutFigure(lost)}` : "";
  if (!curve.staged) {
    const staged = record.rows.find((row) => row.factoring === "staged" && row.status !== "measured");
    const why = staged
      ? `has no figure for the staged design (${reason(staged)})`
      : "did not include the staged design";
    const best = bestOf(curve.rows, equal);
    return [
      `${run} ${why} with the same features, so it does not compare them. One dispatch decodes `,
      strong(formatRate(best.tokensPerSecond)),
      ` with ${formatQuantity(best.workgroups, "workgroup")}.${remark}`
    ];
  }
  return [
    `On your device, ${name}, `,
    ...compare(curve, curve.staged.tokensPerSecond, strong, equal),
    remark,
    shapeRemark(shape)
  ];
}

/** "between 32 and 64 workgroups" of a crossover between two counts measured, "with 32 workgroups" of a count itself. */
export function whereEqual({workgroups, between}: Pick<Crossover, "workgroups" | "between">): string | null {
  if (workgroups === null) return null;
  if (between) return `between ${formatCount(between[0])} and ${formatQuantity(between[1], "workgroup")}`;
  return `with ${formatQuantity(workgroups, "workgroup")}`;
}

/** "one dispatch equals the staged design between 32 and 64 workgroups (at about 39, by …) and is 2.1 times as fast with 132: …" */
function compare<T>({rows}: WorkgroupCurve, staged: number, strong: Strong<T>, equalWithin: number): (string | T)[] {
  const {workgroups: equal, between} = crossover(rows, staged);
  const best = bestOf(rows, equalWithin);
  const bestRatio = best.tokensPerSecond / staged;
  const most = rows.at(-1)!.workgroups;
  const least = rows[0]!.workgroups;
  const figures = [strong(formatRate(best.tokensPerSecond)), " against ", strong(formatRate(staged)), "."];
  const fastest = best.workgroups === most ? "" : `, the fastest of up to ${formatCount(most)}`;
  const part = formatPercent(bestRatio);
  if (rows.length === 1) {
    const one = `one dispatch of ${formatQuantity(most, "workgroup")} has `;
    return [one, strong(part), " of the speed of the staged design, ", ...figures];
  }
  if (equal === null) {
    return [
      "one dispatch does not reach the staged design: with ",
      `${formatQuantity(best.workgroups, "workgroup")}${fastest && `${fastest},`} it has `,
      strong(part),
      " of its speed, ",
      ...figures
    ];
  }
  return [
    "one dispatch equals the staged design ",
    strong(`${equal === least ? "already " : ""}${whereEqual({workgroups: equal, between})}`),
    between ? ` (at about ${formatCount(Math.round(equal))}, by a straight line between them)` : "",
    " and is ",
    strong(`${formatNumber(bestRatio)} times`),
    ` as fast with ${formatCount(best.workgroups)}${fastest}: `,
    ...figures
  ];
}

/** The most workgroups where none are faster by more than `equal`, or else the fastest. */
function bestOf(rows: WorkgroupCurve["rows"], equal: number): WorkgroupCurve["rows"][number] {
  const most = rows.at(-1)!;
  const best = rows.reduce((a, b) => (b.tokensPerSecond > a.tokensPerSecond ? b : a));
  return best.tokensPerSecond <= most.tokensPerSecond * (1 + equal) ? most : best;
}

function withoutFigure(rows: readonly RunRow[]): string {
  const discarded = rows.every(({status}) => status === "discarded");
  return discarded
    ? `was discarded, so it does not compare the designs: ${message(rows[0]!)}.`
    : `has no figure for one dispatch (${reason(rows[0]!)}).`;
}

function countsWithoutFigure(rows: readonly RunRow[]): string {
  const counts = [
    ...new Set(rows.map(({workgroups}) => (workgroups === null ? "an unknown number of" : formatCount(workgroups))))
  ];
  return `There is no figure for ${new Intl.ListFormat("en-GB").format(counts)} workgroups (${reason(rows[0]!)}).`;
}

function reason(row: RunRow): string {
  return `${row.status}: ${message(row)}`;
}

function message(row: RunRow): string {
  return "message" in row ? firstLine(row.message).replace(/\.$/, "") : "";
}

function shapeRemark({id, label}: RunRecord["shape"]): string {
  return id === "phi3-mini" ? "" : ` That is at the shape “${label}”.`;
}
