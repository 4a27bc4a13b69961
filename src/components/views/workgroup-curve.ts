import {group, max, maxIndex} from "d3";
import type {ResultRow} from "../lab/result-row.js";

/** How fast one dispatch is with so many workgroups. */
export interface CurvePoint {
  workgroups: number;
  tokensPerSecond: number;
}

/**
 * One dispatch with different numbers of workgroups, and the staged design with the same features and arithmetic in the
 * same run.
 */
export interface WorkgroupCurve {
  /** By workgroups, each number once. */
  rows: (ResultRow & CurvePoint)[];
  staged: (ResultRow & {tokensPerSecond: number}) | null;
}

/** Where one dispatch is as fast as the staged design. */
export interface Crossover {
  /** Workgroups with which it is as fast, perhaps a fraction between two counts measured; null where it never is. */
  workgroups: number | null;
  /** The two counts measured that it lies between; null where it was measured itself, or never is. */
  between: [number, number] | null;
}

/**
 * The curves in rows of this project's runs: points of one run with equal features, arithmetic, weights and dispatches.
 * Where a run has a number of workgroups several times, the fastest is taken.
 */
export function workgroupCurves(rows: readonly ResultRow[]): WorkgroupCurve[] {
  const measured = rows.filter((row): row is MeasuredRow => row.kind === "run" && row.tokensPerSecond !== null);
  const fused = measured.filter((row): row is WorkgroupCurve["rows"][number] => isFused(row));
  const alike = group(fused, (row) => JSON.stringify([likeness(row), row.dispatchesPerToken]));
  return [...alike.values()].map((points) => {
    const counts = [...group(points, ({workgroups}) => workgroups).values()];
    const like = likeness(points[0]!);
    const staged = measured.filter((row) => row.factoring === "staged" && likeness(row) === like);
    return {
      rows: counts.map(fastest).sort((a, b) => a.workgroups - b.workgroups),
      staged: staged.length > 0 ? fastest(staged) : null
    };
  });
}

/** The curve with the fastest point of those beside a staged design, or of all where none has one; null of none. */
export function fastestCurve(curves: readonly WorkgroupCurve[]): WorkgroupCurve | null {
  const comparable = curves.filter(({staged}) => staged);
  const candidates = comparable.length > 0 ? comparable : curves;
  const speeds = candidates.map(({rows}) => fastest(rows).tokensPerSecond);
  return candidates[maxIndex(speeds)] ?? null;
}

/**
 * How many workgroups it takes until one dispatch is as fast as the staged design: the first crossing, by straight
 * lines between measured points where both axes are logarithmic. Where the smallest count measured is already as fast,
 * it is that count.
 * @param points at least one, by workgroups
 * @param staged tokens per second
 */
export function crossover(points: readonly CurvePoint[], staged: number): Crossover {
  const after = points.findIndex(({tokensPerSecond}) => tokensPerSecond >= staged);
  const [a, b] = [points[after - 1], points[after]];
  if (!a || !b || b.tokensPerSecond === staged) return {workgroups: b?.workgroups ?? null, between: null};
  const part = Math.log(staged / a.tokensPerSecond) / Math.log(b.tokensPerSecond / a.tokensPerSecond);
  const workgroups = a.workgroups * (b.workgroups / a.workgroups) ** part;
  return {workgroups, between: [a.workgroups, b.workgroups]};
}

/**
 * Where an axis of workgroups has ticks: one, the counts given, and the powers of two with room between them.
 * @param own counts of the devices' own, the more important first
 * @param room least ratio of two neighbours
 */
export function workgroupTicks(own: readonly number[], room: number): number[] {
  const octaves = Math.floor(Math.log2(max(own) ?? 1));
  const step = Math.ceil(Math.log2(room) - 1e-9);
  const powers = Array.from({length: octaves + 1}, (_, i) => 2 ** i).filter((_, i) => i % step === 0);
  const ticks: number[] = [];
  for (const tick of [...own, ...powers]) {
    if (ticks.every((other) => Math.max(tick / other, other / tick) >= room)) ticks.push(tick);
  }
  return ticks.sort((a, b) => a - b);
}

type MeasuredRow = ResultRow & {tokensPerSecond: number};

/** What two rows have in common that differ in nothing but how their stages are launched. */
function likeness({sourceFile, features, arithmetic, weightFormat}: ResultRow): string {
  return JSON.stringify([sourceFile, features, arithmetic, weightFormat ?? "int4"]);
}

function isFused({factoring, workgroups}: ResultRow): boolean {
  return factoring === "fused" && workgroups !== null;
}

/** Of at least one. */
export function fastest<T extends {tokensPerSecond: number}>(points: readonly T[]): T {
  return points[maxIndex(points, ({tokensPerSecond}) => tokensPerSecond)]!;
}
