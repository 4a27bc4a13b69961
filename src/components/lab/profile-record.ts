import * as z from "zod";
import {arithmetics, type Arithmetic} from "../decode/plan.js";
import {bytesPerToken, callsPerToken, stages, type Part} from "../decode/stages.js";
import {whyNoTime} from "../gpu/pass-timer.js";
import {checkRoofline, checkRows, checkStatistics, dateSchema, deviceSchema, issuesOf} from "./record.js";
import {logitTolerances, positive, protocolSchema, rooflineSchema, runtimeSchema, same, shapeSchema} from "./record.js";
import {statisticsSchema, text, verificationSchema} from "./record.js";
import {millisecondsPerToken} from "./statistics.js";

/**
 * A `profile`: what each stage of the staged factoring takes of a token, beside whole tokens. As in a run, whatever can
 * be computed from the rest is computed again here.
 */

/** How a time was measured. */
export const clocks = ["timestamps", "wall clock"] as const;

const rowIdentity = {
  variant: text,
  label: text,
  /** A stage of the model, or a whole token. */
  part: z.enum(["token", ...stages]),
  /** Runs on the device that has timestamps, if there is one. A whole token that does not has wall-clock time. */
  instrumented: z.boolean(),
  arithmetic: z.enum(arithmetics),
  /** Dispatches a token. */
  calls: z.int().positive(),
  /** Bytes that it has to read from memory for a token. */
  bytes: z.int().nonnegative(),
  /** Of one of its dispatches; null where they differ. */
  workgroups: z.int().positive().nullable(),
  workgroupSize: z.int().positive().nullable(),
  features: z.array(text)
};

const sampleSchema = z.strictObject({
  tokens: z.int().positive(),
  /** On the CPU's clock. */
  milliseconds: positive,
  /** By timestamps, of so many passes together. */
  gpu: z.strictObject({milliseconds: positive, passes: z.int().positive()}).optional()
});

/** A row with figures: only a verified variant has one, and GPU time only where the timestamps may be true. */
const measuredProfileRowSchema = z
  .strictObject({
    ...rowIdentity,
    status: z.literal("measured"),
    by: z.enum(clocks),
    verification: verificationSchema,
    settled: z.boolean(),
    samples: z.array(sampleSchema).min(1),
    millisecondsPerToken: statisticsSchema
  })
  .superRefine((row, context) => {
    const {verification, arithmetic, by, instrumented, samples} = row;
    const issue = issuesOf(context);
    if (verification.tolerance > logitTolerances[arithmetic])
      issue(["verification", "tolerance"], "is more than the arithmetic of the row allows");
    if (verification.maxRelativeError > verification.tolerance)
      issue(["verification", "maxRelativeError"], "is over the tolerance");
    if (by === "timestamps" && !instrumented) issue(["by"], "is timestamps, of a device that has none");
    for (const [i, {gpu, milliseconds}] of samples.entries()) {
      if ((gpu !== undefined) !== (by === "timestamps"))
        issue(["samples", i], `${gpu ? "has" : "has no"} GPU time, in a row by ${by}`);
      const why = gpu && whyNoTime(gpu, milliseconds);
      if (why) issue(["samples", i, "gpu"], why);
    }
    if (samples.some(({gpu}) => gpu && !(gpu.milliseconds > 0))) return; // said above, and no number to go on with
    checkStatistics("millisecondsPerToken", row.millisecondsPerToken, millisecondsPerToken(samples), issue);
  });

/** A row without figures, and why. Timestamps that cannot be true are `discarded`. */
const unmeasuredProfileRowSchema = z.strictObject({
  ...rowIdentity,
  status: z.enum(["unsupported", "failed", "discarded", "declined"]),
  message: text
});

/** A token in each way of timing it, medians in milliseconds, in one arithmetic. */
const totalSchema = z.strictObject({
  arithmetic: z.enum(arithmetics),
  /** All stages together, each timed alone. */
  stages: positive.nullable(),
  /** All its dispatches in one pass. */
  token: positive.nullable(),
  /** On the device without timestamps, by the wall clock: what a reader waits. */
  wall: positive.nullable()
});

export const profileSchema = z
  .strictObject({
    kind: z.literal("profile"),
    version: z.literal(1),
    experiment: text,
    date: dateSchema,
    device: deviceSchema,
    runtime: runtimeSchema,
    shape: shapeSchema,
    weights: z.literal("synthetic"),
    /** Where in the context the stages are timed. */
    position: z.int().positive(),
    /** What the run was to take at least. */
    protocol: protocolSchema,
    roofline: rooflineSchema.nullable(),
    totals: z.array(totalSchema),
    rows: z.array(z.discriminatedUnion("status", [measuredProfileRowSchema, unmeasuredProfileRowSchema])).min(1)
  })
  .superRefine(({shape, position, protocol, roofline, rows, totals}, context) => {
    const issue = issuesOf(context);
    if (roofline) checkRoofline(roofline, shape, issue);
    checkRows(rows, protocol, issue);
    for (const [i, {part, calls, bytes}] of rows.entries()) {
      const [rightCalls, rightBytes] = [callsPerToken(shape, part), bytesPerToken(shape, part, position)];
      if (calls !== rightCalls) issue(["rows", i, "calls"], `${part} has ${rightCalls} a token, not ${calls}`);
      if (bytes !== rightBytes) issue(["rows", i, "bytes"], `${part} reads ${rightBytes} a token, not ${bytes}`);
    }
    const computed = profileTotals(rows);
    const right =
      totals.length === computed.length &&
      totals.every((total, i) =>
        (["stages", "token", "wall"] as const).every((key) => sameOrNull(total[key], computed[i]![key]))
      );
    if (!right) issue(["totals"], `are not those of the rows: ${JSON.stringify(computed)}`);
  });

/** The totals of each arithmetic that was measured. */
export function profileTotals(rows: readonly ProfileRow[]): ProfileTotal[] {
  const measured = rows.filter((row) => row.status === "measured");
  return arithmetics.flatMap((arithmetic) => {
    const own = measured.filter((row) => row.arithmetic === arithmetic);
    if (own.length === 0) return [];
    const median = (part: Part, instrumented: boolean) =>
      own.find((row) => row.part === part && row.instrumented === instrumented)?.millisecondsPerToken.median ?? null;
    const times = stages.map((stage) => median(stage, true));
    const stageSum = times.reduce(
      (sum, time) => (sum === null || time === null ? null : sum + time),
      0 as number | null
    );
    return [{arithmetic, stages: stageSum, token: median("token", true), wall: median("token", false)}];
  });
}

function sameOrNull(a: number | null, b: number | null): boolean {
  return a === null || b === null ? a === b : same(a, b);
}

export type ProfileRecord = z.infer<typeof profileSchema>;
export type ProfileRow = ProfileRecord["rows"][number];
export type MeasuredProfileRow = z.infer<typeof measuredProfileRowSchema>;
export interface ProfileTotal {
  arithmetic: Arithmetic;
  stages: number | null;
  token: number | null;
  wall: number | null;
}
