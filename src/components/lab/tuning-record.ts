import * as z from "zod";
import {arithmetics} from "../decode/plan.js";
import {issuesOf, positive, text} from "./record.js";

/**
 * A `tuning`: changes that were tried on one kernel, each with its speed before and after. Such a trial was compared with
 * a reference, but it is no run of the protocol, so it has no samples.
 */
const trialSchema = z
  .strictObject({
    /** What was changed, as a sentence has it. */
    change: text,
    beforeTokensPerSecond: positive,
    afterTokensPerSecond: positive,
    /** Whether the kernel has the change now. */
    verdict: z.enum(["kept", "dropped"])
  })
  .superRefine(({beforeTokensPerSecond: before, afterTokensPerSecond: after, verdict}, context) => {
    if (verdict === "kept" && after <= before)
      issuesOf(context)(["verdict"], `is “kept”, but ${after} is no more than ${before}`);
  });

export const tuningSchema = z
  .strictObject({
    kind: z.literal("tuning"),
    version: z.literal(1),
    title: text,
    /** First and last day. */
    dates: z.tuple([z.iso.date(), z.iso.date()]),
    device: text,
    /** The file in `kernels/`. */
    kernel: text,
    shape: text,
    layers: z.int().positive(),
    workgroups: z.int().positive(),
    arithmetic: z.enum(arithmetics),
    /** How each trial was timed. */
    protocol: z.strictObject({
      comparedWith: text,
      statistic: z.literal("median"),
      /** Least and most of a trial. */
      runs: z.tuple([z.int().positive(), z.int().positive()]),
      mostTokensOfARun: z.int().positive()
    }),
    verification: z.strictObject({against: text, maxRelativeError: positive}),
    /** Differences up to this part are within what the compiler makes of two equal kernels. */
    indistinguishable: positive,
    /** The kernel before the first of the changes that were kept. */
    firstTokensPerSecond: positive,
    notes: z.array(text),
    trials: z.array(trialSchema).min(1)
  })
  .superRefine(({dates, protocol, trials}, context) => {
    const issue = issuesOf(context);
    if (dates[0] > dates[1]) issue(["dates"], "the last day is before the first");
    if (protocol.runs[0] > protocol.runs[1]) issue(["protocol", "runs"], "the most are fewer than the least");
    for (const [i, {change}] of trials.entries())
      if (trials.findIndex((trial) => trial.change === change) < i) issue(["trials", i, "change"], "is there twice");
  });

export type Tuning = z.infer<typeof tuningSchema>;
export type Trial = Tuning["trials"][number];
