import type {Arithmetic} from "../decode/plan.js";
import type {WeightFormat} from "../model/shape.js";
import {unsettledRemark, type RunRecord, type RunRow} from "./record.js";
import type {ReportRow} from "./report.js";

/** One row of the flat results table: figures from every file of `results/`, in the same terms. */
export interface ResultRow {
  /** "FILE/ROW", the file without its extension. */
  id: string;
  /** Its name in a record; null for what is no run. */
  variant: string | null;
  /** `run`: measured and verified by this project; `recorded`: everything else on file. */
  kind: "recorded" | "run";
  status: ReportRow["status"] | "measured";
  /** What a run was of; null where it was none of this project's experiments. */
  experiment: string | null;
  engine: string;
  /** How the stages are launched; null where the source does not say. */
  factoring: string | null;
  /** What activations are in the dot products; null where the source does not say. */
  arithmetic: Arithmetic | null;
  /** What the matrices of a run are in memory; null for what is no run. */
  weightFormat?: WeightFormat | null;
  label: string;
  device: string;
  /** The device is a CPU pretending to be a GPU. */
  software: boolean;
  runtime: string | null;
  shapeId: string | null;
  layers: number | null;
  dispatchesPerToken: number | null;
  /** The CPU waits for each dispatch; null where the source does not say. */
  awaited: boolean | null;
  /** Each dispatch is a submit of its own, and the CPU waits for the last; null where the source does not say. */
  apart: boolean | null;
  /** `dispatchesPerToken` is what the authors say, and nothing on file shows it. */
  dispatchesClaimed: boolean;
  workgroups: number | null;
  workgroupSize: number | null;
  /** Optional features that the kernels use; null where the source does not say. */
  features: readonly string[] | null;
  /** Median for a run; what the source gives, or tokens over time, for the others. */
  tokensPerSecond: number | null;
  tokensPerSecondP10: number | null;
  tokensPerSecondP90: number | null;
  millisecondsPerToken: number | null;
  /** "2026-03-31", or an interval "2026-03/2026-06". */
  date: string;
  source: string;
  sourceUrl: string | null;
  /** The file of `results/`, or null for a row that is not on file. */
  sourceFile: string | null;
  /** False where the GPU is known not to have done the work; null where nobody can tell. */
  valid: boolean | null;
  verified: boolean;
  verification: string | null;
  note: string | null;
  /**
   * Whether it belongs in the dispatch-spectrum plot: a whole Phi-3-mini on a GPU, one token after another, both figures,
   * and no ablation of one design's kernel or of how the CPU submits it.
   */
  spectrum: boolean;
}

/**
 * The rows of a run. Those without figures (failed, unsupported) keep their message as a note.
 * @param sourceFile the file in `results/`, or null for a run of this page.
 * @param within what parts the run from others in the same file: "tiny/"
 */
export function runRows(run: RunRecord, sourceFile: string | null, within = ""): ResultRow[] {
  return run.rows.map((row) => {
    const measured = row.status === "measured" ? row : null;
    const {median = null, p10 = null, p90 = null} = measured?.tokensPerSecond ?? {};
    return withSpectrum({
      id: rowId(sourceFile, within + row.variant),
      variant: row.variant,
      kind: "run",
      status: "measured",
      experiment: run.experiment,
      engine: "this project",
      factoring: row.factoring,
      arithmetic: row.arithmetic,
      weightFormat: row.weightFormat ?? "int4",
      label: row.label,
      device: run.device.label,
      software: run.device.software,
      runtime: run.runtime.name,
      shapeId: run.shape.id,
      layers: run.shape.layers,
      dispatchesPerToken: row.dispatchesPerToken,
      awaited: row.awaited ?? false,
      apart: row.apart ?? false,
      dispatchesClaimed: false,
      workgroups: row.workgroups,
      workgroupSize: row.workgroupSize,
      features: row.features,
      tokensPerSecond: median,
      tokensPerSecondP10: p10,
      tokensPerSecondP90: p90,
      millisecondsPerToken: median === null ? null : 1000 / median,
      date: run.date.slice(0, 10),
      source: recorderSource(run),
      sourceUrl: recordUrl(sourceFile),
      sourceFile,
      valid: measured ? true : null,
      verified: measured !== null,
      verification: measured && describeVerification(measured.verification),
      note: runNote(row)
    });
  });
}

/** "FILE/ROW", the file without its extension. */
export function rowId(file: string | null, row: string): string {
  return `${file?.replace(/\.json$/, "") ?? "this-page"}/${row}`;
}

/** Where the site has a file of `results/`, from any of its pages; null for a run that is not on file. */
export function recordUrl(file: string | null): string | null {
  return file && `./results/${file}`;
}

/** What a run's figures are credited to. */
export function recorderSource({experiment}: Pick<RunRecord, "experiment">): string {
  return `this project's recorder, experiment ${experiment}`;
}

/** The experiment whose rows are compared with each other only (geometry.ts). */
export const ablationExperiment = "geometry";

/** The experiment whose rows are steps towards the others' kernels, and ablations of them (tiling.ts). */
export const ladderExperiment = "tiling";

/** The experiment that sweeps all of what can be chosen, each thing anew: none of it is a design of its own (sweep.ts). */
export const sweepExperimentId = "bench";

/** The same of weight formats (int4.ts). */
export const weightFormatExperiment = "int4";

/** Sets `spectrum`, the one rule for what the dispatch-spectrum plot compares. */
export function withSpectrum(row: Omit<ResultRow, "spectrum">): ResultRow {
  const wholeModel = row.layers === 32 && (row.shapeId === "phi3-mini" || row.shapeId === "phi3-sized");
  const {dispatchesPerToken} = row;
  const timed = dispatchesPerToken !== null && row.tokensPerSecond !== null && row.valid !== false;
  const comparedAlone: readonly string[] = [
    ablationExperiment,
    ladderExperiment,
    weightFormatExperiment,
    sweepExperimentId
  ];
  // Several tokens in a dispatch are no ablation of a kernel: such a row differs in where it stands in that plot.
  const onlyLaunch = timed && dispatchesPerToken < 1 && row.weightFormat === "int4";
  const ablation =
    (comparedAlone.includes(row.experiment ?? "") && !onlyLaunch) ||
    (row.kind === "run" && (row.awaited === true || row.apart === true));
  return {...row, spectrum: wholeModel && timed && !row.software && !ablation};
}

function runNote(row: RunRow): string | null {
  if (row.status !== "measured") return `${row.status}: ${row.message}`;
  return row.settled ? null : unsettledRemark;
}

export function describeVerification({against, maxRelativeError}: {against: string; maxRelativeError: number}): string {
  return `${against}, relative error ${maxRelativeError.toExponential(1)}`;
}
