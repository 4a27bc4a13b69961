import * as z from "zod";
import {dateSchema, issuesOf, runSchema, text} from "./record.js";
import {sweepExperimentId} from "./result-row.js";

/**
 * A `sweep`: the runs of one queue, one for each shape, on one device. Each run is a record of its own and keeps to
 * everything that one keeps to.
 */
export const sweepSchema = z
  .strictObject({
    kind: z.literal("sweep"),
    version: z.literal(1),
    /** When it began. */
    date: dateSchema,
    /** The reader ended it before its queue was done. */
    cancelled: z.boolean(),
    runs: z.array(runSchema).min(1),
    /** What was in the queue and has no run, and why. */
    left: z.array(z.strictObject({shape: text, variants: z.array(text).min(1), message: text}))
  })
  .superRefine(({date, cancelled, runs, left}, context) => {
    const issue = issuesOf(context);
    if (runs.length === 0) return; // said above
    const {device, runtime} = runs[0]!;
    const seen = new Set<string>();
    for (const [i, run] of runs.entries()) {
      if (run.experiment !== sweepExperimentId)
        issue(["runs", i, "experiment"], `is “${run.experiment}”, not “${sweepExperimentId}”`);
      if (run.device.label !== device.label)
        issue(["runs", i, "device", "label"], `is “${run.device.label}”, but the first run has “${device.label}”`);
      if (run.runtime.name !== runtime.name)
        issue(["runs", i, "runtime", "name"], `is “${run.runtime.name}”, but the first run has “${runtime.name}”`);
      if (Date.parse(run.date) < Date.parse(date)) issue(["runs", i, "date"], "is before the sweep began");
      if (seen.has(run.shape.id)) issue(["runs", i, "shape", "id"], `“${run.shape.id}” is there twice`);
      seen.add(run.shape.id);
    }
    for (const [i, {shape}] of left.entries()) {
      if (seen.has(shape)) issue(["left", i, "shape"], `“${shape}” is there twice`);
      seen.add(shape);
    }
    if (cancelled && left.length === 0) issue(["left"], "is empty, but a cancelled sweep left something out");
  });

export type SweepRecord = z.infer<typeof sweepSchema>;
