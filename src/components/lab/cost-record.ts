import * as z from "zod";
import {checkRows, checkStatistics, dateSchema, deviceSchema, issuesOf, positive, protocolSchema} from "./record.js";
import {runtimeSchema, statisticsSchema, text} from "./record.js";
import {microsecondsPerOperation} from "./statistics.js";

/**
 * A `cost`: a run of an experiment that has no model, and measures what an operation of WebGPU costs. As in a run of the
 * model, whatever can be computed from the rest is computed again here.
 */

/** Values that a kernel wrote, all of them equal to what the CPU computed. */
export const exactVerificationSchema = z.strictObject({
  against: z.literal("exact values"),
  /** Values compared. */
  values: z.int().positive()
});

const rowIdentity = {
  variant: text,
  label: text,
  /** What is repeated: "dispatch", "pass", "barrier". */
  operation: text,
  /** Operations that are always run together: a sample has a whole number of batches. */
  operationsPerBatch: z.int().positive(),
  /** Null where it was to be found out and was not. */
  workgroups: z.int().positive().nullable(),
  workgroupSize: z.int().positive(),
  /** Bytes that an operation reads, where the rate of reading is what is measured. */
  bytesPerOperation: z.int().positive().optional()
};

/** A row with figures: only a verified variant has one. */
const measuredCostRowSchema = z
  .strictObject({
    ...rowIdentity,
    status: z.literal("measured"),
    verification: exactVerificationSchema,
    settled: z.boolean(),
    samples: z.array(z.strictObject({operations: z.int().positive(), milliseconds: positive})).min(1),
    microsecondsPerOperation: statisticsSchema
  })
  .superRefine(({samples, microsecondsPerOperation: stated, operationsPerBatch, workgroups}, context) => {
    const issue = issuesOf(context);
    checkStatistics("microsecondsPerOperation", stated, microsecondsPerOperation(samples), issue);
    if (workgroups === null) issue(["workgroups"], "a measured row says how many it had");
    for (const [i, {operations}] of samples.entries())
      if (operations % operationsPerBatch !== 0)
        issue(["samples", i, "operations"], `is ${operations}, which is no multiple of ${operationsPerBatch}`);
  });

/** A row without figures, and why. A wait that stalled is `discarded`. */
const unmeasuredCostRowSchema = z.strictObject({
  ...rowIdentity,
  status: z.enum(["unsupported", "failed", "discarded", "declined"]),
  message: text
});

export const costSchema = z
  .strictObject({
    kind: z.literal("cost"),
    version: z.literal(1),
    experiment: text,
    date: dateSchema,
    device: deviceSchema,
    runtime: runtimeSchema,
    /** What the run was to take at least. */
    protocol: protocolSchema,
    rows: z.array(z.discriminatedUnion("status", [measuredCostRowSchema, unmeasuredCostRowSchema])).min(1)
  })
  .superRefine(({rows, protocol}, context) => checkRows(rows, protocol, issuesOf(context)));

export type ExactVerification = z.infer<typeof exactVerificationSchema>;
export type MeasuredCostRow = z.infer<typeof measuredCostRowSchema>;
export type CostRecord = z.infer<typeof costSchema>;
export type CostRow = CostRecord["rows"][number];
