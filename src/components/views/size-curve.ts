import {group} from "d3";
import type {Factoring} from "../decode/plan.js";
import type {ResultRow} from "../lab/result-row.js";
import {shapes} from "../model/shape.js";
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

/** How one dispatch compares at one hidden size. */
export interface SizeComparison {
  hidden: number;
  fused: number;
  staged: number | null;
  unfused: number | null;
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

/** The sizes at which one dispatch and something else were measured, the smallest first. */
export function compareSizes({curves}: SizeCurves): SizeComparison[] {
  const speed = (factoring: Factoring, size: number) =>
    curves.get(factoring)?.find(({hidden}) => hidden === size)?.row.tokensPerSecond ?? null;
  return (curves.get("fused") ?? [])
    .map(({hidden, row}) => ({
      hidden,
      fused: row.tokensPerSecond,
      staged: speed("staged", hidden),
      unfused: speed("unfused", hidden)
    }))
    .filter(({staged, unfused}) => staged !== null || unfused !== null);
}

/** @throws {Error} when the row is of no preset, whose hidden size nobody knows. */
function hiddenSize({id, shapeId}: ResultRow): number {
  if (!Object.hasOwn(shapes, shapeId ?? ""))
    throw new Error(`row ${id} is of the shape ${shapeId}, which is no preset`);
  return shapes[shapeId as keyof typeof shapes].hidden;
}
