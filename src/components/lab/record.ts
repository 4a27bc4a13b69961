import * as z from "zod";
import {arithmetics, dispatchesPerToken, divideLayers, factorings, type Arithmetic} from "../decode/plan.js";
import {shapes, weightBytesPerToken, weightFormats} from "../model/shape.js";
import {tokensPerSecond} from "./statistics.js";

/**
 * Largest relative error of logits that a variant may have against the float64 reference, by what its activations are in
 * the dot products. At 32 layers of Phi-3-mini, on an H200, float32 has 4e-6, 5e-5 where workgroups hand each other floats
 * of 24 bits; int16 has 1e-4 to 2e-4.
 */
export const logitTolerances: Record<Arithmetic, number> = {float32: 1e-4, int16: 1e-3};

/** That of float32, which everything has that does not choose. */
export const logitTolerance = logitTolerances.float32;

/** What is said of a measured row that is not `settled`. */
export const unsettledRemark = "Clocks had not settled before the first sample.";

/**
 * The schemas of `results/`. This project's recorder measures and verifies a `run`, of a model; a `cost`, of operations
 * without one (cost-record.ts); a `profile`, of the stages of a token (profile-record.ts); and a `sweep`, of many runs
 * (sweep-record.ts). A `tuning` is what was tried on a kernel (tuning-record.ts), and a `report` repeats what others
 * published, with where they published it (report.ts).
 *
 * Whatever of a run can be computed from the rest of it is computed again here, so a figure that its samples, its
 * shape or its tolerance do not bear out is no record.
 */
export const positive = z.number().positive();
export const text = z.string().min(1);

/** Says what is wrong with what is at a path in a record. */
type Issue = (path: (string | number)[], message: string) => void;

/** Says it to a schema. */
export function issuesOf(context: z.RefinementCtx): Issue {
  return (path, message) => context.addIssue({code: "custom", path, message});
}

/** Equal but for rounding. */
export const same = (a: number, b: number) => Math.abs(a - b) <= 1e-6 * Math.abs(b);

export const shapeSchema = z
  .strictObject({
    id: text,
    label: text,
    hidden: z.int().positive(),
    layers: z.int().positive(),
    heads: z.int().positive(),
    kvHeads: z.int().positive(),
    headDim: z.int().positive(),
    ffn: z.int().positive(),
    vocabulary: z.int().positive(),
    ropeTheta: positive,
    epsilon: positive,
    context: z.int().positive()
  })
  .superRefine((shape, context) => {
    const issue = issuesOf(context);
    if (!Object.hasOwn(shapes, shape.id)) return;
    const preset = shapes[shape.id as keyof typeof shapes];
    for (const key of Object.keys(preset) as (keyof typeof preset)[]) {
      if (key === "label" || shape[key] === preset[key]) continue;
      issue([key], `${shape.id} has ${preset[key]}, not ${shape[key]}`);
    }
  });

export const deviceSchema = z.strictObject({
  /** As a reader would name it: "NVIDIA H200", "Apple M2 Pro (19-core GPU)". */
  label: text,
  vendor: z.string(),
  architecture: z.string(),
  description: z.string(),
  /** A CPU pretending to be a GPU: SwiftShader, lavapipe, WARP. */
  software: z.boolean(),
  features: z.array(text),
  limits: z.record(text, z.number()),
  /** Invocations of a subgroup; records before 2026-11-23, 14:00 UTC, do not have them. */
  subgroupMinSize: z.int().positive().optional(),
  subgroupMaxSize: z.int().positive().optional()
});

export const runtimeSchema = z.strictObject({
  /** "Chromium 156", "Node 20.19 with Dawn (webgpu 0.6.2)". */
  name: text,
  os: z.string()
});

export const statisticsSchema = z.strictObject({median: positive, p10: positive, p90: positive});

/** What an output was compared with, and how far it was from it. */
export const verificationSchema = z.strictObject({
  against: z.literal("float64 CPU reference"),
  positions: z.int().positive(),
  /** Largest |logit − reference| over the largest |reference|. */
  maxRelativeError: z.number().nonnegative(),
  tolerance: positive.max(Math.max(...Object.values(logitTolerances))),
  /** Greedy tokens compared, all equal. */
  tokens: z.int().positive()
});

/** How the one kernel of a row divides its work, beside its workgroups and their size. */
const kernelSchema = z.strictObject({
  /** Lanes of a team, at most: those of the largest subgroup where the size of subgroups varies. */
  lanes: z.int().positive(),
  /** Rows of a matrix that a team computes together. */
  teamRows: z.int().positive(),
  qkvRows: z.int().positive(),
  residualRows: z.int().positive(),
  /** Sectors of 32 bytes of the FFN's first matrix that an invocation reads ahead of a wait. */
  readAhead: z.int().nonnegative(),
  /** Groups of 32 activations that workgroup memory holds at once; 0 where they are elsewhere. */
  tileGroups: z.int().nonnegative(),
  /** What was chosen instead of what the kernel chooses by itself: `KernelOptions`. */
  options: z.record(text, z.union([text, z.number(), z.boolean()])).optional()
});

const rowIdentity = {
  variant: text,
  label: text,
  factoring: z.enum(factorings),
  arithmetic: z.enum(arithmetics),
  /** Below one where a dispatch decodes several tokens. */
  dispatchesPerToken: positive,
  tokensPerDispatch: z.int().positive(),
  /** Of a chunked row; none where the shape's layers do not make so many dispatches. */
  layersPerDispatch: z.int().positive().optional(),
  /** The CPU waited for each dispatch before it submitted the next one. */
  awaited: z.literal(true).optional(),
  /** Each dispatch was a submit of its own, and the CPU waited only for the last of a run. */
  apart: z.literal(true).optional(),
  /** Null where each stage has its own, and where it was to be found out and was not. */
  workgroups: z.int().positive().nullable(),
  workgroupSize: z.int().positive().nullable(),
  features: z.array(text),
  /** Of a row of one kernel that was made ready; records before 2026-11-23, 12:00 UTC, do not have it. */
  kernel: kernelSchema.optional(),
  /**
   * Names the code of a row that was made ready: 16 hexadecimal digits of the SHA-256 of its linked WGSL and the values of
   * its overrides (wgsl-digest.ts). Records made before it was added, on 2026-11-23, do not have it.
   */
  wgsl: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  /** What the matrices are in memory; int4 where nothing is said. */
  weightFormat: z.enum(weightFormats).optional()
};

/** A row with figures: only a verified variant has one. */
const measuredRowSchema = z
  .strictObject({
    ...rowIdentity,
    status: z.literal("measured"),
    verification: verificationSchema,
    /** Whether clocks settled before the first sample, or warm-up reached its limit. */
    settled: z.boolean(),
    samples: z.array(z.strictObject({tokens: z.int().positive(), milliseconds: positive})).min(1),
    tokensPerSecond: statisticsSchema
  })
  .refine(
    ({verification}) => verification.maxRelativeError <= verification.tolerance,
    "a measured row's verification is within its tolerance"
  )
  .refine(({verification, arithmetic}) => verification.tolerance <= logitTolerances[arithmetic], {
    path: ["verification", "tolerance"],
    message: "is more than the arithmetic of the row allows"
  })
  .refine(({factoring, workgroups}) => factoring !== "fused" || workgroups !== null, {
    path: ["workgroups"],
    message: "a measured row of one dispatch says how many it had"
  })
  .refine(({factoring, layersPerDispatch}) => factoring !== "chunked" || layersPerDispatch !== undefined, {
    path: ["layersPerDispatch"],
    message: "a measured chunked row says how many layers a dispatch had"
  })
  .superRefine(({samples, tokensPerSecond: stated}, context) =>
    checkStatistics("tokensPerSecond", stated, tokensPerSecond(samples), issuesOf(context))
  );

/** A row without figures, and why. */
const unmeasuredRowSchema = z.strictObject({
  ...rowIdentity,
  status: z.enum(["unsupported", "failed", "discarded", "declined"]),
  message: text
});

export const protocolSchema = z.strictObject({
  warmUpMilliseconds: z.number().min(300),
  sampleMilliseconds: z.number().min(100),
  samples: z.int().min(9),
  interleaved: z.literal(true)
});

export const dateSchema = z.iso.datetime().refine(isPlausible, "not between 2026 and tomorrow: is the clock right?");

export const rooflineSchema = z.strictObject({
  weightBytesPerToken: positive,
  readBandwidthBytesPerSecond: positive,
  tokensPerSecond: positive
});

export const runSchema = z
  .strictObject({
    kind: z.literal("run"),
    version: z.literal(1),
    experiment: text,
    date: dateSchema,
    device: deviceSchema,
    runtime: runtimeSchema,
    shape: shapeSchema,
    weights: z.literal("synthetic"),
    /** What the run was to take at least. */
    protocol: protocolSchema,
    /**
     * The limit with weights in int4: weight bytes a token over the read bandwidth this device was measured to have. That
     * of a row in another format follows from the bandwidth and `weightBytesPerToken`.
     */
    roofline: rooflineSchema.nullable(),
    rows: z.array(z.discriminatedUnion("status", [measuredRowSchema, unmeasuredRowSchema])).min(1)
  })
  .superRefine(({shape, protocol, roofline, rows}, context) => {
    const issue = issuesOf(context);
    if (roofline) checkRoofline(roofline, shape, issue);
    checkRows(rows, protocol, issue);
    for (const [i, row] of rows.entries()) {
      const {factoring, workgroups, tokensPerDispatch, layersPerDispatch} = row;
      const dispatches = dispatchesPerToken(shape, factoring, {tokensPerDispatch, layersPerDispatch});
      const impossible = factoring === "chunked" && layersPerDispatch === undefined;
      if (impossible && divideLayers(shape, row.dispatchesPerToken) !== null)
        issue(["rows", i, "layersPerDispatch"], `is missing, and ${row.dispatchesPerToken} dispatches are possible`);
      if (!impossible && row.dispatchesPerToken !== dispatches)
        issue(["rows", i, "dispatchesPerToken"], `${factoring} has ${dispatches}, not ${row.dispatchesPerToken}`);
      if (tokensPerDispatch > 1 && factoring !== "fused")
        issue(["rows", i, "tokensPerDispatch"], "only the fused factoring decodes several tokens in a dispatch");
      if (layersPerDispatch !== undefined && factoring !== "chunked")
        issue(["rows", i, "layersPerDispatch"], "only the chunked factoring divides the layers");
      if (row.awaited && (tokensPerDispatch > 1 || (workgroups ?? 1) > 1))
        issue(["rows", i, "awaited"], "only dispatches whose workgroups do not wait for each other are awaited");
      if (row.apart && row.awaited) issue(["rows", i, "apart"], "dispatches that are awaited are submits of their own");
    }
  });

/** What a limit has to follow from. */
export function checkRoofline(
  roofline: z.infer<typeof rooflineSchema>,
  shape: z.infer<typeof shapeSchema>,
  issue: Issue
): void {
  const bytes = weightBytesPerToken(shape);
  const limit = roofline.readBandwidthBytesPerSecond / bytes;
  if (roofline.weightBytesPerToken !== bytes)
    issue(["roofline", "weightBytesPerToken"], `is ${roofline.weightBytesPerToken}, but the shape has ${bytes}`);
  if (!same(roofline.tokensPerSecond, limit))
    issue(["roofline", "tokensPerSecond"], `is ${roofline.tokensPerSecond}, but the bandwidth gives ${limit}`);
}

/** What the rows of every record keep to: no variant is there twice, and samples are as many and as long as promised. */
export function checkRows(
  rows: readonly {variant: string; samples?: {milliseconds: number}[]}[],
  protocol: z.infer<typeof protocolSchema>,
  issue: Issue
): void {
  const variants = new Set<string>();
  for (const [i, {variant, samples}] of rows.entries()) {
    if (variants.has(variant)) issue(["rows", i, "variant"], `“${variant}” is there twice`);
    variants.add(variant);
    if (samples && samples.length < protocol.samples)
      issue(["rows", i, "samples"], `are ${samples.length}; the protocol has at least ${protocol.samples}`);
    for (const [j, {milliseconds}] of (samples ?? []).entries())
      if (milliseconds < protocol.sampleMilliseconds)
        issue(
          ["rows", i, "samples", j, "milliseconds"],
          `is ${milliseconds}; the protocol has at least ${protocol.sampleMilliseconds}`
        );
  }
}

/** Says of each statistic that does not follow from the samples what they give. */
export function checkStatistics(key: string, stated: Statistics, computed: Statistics, issue: Issue): void {
  for (const name of ["median", "p10", "p90"] as const)
    if (!same(stated[name], computed[name]))
      issue([key, name], `is ${stated[name]}, but the samples give ${computed[name]}`);
}

function isPlausible(date: string): boolean {
  const day = 24 * 60 * 60 * 1000;
  return date >= "2026" && Date.parse(date) <= Date.now() + day;
}

export type RuntimeDescription = z.infer<typeof runtimeSchema>;
export type Statistics = z.infer<typeof statisticsSchema>;
export type Verification = z.infer<typeof verificationSchema>;
export type KernelRecord = z.infer<typeof kernelSchema>;
export type MeasuredRow = z.infer<typeof measuredRowSchema>;
export type UnmeasuredRow = z.infer<typeof unmeasuredRowSchema>;
export type RunRecord = z.infer<typeof runSchema>;
export type RunRow = RunRecord["rows"][number];
