import * as z from "zod";

/**
 * The one schema of `results/`. A file is either a `run`, which this project's recorder measured and
 * verified, or a `report`, which repeats what others published, with where they published it.
 */
const positive = z.number().positive();
const text = z.string().min(1);

const shapeSchema = z.object({
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
});

export const deviceSchema = z.object({
  /** As a reader would name it: "NVIDIA H200", "Apple M2 Pro (19-core GPU)". */
  label: text,
  vendor: z.string(),
  architecture: z.string(),
  description: z.string(),
  /** A CPU pretending to be a GPU: SwiftShader, lavapipe, WARP. */
  software: z.boolean(),
  features: z.array(text),
  limits: z.record(text, z.number())
});

export const runtimeSchema = z.object({
  /** "Chromium 156", "Node 20.19 with Dawn (webgpu 0.6.2)". */
  name: text,
  os: z.string()
});

export const statisticsSchema = z
  .object({median: positive, p10: positive, p90: positive})
  .refine(({p10, median, p90}) => p10 <= median && median <= p90, "p10 ≤ median ≤ p90");

/** What an output was compared with, and how far it was from it. */
export const verificationSchema = z.object({
  /** "float64 CPU reference" or the verified variant it was compared with. */
  against: text,
  positions: z.int().positive(),
  /** Largest |logit − reference| over the largest |reference|. */
  maxRelativeError: z.number().nonnegative(),
  tolerance: positive,
  /** Greedy tokens compared, all equal. */
  tokens: z.int().nonnegative()
});

const rowIdentity = {
  variant: text,
  label: text,
  factoring: text,
  dispatchesPerToken: z.int().positive(),
  workgroups: z.int().positive().nullable(),
  workgroupSize: z.int().positive().nullable(),
  features: z.array(text)
};

/** A row with figures: only a verified variant has one. */
export const measuredRowSchema = z
  .object({
    ...rowIdentity,
    status: z.literal("measured"),
    verification: verificationSchema,
    /** Whether clocks settled before the first sample, or warm-up reached its limit. */
    settled: z.boolean(),
    samples: z.array(z.object({tokens: z.int().positive(), milliseconds: positive})).min(1),
    tokensPerSecond: statisticsSchema
  })
  .refine(
    ({verification}) => verification.maxRelativeError <= verification.tolerance,
    "a measured row's verification is within its tolerance"
  );

/** A row without figures, and why. */
export const unmeasuredRowSchema = z.object({
  ...rowIdentity,
  status: z.enum(["unsupported", "failed", "discarded", "declined"]),
  message: text
});

export const runSchema = z.object({
  kind: z.literal("run"),
  version: z.literal(1),
  experiment: text,
  date: z.iso.datetime(),
  device: deviceSchema,
  runtime: runtimeSchema,
  shape: shapeSchema,
  weights: z.enum(["synthetic", "mlc"]),
  protocol: z.object({
    warmUpMilliseconds: positive,
    sampleMilliseconds: positive,
    samples: z.int().positive(),
    interleaved: z.literal(true)
  }),
  /** The limit: weight bytes a token over the read bandwidth this device was measured to have. */
  roofline: z
    .object({
      weightBytesPerToken: positive,
      readBandwidthBytesPerSecond: positive,
      tokensPerSecond: positive
    })
    .nullable(),
  rows: z.array(z.discriminatedUnion("status", [measuredRowSchema, unmeasuredRowSchema])).min(1)
});

export type DeviceDescription = z.infer<typeof deviceSchema>;
export type RuntimeDescription = z.infer<typeof runtimeSchema>;
export type Statistics = z.infer<typeof statisticsSchema>;
export type Verification = z.infer<typeof verificationSchema>;
export type MeasuredRow = z.infer<typeof measuredRowSchema>;
export type UnmeasuredRow = z.infer<typeof unmeasuredRowSchema>;
export type RunRecord = z.infer<typeof runSchema>;
export type RunRow = RunRecord["rows"][number];
