import * as aq from "arquero";
import * as z from "zod";
import {costSchema, type CostRecord} from "./cost-record.js";
import {costRows, type CostResultRow} from "./cost-row.js";
import {profileSchema, type ProfileRecord} from "./profile-record.js";
import {profileRows, reportedProfileRows, type ProfileResultRow} from "./profile-row.js";
import {runSchema, type RunRecord} from "./record.js";
import {artefactSchema, citation, reportSchema, sourceUrl, type Artefact, type Report} from "./report.js";
import {recorderSource, recordUrl, rowId, runRows, withSpectrum, type ResultRow} from "./result-row.js";
import {sweepSchema, type SweepRecord} from "./sweep-record.js";
import {tuningSchema, type Tuning} from "./tuning-record.js";

/** A file of `results/`, by its name, parsed by the schema it belongs to. */
export type ResultFile =
  | {name: string; kind: "run"; content: RunRecord}
  | {name: string; kind: "cost"; content: CostRecord}
  | {name: string; kind: "profile"; content: ProfileRecord}
  | {name: string; kind: "sweep"; content: SweepRecord}
  | {name: string; kind: "tuning"; content: Tuning}
  | {name: string; kind: "report"; content: Report}
  | {name: string; kind: "artefact"; content: Artefact};

/** The limit of a device for the whole model, and where and when its bandwidth is from. */
export interface Roofline {
  device: string;
  basis: "measured" | "nominal";
  weightBytesPerToken: number;
  readBandwidthBytesPerSecond: number;
  tokensPerSecond: number;
  date: string;
  source: string;
  sourceFile: string;
}

/** What a device offered to a run on file. */
export interface RecordedDevice {
  device: string;
  /** The device is a CPU pretending to be a GPU. */
  software: boolean;
  runtime: string;
  features: string[];
  limits: Record<string, number>;
  subgroupMinSize?: number;
  subgroupMaxSize?: number;
  date: string;
  sourceFile: string;
}

type WithOrigin<T> = T & {citation: string; sourceUrl: string | null; sourceFile: string};

/** What the pages read: every figure on file. */
export interface Results {
  rows: ResultRow[];
  /** What operations of WebGPU cost, newest runs first. */
  costs: CostResultRow[];
  /** What each stage takes of a token: newest profiles first, then those that reports repeat. */
  stages: ProfileResultRow[];
  /** The newest of each device in each runtime, newest runs first. */
  devices: RecordedDevice[];
  /** One per device: that of the highest bandwidth measured on it, a nominal one where none was measured. */
  rooflines: Roofline[];
  profiles: WithOrigin<Report["profiles"][number]>[];
  speedups: WithOrigin<Report["speedups"][number]>[];
  negativeResults: WithOrigin<Report["negativeResults"][number]>[];
  literature: WithOrigin<Report["literature"][number]>[];
  tunings: (Tuning & {sourceFile: string})[];
  reports: ({file: string} & Pick<Report, "title" | "notes" | "inference" | "sources">)[];
}

const original = "2026-03-31_int4.json";

/**
 * Parses one file of `results/`.
 * @throws {Error} naming the file, and the path in it of everything that does not fit its schema.
 */
export function parseResultFile(name: string, source: string): ResultFile {
  if (!name.endsWith(".json")) throw new Error(`results/${name}: only JSON files belong here; move it elsewhere`);
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch (error) {
    throw new Error(`results/${name}: not JSON: ${(error as Error).message}`, {cause: error});
  }
  if (name === original) return {name, kind: "artefact", content: parse(artefactSchema, name, json)};
  const kind = (json as {kind?: unknown} | null)?.kind;
  if (kind === "run") return {name, kind, content: parse(runSchema, name, json)};
  if (kind === "cost") return {name, kind, content: parse(costSchema, name, json)};
  if (kind === "profile") return {name, kind, content: parse(profileSchema, name, json)};
  if (kind === "sweep") return {name, kind, content: parse(sweepSchema, name, json)};
  if (kind === "tuning") return {name, kind, content: parse(tuningSchema, name, json)};
  if (kind === "report") return {name, kind, content: parse(reportSchema, name, json)};
  throw new Error(
    `results/${name}: kind: is ${JSON.stringify(kind)}; a result file is a "run", a "cost", a "profile", a "sweep", a "tuning" or a "report"`
  );
}

/**
 * Every figure of the files given, in tables: newest runs first, then by device and dispatches per token.
 * @throws {Error} when a row says it repeats one that is not on file.
 */
export function collectResults(files: readonly ResultFile[]): Results {
  const reports = files.filter((file) => file.kind === "report");
  const section = <T extends {source: string; where: string}>(list: (report: Report) => T[]) =>
    reports.flatMap(({name, content}) =>
      list(content).map((item) => ({
        ...item,
        citation: citation(content, item),
        sourceUrl: sourceUrl(content, item) ?? recordUrl(name),
        sourceFile: name
      }))
    );
  return {
    rows: resultRows(files),
    stages: [
      ...files
        .filter((file) => file.kind === "profile")
        .sort((a, b) => Date.parse(b.content.date) - Date.parse(a.content.date))
        .flatMap(({name, content}) => profileRows(content, name)),
      ...section((report) => report.profiles).flatMap((profile) =>
        reportedProfileRows(
          profile,
          reports.flatMap(({content}) => content.rooflines)
        )
      )
    ],
    costs: files
      .filter((file) => file.kind === "cost")
      .sort((a, b) => Date.parse(b.content.date) - Date.parse(a.content.date))
      .flatMap(({name, content}) => costRows(content, name)),
    devices: recordedDevices(files),
    rooflines: rooflines(files),
    profiles: section((report) => report.profiles),
    speedups: section((report) => report.speedups),
    negativeResults: section((report) => report.negativeResults),
    literature: section((report) => report.literature),
    tunings: files.filter((file) => file.kind === "tuning").map(({name, content}) => ({...content, sourceFile: name})),
    reports: reports.map(({name, content: {title, notes, inference, sources}}) => ({
      file: name,
      title,
      notes,
      inference,
      sources
    }))
  };
}

function parse<T>(schema: z.ZodType<T>, name: string, json: unknown): T {
  const {success, data, error} = schema.safeParse(json);
  if (success) return data;
  const issues = error.issues.map(({path, message}) => `  ${path.join(".") || "(top)"}: ${message}`);
  throw new Error(`results/${name} does not fit its schema:\n${issues.join("\n")}`);
}

/** The flat table. A report's row that repeats another row is left out, and its note is added to that row's. */
function resultRows(files: readonly ResultFile[]): ResultRow[] {
  const rows = files.flatMap((file) => {
    if (file.kind === "cost" || file.kind === "profile" || file.kind === "tuning") return [];
    if (file.kind === "run") return runRows(file.content, file.name);
    if (file.kind === "sweep") return file.content.runs.flatMap((run) => runRows(run, file.name, `${run.shape.id}/`));
    return file.kind === "report" ? reportRows(file.name, file.content) : artefactRows(file.name, file.content);
  });
  if (!rows.length) return [];
  const ids = new Set(rows.map(({id}) => id));
  for (const {file, id, repeats} of repetitions(files))
    if (!ids.has(repeats)) throw new Error(`results/${file}: row ${id} repeats “${repeats}”, which is not on file`);
  const notes = new Map(repetitions(files).map(({repeats, note}) => [repeats, note]));
  const repeated = new Set(repetitions(files).map(({file, id}) => rowId(file, id)));
  return aq
    .from(rows)
    .filter(aq.escape((row: ResultRow) => !repeated.has(row.id)))
    .derive({
      note: aq.escape((row: ResultRow) => [row.note, notes.get(row.id)].filter(Boolean).join(" ") || null)
    })
    .orderby(
      aq.desc("kind"),
      aq.escape((row: ResultRow) => (row.kind === "run" ? -Date.parse(row.date) : 0)),
      "device",
      aq.escape((row: ResultRow) => row.dispatchesPerToken ?? Infinity),
      aq.escape((row: ResultRow) => row.workgroups ?? Infinity),
      "id"
    )
    .objects() as ResultRow[];
}

function reportRows(file: string, report: Report): ResultRow[] {
  return report.rows.map((row) => {
    const milliseconds = row.milliseconds !== null && row.tokens !== null ? row.milliseconds / row.tokens : null;
    return withSpectrum({
      id: rowId(file, row.id),
      variant: null,
      kind: "recorded",
      status: row.status,
      experiment: null,
      engine: row.engine,
      factoring: row.factoring,
      arithmetic: null,
      weightFormat: null,
      label: row.label,
      device: row.device,
      software: false,
      runtime: row.runtime,
      shapeId: row.shape,
      layers: row.layers,
      dispatchesPerToken: row.dispatchesPerToken ?? row.claimedDispatchesPerToken ?? null,
      awaited: null,
      apart: null,
      dispatchesClaimed: row.dispatchesPerToken === null && row.claimedDispatchesPerToken !== undefined,
      workgroups: row.workgroups,
      workgroupSize: row.workgroupSize,
      features: null,
      tokensPerSecond: row.tokensPerSecond ?? inverse(milliseconds),
      tokensPerSecondP10: null,
      tokensPerSecondP90: null,
      millisecondsPerToken: milliseconds ?? inverse(row.tokensPerSecond),
      date: row.date,
      source: citation(report, row),
      sourceUrl: sourceUrl(report, row) ?? recordUrl(file),
      sourceFile: file,
      valid: row.valid,
      verified: row.verification !== null,
      verification: row.verification,
      note: row.note
    });
  });
}

function artefactRows(file: string, artefact: Artefact): ResultRow[] {
  return artefact.results.map((row) =>
    withSpectrum({
      id: rowId(file, `${row.model.toLowerCase()}-${row.layers}-${row.layers === 1 ? "layer" : "layers"}`),
      variant: null,
      kind: "recorded",
      status: "artefact",
      experiment: null,
      engine: "webgpu-fusion-max",
      factoring: "fused",
      arithmetic: null,
      weightFormat: null,
      label: `Fused, int4, ${row.model}-sized, ${row.layers} ${row.layers === 1 ? "layer" : "layers"}`,
      device: artefact.gpu,
      software: false,
      runtime: artefact.browser,
      shapeId: row.model.startsWith("Phi-3") ? "phi3-sized" : "qwen2-sized",
      layers: row.layers,
      // The program that wrote the file decodes all tokens in one dispatch of one workgroup (src/test-int4.html).
      dispatchesPerToken: 1 / artefact.seq_len,
      awaited: null,
      apart: null,
      dispatchesClaimed: false,
      workgroups: 1,
      workgroupSize: artefact.workgroup_size,
      features: null,
      // The file's own rate is rounded to a tenth, which is a quarter of the smallest one.
      tokensPerSecond: (1000 * artefact.seq_len) / row.ms,
      tokensPerSecondP10: null,
      tokensPerSecondP90: null,
      millisecondsPerToken: row.ms / artefact.seq_len,
      date: artefact.date,
      source: `abgnydn/webgpu-fusion-max@e08be45 results/${file}`,
      sourceUrl: `https://github.com/abgnydn/webgpu-fusion-max/blob/e08be45/results/${file}`,
      sourceFile: file,
      valid: null,
      verified: false,
      verification: null,
      note: `The file prints ${row.tok_s.toFixed(1)} tok/s; this is from its milliseconds.`
    })
  );
}

function repetitions(files: readonly ResultFile[]) {
  return files.flatMap(({name, kind, content}) =>
    kind === "report"
      ? content.rows.flatMap(({id, repeats, note}) => (repeats ? [{file: name, id, repeats, note}] : []))
      : []
  );
}

function recordedDevices(files: readonly ResultFile[]): RecordedDevice[] {
  const runs = files
    .filter((file) => file.kind === "run" || file.kind === "cost")
    .sort((a, b) => Date.parse(b.content.date) - Date.parse(a.content.date));
  const newest = new Map<string, RecordedDevice>();
  for (const {name, content} of runs) {
    const {device, runtime, date} = content;
    const key = JSON.stringify([device.label, runtime.name]);
    if (newest.has(key)) continue;
    const {label, software, features, limits, subgroupMinSize, subgroupMaxSize} = device;
    newest.set(key, {
      device: label,
      software,
      runtime: runtime.name,
      features,
      limits,
      subgroupMinSize,
      subgroupMaxSize,
      date: date.slice(0, 10),
      sourceFile: name
    });
  }
  return [...newest.values()];
}

function rooflines(files: readonly ResultFile[]): Roofline[] {
  const all = files.flatMap(({name, kind, content}): Roofline[] => {
    if (kind === "report")
      return content.rooflines
        .filter(({shape}) => shape === "phi3-mini")
        .map((roofline) => ({
          device: roofline.device,
          basis: roofline.basis,
          weightBytesPerToken: roofline.weightBytesPerToken,
          readBandwidthBytesPerSecond: roofline.readBandwidthBytesPerSecond,
          tokensPerSecond: roofline.tokensPerSecond,
          date: roofline.date,
          source: citation(content, roofline),
          sourceFile: name
        }));
    if (kind !== "run" && kind !== "sweep") return [];
    return (kind === "sweep" ? content.runs : [content]).flatMap((run): Roofline[] => {
      if (!run.roofline || run.device.software || run.shape.id !== "phi3-mini") return [];
      return [
        {
          device: run.device.label,
          basis: "measured",
          ...run.roofline,
          date: run.date.slice(0, 10),
          source: recorderSource(run),
          sourceFile: name
        }
      ];
    });
  });
  const best = new Map<string, Roofline>();
  for (const roofline of all) {
    const known = best.get(roofline.device);
    if (!known || isCloser(roofline, known)) best.set(roofline.device, roofline);
  }
  return [...best.values()];
}

/** A kernel reads with what bandwidth it can, so the highest measured one is closest to the device's own. */
function isCloser(a: Roofline, b: Roofline): boolean {
  if (a.basis !== b.basis) return a.basis === "measured";
  return a.readBandwidthBytesPerSecond > b.readBandwidthBytesPerSecond;
}

function inverse(value: number | null): number | null {
  return value === null ? null : 1000 / value;
}
