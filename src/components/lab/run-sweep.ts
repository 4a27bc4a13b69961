import {shapes} from "../model/shape.js";
import type {Experiment} from "./experiment.js";
import type {RunRecord} from "./record.js";
import {runExperiment, type RowProgress, type RunEvent, type RunOptions, type RunOutcome} from "./run-experiment.js";
import {sweepSchema, type SweepRecord} from "./sweep-record.js";
import {queueId, type SweepStep} from "./sweep.js";

/** A row of the queue: its `variant` is "SHAPE/VARIANT". */
export type SweepRow = RowProgress & {
  /** The shape's label. */
  shape: string;
};

export interface SweepEvent extends RunEvent {
  /** Of the whole queue. */
  rows: readonly SweepRow[];
}

export interface SweepOptions extends Omit<RunOptions, "experiment" | "shape" | "variants" | "onEvent"> {
  steps: readonly SweepStep[];
  /** The rows of one shape as an experiment (`sweepExperiment`). */
  experiment(step: SweepStep): Experiment;
  onEvent(event: SweepEvent): void;
}

/**
 * Runs a queue, shape after shape, each as an experiment of its own by the lab protocol. A shape that fails leaves its
 * message and the others go on. Cancelling ends the shape at work and all after it; those before it are in the record.
 * @returns a record wherever one shape has one.
 * @throws {Error} when the queue is empty.
 */
export async function runSweep({
  steps,
  experiment,
  onEvent,
  ...options
}: SweepOptions): Promise<RunOutcome<SweepRecord>> {
  if (steps.length === 0) throw new Error("the queue is empty: choose at least one value of each kind");
  const date = new Date().toISOString();
  const rows = steps.map((step) => queued(step, experiment(step)));
  const total = rows.flat().length;
  const runs: RunRecord[] = [];
  const left: SweepRecord["left"] = [];
  const outcomes: RunOutcome<RunRecord>[] = [];
  let fraction = 0;
  let before = 0;
  for (const [i, step] of steps.entries()) {
    const shape = shapes[step.shape];
    const outcome = await runExperiment({
      ...options,
      experiment: experiment(step),
      shape,
      onEvent(event) {
        rows[i] = event.rows.map((row) => named(row, step));
        fraction = Math.max(fraction, (before + event.fraction * step.rows.length) / total);
        const label = `${shape.label}, ${i + 1} of ${steps.length}: ${event.label}`;
        const ended = !["preparing", "verifying", "warming", "measuring"].includes(event.state);
        onEvent({state: ended ? "preparing" : event.state, label, fraction, rows: rows.flat()});
      }
    });
    before += step.rows.length;
    outcomes.push(outcome);
    if (outcome.record) runs.push(outcome.record);
    else left.push({shape: shape.id, variants: step.rows.map(({variant}) => variant), message: outcome.message});
  }
  const cancelled = outcomes.some(({state}) => state === "cancelled");
  const parts = {kind: "sweep", version: 1, date, cancelled, runs, left};
  const record = runs.length > 0 ? sweepSchema.parse(parts) : null;
  const {state, message} = conclude(steps, outcomes, rows.flat());
  onEvent({state, label: message, fraction: state === "done" ? 1 : fraction, rows: rows.flat()});
  return {state, message, record};
}

function queued(step: SweepStep, experiment: Experiment): SweepRow[] {
  const variants = experiment.variants(shapes[step.shape]);
  return variants.map(({identity}) => named({...identity, status: "waiting"}, step));
}

function named(row: RowProgress, {shape}: SweepStep): SweepRow {
  return {...row, variant: queueId(shape, row.variant), shape: shapes[shape].label};
}

function conclude(
  steps: readonly SweepStep[],
  outcomes: readonly RunOutcome[],
  rows: readonly SweepRow[]
): Pick<RunOutcome, "state" | "message"> {
  const count = (state: RunOutcome["state"]) => outcomes.filter((outcome) => outcome.state === state).length;
  const measured = rows.filter(({status}) => status === "measured").length;
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  if (count("cancelled") > 0) {
    const kept = outcomes.filter(({record}) => record !== null).length;
    const rest =
      kept > 0 ? ` ${many(kept, "shape")} of ${steps.length} had ended, and the record keeps what it had.` : "";
    return {state: "cancelled", message: `Cancelled.${rest}`};
  }
  const remarks = outcomes.flatMap(({state, message, record}, i) =>
    state === "done" && record ? [] : [`${shapes[steps[i]!.shape].label}: ${message}`]
  );
  if (count("done") > 0) {
    const sentence = `Measured ${measured} of ${many(rows.length, "row")} at ${many(steps.length, "shape")}.`;
    return {state: "done", message: [sentence, ...remarks].join(" ")};
  }
  return {state: count("failed") > 0 ? "failed" : "unsupported", message: remarks.join(" ")};
}
