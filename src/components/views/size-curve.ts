import {group} from "d3";
import type {Factoring} from "../decode/plan.js";
import type {ResultRow} from "../lab/result-row.js";
import {shapes} from "../model/shape.js";
import {formatNumber} from "./format.js";
import {browsersLast, ranOn} from "./recorded.js";
import {fastest} from "./workgroup-curve.js";

/** The fastest row of a factoring at one hidden size. */
export interface SizePoint {
  hidden: number;
  row: ResultRow & {tokensPerSecond: number};
}

/** What one device decodes, by hidden size, for each factoring that was measured there. */
export interface SizeCurves {
  ranOn: string;
  /** By hidden size, the smallest first. */
  curves: Map<Factoring, SizePoint[]>;
}

/** How one dispatch compares at one hidden size, with each design that was measured there. */
export interface SizeComparison {
  hidden: number;
  /** Tokens per second of one dispatch. */
  fused: number;
  staged: Ratio | null;
  unfused: Ratio | null;
}

/** How many times as fast one row is as another. */
export interface Ratio {
  /** Of the medians. */
  ratio: number;
  /** Of the 10th percentile of the one over the 90th of the other, and of the 90th over the 10th. */
  least: number;
  most: number;
  /** Neither where these have 1 between them, or the medians differ by no more than a kernel measured again. */
  verdict: "faster" | "slower" | "equal";
}

/** What each factoring is called where the launches are what matters. */
export const launches: Record<"fused" | "staged" | "unfused", string> = {
  fused: "one dispatch",
  staged: "a dispatch for each stage",
  unfused: "a dispatch for each operation"
};

/**
 * The curves of rows of this project's runs, a device and runtime each: those from a browser last, else in the order of
 * the rows. Of several records at one shape the first counts, and of several rows of a factoring the fastest.
 */
export function sizeCurves(rows: readonly ResultRow[]): SizeCurves[] {
  const measured = rows.filter((row): row is SizePoint["row"] => row.kind === "run" && row.tokensPerSecond !== null);
  const places = group(browsersLast(measured), ranOn);
  return Array.from(places, ([ranOn, rows]) => {
    const newest = [...group(rows, ({shapeId}) => shapeId).values()].flatMap((alike) =>
      alike.filter(({sourceFile}) => sourceFile === alike[0]!.sourceFile)
    );
    const curves = Array.from(
      group(newest, ({factoring}) => factoring as Factoring),
      ([factoring, rows]): [Factoring, SizePoint[]] => [
        factoring,
        [...group(rows, hiddenSize).entries()]
          .map(([hidden, alike]) => ({hidden, row: fastest(alike)}))
          .sort((a, b) => a.hidden - b.hidden)
      ]
    );
    return {ranOn, curves: new Map(curves)};
  });
}

/**
 * The sizes at which one dispatch and something else were measured, the smallest first.
 * @param equal by which part two medians may differ and count as equal
 */
export function compareSizes({curves}: SizeCurves, equal: number): SizeComparison[] {
  const against = (row: SizePoint["row"], factoring: Factoring, size: number) => {
    const other = curves.get(factoring)?.find(({hidden}) => hidden === size)?.row;
    return other ? compareRows(row, other, equal) : null;
  };
  return (curves.get("fused") ?? [])
    .map(({hidden, row}) => ({
      hidden,
      fused: row.tokensPerSecond,
      staged: against(row, "staged", hidden),
      unfused: against(row, "unfused", hidden)
    }))
    .filter(({staged, unfused}) => staged !== null || unfused !== null);
}

/** "2.01 to 2.11 times", "3 times" where the percentiles say no more than the medians. */
export function formatRatio({least, most}: Ratio): string {
  return `${[...new Set([least, most].map(formatNumber))].join(" to ")} times`;
}

function compareRows(a: SizePoint["row"], b: SizePoint["row"], equal: number): Ratio {
  const ratio = a.tokensPerSecond / b.tokensPerSecond;
  const least = (a.tokensPerSecondP10 ?? a.tokensPerSecond) / (b.tokensPerSecondP90 ?? b.tokensPerSecond);
  const most = (a.tokensPerSecondP90 ?? a.tokensPerSecond) / (b.tokensPerSecondP10 ?? b.tokensPerSecond);
  if (least > 1 && ratio > 1 + equal) return {ratio, least, most, verdict: "faster"};
  if (most < 1 && 1 / ratio > 1 + equal) return {ratio, least, most, verdict: "slower"};
  return {ratio, least, most, verdict: "equal"};
}

/** @throws {Error} when the row is of no preset, whose hidden size nobody knows. */
function hiddenSize({id, shapeId}: ResultRow): number {
  if (!Object.hasOwn(shapes, shapeId ?? ""))
    throw new Error(`row ${id} is of the shape ${shapeId}, which is no preset`);
  return shapes[shapeId as keyof typeof shapes].hidden;
}
