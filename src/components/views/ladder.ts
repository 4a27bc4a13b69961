import {group} from "d3";
import type {RunRecord} from "../lab/record.js";
import {ladderExperiment, runRows, type ResultRow} from "../lab/result-row.js";
import {ablated, ablations, beside, ladder} from "../lab/tiling.js";

/** One run of the ladder. */
export interface LadderRun {
  /** Whose it is. */
  origin: "recorded" | "yours";
  /** By variant, rungs first; those without a figure too. */
  rows: ReadonlyMap<string, ResultRow>;
}

/** A rung of a run. */
export interface Climb {
  variant: string;
  label: string;
  /** Null where the run has no figure for it. */
  tokensPerSecond: number | null;
  /** How many times as fast as the rung before; null for the first, and where either has no figure. */
  overBefore: number | null;
  /** How many times as fast as the first rung. */
  overFirst: number | null;
}

/** A rung with one thing changed. */
export interface Ablation {
  variant: string;
  label: string;
  tokensPerSecond: number | null;
  /** How many times as fast as that rung. */
  overAblated: number | null;
}

/** The newest run on record of each shape, on a GPU; fewest layers first. */
export function recordedRuns(rows: readonly ResultRow[]): LadderRun[] {
  const ours = rows.filter((row) => row.kind === "run" && row.experiment === ladderExperiment && !row.software);
  const newest = [...group(ours, ({shapeId}) => shapeId).values()].map((all) => {
    const first = all.reduce((a, b) => (b.date > a.date ? b : a));
    return all.filter(({sourceFile}) => sourceFile === first.sourceFile);
  });
  return newest
    .sort((a, b) => (a[0]!.layers ?? 0) - (b[0]!.layers ?? 0))
    .map((rows) => ({origin: "recorded", rows: byVariant(rows)}));
}

/** The reader's run. */
export function yourRun(record: RunRecord): LadderRun {
  return {origin: "yours", rows: byVariant(runRows(record, null))};
}

/** The run on record to put in a plot: of the shape that the reader has run, else of the fewest layers. */
export function runToShow(recorded: readonly LadderRun[], yours: RunRecord | null): LadderRun | undefined {
  return recorded.find((run) => anyRow(run).shapeId === yours?.shape.id) ?? recorded[0];
}

/** Speed of a variant in a run; null where it has none. */
export function speedOf({rows}: LadderRun, variant: string): number | null {
  return rows.get(variant)?.tokensPerSecond ?? null;
}

/** Any row of a run: all have the same device, shape and date. */
export function anyRow({rows}: LadderRun): ResultRow {
  return rows.values().next().value!;
}

/** Every rung of a run, and the staged design at the end, which comes after none. */
export function climb(run: LadderRun): Climb[] {
  const speeds = ladder.map(({variant}) => speedOf(run, variant));
  const rungs = ladder.map(({variant, label}, i) => ({
    ...{variant, label, tokensPerSecond: speeds[i]!},
    overBefore: i === 0 ? null : ratio(speeds[i]!, speeds[i - 1]!),
    overFirst: i === 0 ? null : ratio(speeds[i]!, speeds[0]!)
  }));
  const staged = speedOf(run, beside.variant);
  const {variant, label} = beside;
  return [...rungs, {variant, label, tokensPerSecond: staged, overBefore: null, overFirst: ratio(staged, speeds[0]!)}];
}

/** Every ablation of a run beside what it changes. */
export function ablate(run: LadderRun): Ablation[] {
  const base = speedOf(run, ablated.variant);
  return ablations.map(({variant, label}) => {
    const tokensPerSecond = speedOf(run, variant);
    return {variant, label, tokensPerSecond, overAblated: ratio(tokensPerSecond, base)};
  });
}

/** Gains below this are not told from none. */
export const leastGain = 1.02;

/** Rungs that were not faster than the one before by more than samples scatter. */
export function idleRungs(run: LadderRun): Climb[] {
  return climb(run).filter(({overBefore}) => overBefore !== null && overBefore < leastGain);
}

/** In the order of the ladder and under the labels that it has now: a record keeps those of its day. */
function byVariant(rows: readonly ResultRow[]): Map<string, ResultRow> {
  const found = new Map(rows.map((row) => [row.id.slice(row.id.lastIndexOf("/") + 1), row]));
  return new Map(
    [...ladder, beside, ...ablations].flatMap(({variant, label}) => {
      const row = found.get(variant);
      return row ? [[variant, {...row, label}]] : [];
    })
  );
}

function ratio(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a / b;
}
