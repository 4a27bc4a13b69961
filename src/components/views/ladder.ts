import {ascending, group} from "d3";
import type {RunRecord} from "../lab/record.js";
import {ladderExperiment, runRows, type ResultRow} from "../lab/result-row.js";
import {ablated, ablations, beside, ladder} from "../lab/tiling.js";
import {ranOn} from "./recorded.js";

/** One run of the ladder. */
export interface LadderRun {
  /** Whose it is. */
  origin: "recorded" | "yours";
  /** By variant, rungs first; those without a figure too. */
  rows: ReadonlyMap<string, ResultRow>;
  /** What others reported of kernels in the style of a rung, with as many layers. */
  reported: readonly ReportedRung[];
}

/** A reported figure beside the rung that comes closest to what it was measured with. */
export interface ReportedRung {
  /** The rung's. */
  variant: string;
  label: string;
  row: ResultRow;
  /** Nobody wrote down which workgroup size it had: this one fits best what is on file. */
  inferred: boolean;
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

/**
 * The reported figures, by the rung that comes closest: the recorded kernel with 64 invocations, which its run of one layer
 * very likely had, and with 256, as those of more layers. Each is of a layer of another architecture with as many weights, without an LM
 * head, and nobody checked its output.
 */
const closestRungs: readonly {variant: string; id: string; inferred: boolean}[] = [
  {variant: "record-64", id: "m2-pro-reported/int4-on-the-fly-1-layer", inferred: true},
  {variant: "record-256", id: "m2-pro-reported/int4-on-the-fly-8-layers", inferred: true},
  {variant: "record-256", id: "m2-pro-reported/int4-on-the-fly-32-layers", inferred: true},
  {variant: beside.variant, id: "m2-pro-reported/staged-measured", inferred: false}
];

/** The newest run on record of each shape, on a GPU and in each runtime; fewest layers first, and Node before browsers. */
export function recordedRuns(rows: readonly ResultRow[]): LadderRun[] {
  const ours = rows.filter((row) => row.kind === "run" && row.experiment === ladderExperiment && !row.software);
  const newest = [...group(ours, (row) => `${row.shapeId} ${ranOn(row)}`).values()].map((all) => {
    const first = all.reduce((a, b) => (b.date > a.date ? b : a));
    return all.filter(({sourceFile}) => sourceFile === first.sourceFile);
  });
  return newest
    .sort(([a], [b]) => (a!.layers ?? 0) - (b!.layers ?? 0) || ascending(ranOn(a!), ranOn(b!)))
    .map((own, i, all) => ({
      origin: "recorded",
      rows: byVariant(own),
      reported: own[0]!.shapeId === all[i - 1]?.[0]!.shapeId ? [] : reportedRungs(rows, own[0]!.layers)
    }));
}

function reportedRungs(rows: readonly ResultRow[], layers: number | null): ReportedRung[] {
  return closestRungs.flatMap(({variant, id, inferred}) => {
    const row = rows.find((row) => row.id === id && row.layers === layers);
    const {label} = [...ladder, beside].find((rung) => rung.variant === variant)!;
    return row ? [{variant, label, row, inferred}] : [];
  });
}

/** The reader's run. */
export function yourRun(record: RunRecord): LadderRun {
  return {origin: "yours", rows: byVariant(runRows(record, null)), reported: []};
}

/** The runs on record to put in a plot: of the shape that the reader has run, else of the fewest layers. */
export function runsToShow(recorded: readonly LadderRun[], yours: RunRecord | null): LadderRun[] {
  const [first] = [...recorded.filter((run) => anyRow(run).shapeId === yours?.shape.id), ...recorded];
  return first ? recorded.filter((run) => anyRow(run).shapeId === anyRow(first).shapeId) : [];
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

/** Gains below this count as none, although samples may scatter less. */
export const leastGain = 1.02;

/** Rungs that were not faster than the one before by `leastGain`. */
export function idleRungs(run: LadderRun): Climb[] {
  return climb(run).filter(({overBefore}) => overBefore !== null && overBefore < leastGain);
}

/** In the order of the ladder and under the labels that it has now: a record keeps those of its day. */
function byVariant(rows: readonly ResultRow[]): Map<string, ResultRow> {
  const found = new Map(rows.map((row) => [row.variant, row]));
  return new Map(
    [...ladder, beside, ablated, ...ablations].flatMap(({variant, label}) => {
      const row = found.get(variant);
      return row ? [[variant, {...row, label}]] : [];
    })
  );
}

function ratio(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a / b;
}
