import * as z from "zod";
import {logitTolerance} from "./record.js";

/**
 * A `report` repeats figures that others published, or that were measured with another tool than this
 * project's recorder, each with where it comes from. Figures measured and verified here are a `run` (record.ts).
 */
const text = z.string().min(1);
const positive = z.number().positive();
const count = z.int().positive();

/** A day, a month or a year, or an interval of two: "2026-03-31", "2026-03/2026-06". */
const date = z
  .string()
  .regex(/^\d{4}(-\d\d){0,2}(\/\d{4}(-\d\d){0,2})?$/, "a date YYYY[-MM[-DD]], or two with a slash");

const sourceSchema = z.strictObject({
  name: text,
  /** "owner/repository" on GitHub. */
  repository: text.nullable(),
  commit: text.nullable(),
  url: z.url().nullable(),
  date: date.nullable(),
  licence: text.nullable()
});

/** Which of the report's sources, and where in it: a path, a section, a string. */
const origin = {source: text, where: text};

/** How a figure came to be known, strongest claim to weakest. */
const statuses = [
  /** Measured on the device by untuned trial kernels, their output verified. */
  "probe",
  /** Another engine, measured on the device with that engine's own tools. */
  "peer",
  /** A published program, run again here unchanged. */
  "replicated",
  /** In a measurement file its authors published. */
  "artefact",
  /** In prose or in a page's text: no measurement file. */
  "stated"
] as const;

const reference = "float64 reference, relative error of logits under";

/** The number in a verification, or NaN. */
const errorBound = (verification: string) =>
  verification.startsWith(`${reference} `) ? Number(verification.slice(reference.length)) : NaN;

/** Whether a stated rate is the computed one, which sources print with one decimal at least. */
const near = (stated: number | null, computed: number) =>
  stated === null || Math.abs(stated - computed) <= Math.max(0.05, 0.01 * computed);

const reportRowSchema = z
  .strictObject({
    id: text,
    label: text,
    status: z.enum(statuses),
    engine: text,
    factoring: z.enum(["fused", "chunked", "staged", "unfused"]).nullable(),
    /** What its authors say the figure is of, in their terms. */
    claim: text.optional(),
    device: text,
    runtime: text.nullable(),
    date,
    ...origin,
    /** A shape's id, or "phi3-sized", "qwen2-sized": the size of a model with another architecture. */
    shape: text.nullable(),
    layers: count.nullable(),
    /** Below one where a dispatch decodes several tokens. */
    dispatchesPerToken: positive.nullable(),
    /** What its authors claim, where nothing on file shows it. */
    claimedDispatchesPerToken: positive.optional(),
    workgroups: count.nullable(),
    workgroupSize: count.nullable(),
    /** Tokens decoded in `milliseconds`. */
    tokens: count.nullable(),
    milliseconds: positive.nullable(),
    /** GPU time of one token, by timestamps. */
    gpuMilliseconds: positive.optional(),
    /** Median time of one token; `tokensPerSecond` is over the whole run. */
    medianMilliseconds: positive.optional(),
    tokensPerSecond: positive.nullable(),
    /** Tokens per second of each run. */
    runs: z.array(positive).optional(),
    /** With the time to the first token. */
    endToEndTokensPerSecond: positive.optional(),
    /** What a page showed, whether or not the GPU did the work. */
    printed: z
      .strictObject({milliseconds: z.number().nonnegative().nullable(), tokensPerSecond: positive.nullable()})
      .optional(),
    /** The row of the flat results table that has the same figure: "FILE/ROW". */
    repeats: text.optional(),
    /** Whether the GPU did the work the figure is of; null where nobody can tell. */
    valid: z.boolean().nullable(),
    /** What a probe's output was compared with, and how far from it that was; null where nothing was compared. */
    verification: text
      .refine(
        (verification) => errorBound(verification) <= logitTolerance,
        `“${reference} …”, at most ${logitTolerance}`
      )
      .nullable(),
    note: text.nullable()
  })
  .refine(
    ({valid, milliseconds, tokensPerSecond}) => valid !== false || (milliseconds === null && tokensPerSecond === null),
    "an invalid row has no time of its own, only a printed one"
  )
  .refine(({valid, note}) => valid !== false || note !== null, "an invalid row says why in its note")
  .refine(({verification, valid}) => verification === null || valid === true, "a verified row is valid")
  .refine(
    ({valid, status}) => valid !== true || status === "probe" || status === "replicated",
    "only what was run here, a probe or a replication, is known to be valid"
  )
  .refine(
    ({verification, status}) => (verification !== null) === (status === "probe"),
    "a probe, and nothing else, is verified"
  )
  .refine(({tokens, milliseconds}) => milliseconds === null || tokens !== null, "a time says of how many tokens")
  .refine(
    ({tokens, milliseconds, tokensPerSecond}) =>
      tokens === null || milliseconds === null || near(tokensPerSecond, (1000 * tokens) / milliseconds),
    "tokensPerSecond is tokens over milliseconds, within 1 % or its rounding"
  )
  .refine(
    ({gpuMilliseconds, tokensPerSecond}) =>
      !gpuMilliseconds || !tokensPerSecond || tokensPerSecond <= (1.01 * 1000) / gpuMilliseconds,
    "a token takes no less time than the GPU spends on it"
  )
  .refine(
    ({runs, tokensPerSecond}) =>
      !runs || !tokensPerSecond || (Math.min(...runs) <= tokensPerSecond && tokensPerSecond <= Math.max(...runs)),
    "tokensPerSecond lies among its runs"
  );

/** Weight bytes a token over a bandwidth: no decoder that reads every weight once a token is faster. */
const rooflineSchema = z
  .strictObject({
    id: text,
    device: text,
    basis: z.enum(["measured", "nominal"]),
    date,
    ...origin,
    shape: text,
    weightBytesPerToken: positive,
    readBandwidthBytesPerSecond: positive,
    tokensPerSecond: positive,
    note: text.nullable()
  })
  .refine(
    ({weightBytesPerToken, readBandwidthBytesPerSecond, tokensPerSecond}) =>
      Math.abs((tokensPerSecond * weightBytesPerToken) / readBandwidthBytesPerSecond - 1) < 1e-3,
    "tokensPerSecond is the bandwidth over the weight bytes, within 0.1 %"
  );

/** GPU time of one token by what the time was spent on. */
const profileSchema = z
  .strictObject({
    id: text,
    engine: text,
    device: text,
    date,
    ...origin,
    totalMilliseconds: positive,
    roles: z.array(
      z.strictObject({
        /** This project's name of the stage; `nameThere` is the source's. */
        role: text,
        nameThere: text,
        calls: count,
        milliseconds: z.number().nonnegative()
      })
    )
  })
  .refine(
    ({totalMilliseconds, roles}) =>
      Math.abs(roles.reduce((sum, {milliseconds}) => sum + milliseconds, 0) - totalMilliseconds) < 0.005 * roles.length,
    "the roles sum to the total, within rounding"
  );

const range = z.tuple([positive, positive]).refine(([low, high]) => low <= high, "low ≤ high");

export const reportSchema = z
  .strictObject({
    kind: z.literal("report"),
    version: z.literal(1),
    title: text,
    notes: z.array(text),
    /** What follows from the rows without being measured. */
    inference: text.nullable(),
    sources: z.record(text, sourceSchema),
    rows: z.array(reportRowSchema),
    rooflines: z.array(rooflineSchema),
    profiles: z.array(profileSchema),
    /** Ratios, with no rate behind them on file. */
    speedups: z.array(
      z.strictObject({id: text, device: text, ...origin, parallel: range, singleThread: range, note: text})
    ),
    /** Changes that made an engine slower. */
    negativeResults: z.array(
      z.strictObject({
        id: text,
        device: text,
        ...origin,
        what: text,
        fromTokensPerSecond: positive,
        toTokensPerSecond: positive
      })
    ),
    literature: z.array(
      z.strictObject({id: text, what: text, ...origin, backend: text, microsecondsPerDispatch: range})
    )
  })
  .superRefine((report, context) => {
    for (const section of sections) {
      const ids = new Set<string>();
      report[section].forEach(({id, source}, index) => {
        const issue = (key: string, message: string) =>
          context.addIssue({code: "custom", path: [section, index, key], message});
        if (!Object.hasOwn(report.sources, source)) issue("source", `“${source}” is not one of the report's sources`);
        if (ids.has(id)) issue("id", `“${id}” is used twice`);
        ids.add(id);
      });
    }
  });

const sections = ["rows", "rooflines", "profiles", "speedups", "negativeResults", "literature"] as const;

/** The measurement file of abgnydn/webgpu-fusion-max, kept as it was published. */
export const artefactSchema = z.strictObject({
  date: z.iso.date(),
  gpu: text,
  browser: text,
  quantization: text,
  /** Tokens decoded, one after another, in one dispatch. */
  seq_len: count,
  workgroup_size: count,
  results: z
    .array(
      z.strictObject({
        model: text,
        d: count,
        heads: count,
        layers: count,
        weights_mb: positive,
        /** Milliseconds for all `seq_len` tokens. */
        ms: positive,
        tok_s: positive
      })
    )
    .min(1)
});

export type Report = z.infer<typeof reportSchema>;
export type ReportRow = Report["rows"][number];
export type Artefact = z.infer<typeof artefactSchema>;

/** A source and a place in it: "abgnydn/zero-tvm@012ec1f BENCH.md". */
export function citation({sources}: Report, {source, where}: {source: string; where: string}): string {
  const {name, repository, commit} = sources[source]!;
  return `${repository ? `${repository}@${commit}` : name} ${repository ? "" : "· "}${where}`;
}

/** Where a figure can be read, the first file that `where` names if there is one; null where it is not on the web. */
export function sourceUrl({sources}: Report, {source, where}: {source: string; where: string}): string | null {
  const {repository, commit, url} = sources[source]!;
  if (url || !repository || !commit) return url;
  const path = filePath(where);
  return `https://github.com/${repository}/${path ? `blob/${commit}/${path}` : `tree/${commit}`}`;
}

/** "src/a.html" of "src/a.html, closing string" and of "page a", "README.md" of "README, CHANGELOG". */
function filePath(where: string): string | null {
  const [first] = where.split(",") as [string];
  if (/^(README|CHANGELOG)$/.test(first)) return `${first}.md`;
  if (/^page \S+$/.test(first)) return `src/${first.slice("page ".length)}.html`;
  return /^\S+\.(html|json|md)$/.test(first) ? first : null;
}
