import {bytesPerToken, stages, type Part, type Stage} from "../decode/stages.js";
import type {Arithmetic} from "../decode/plan.js";
import {shapes, type Shape} from "../model/shape.js";
import type {ProfileRecord} from "./profile-record.js";
import {unsettledRemark} from "./record.js";
import type {Report} from "./report.js";
import {describeVerification, recorderSource, recordUrl, rowId} from "./result-row.js";

/** One row of a profile, with where and when it is from: a `profile` of ours, or one that a report repeats. */
export interface ProfileResultRow {
  /** "FILE/VARIANT", the file without its extension. */
  id: string;
  variant: string;
  label: string;
  part: Part;
  instrumented: boolean;
  arithmetic: Arithmetic | null;
  status: string;
  /** What a report has one by one and is one stage here; empty where it is one there too. */
  kernels: readonly ReportedKernel[];
  /** Dispatches a token. */
  calls: number;
  /** Bytes that it has to read a token; null where nobody says how long the context was. */
  bytes: number | null;
  /** GPU time or wall-clock time a token, by `by`; null in a row without figures. */
  milliseconds: number | null;
  millisecondsP10: number | null;
  millisecondsP90: number | null;
  by: string | null;
  /** Of the device, in bytes a second: measured in the same run, nominal of a report's device, or null. */
  readBandwidth: number | null;
  bandwidthBasis: "measured" | "nominal" | null;
  workgroups: number | null;
  workgroupSize: number | null;
  /** `run`: measured and verified by this project. */
  kind: "run" | "recorded";
  shapeId: string;
  engine: string;
  device: string;
  software: boolean;
  runtime: string | null;
  date: string;
  source: string;
  sourceUrl: string | null;
  sourceFile: string | null;
  verification: string | null;
  note: string | null;
}

/** A kernel of another engine, as its report has it. */
export type ReportedKernel = Report["profiles"][number]["roles"][number];

/** @param sourceFile the file in `results/`, or null for a run of this page */
export function profileRows(record: ProfileRecord, sourceFile: string | null): ProfileResultRow[] {
  const {device, runtime, date, shape, roofline} = record;
  return record.rows.map((row) => {
    const {variant, label, part, instrumented, arithmetic, calls, bytes, workgroups, workgroupSize, status} = row;
    const measured = row.status === "measured" ? row : null;
    const {median = null, p10 = null, p90 = null} = measured?.millisecondsPerToken ?? {};
    return {
      id: rowId(sourceFile, variant),
      ...{variant, label, part, instrumented, arithmetic, status, calls, bytes, workgroups, workgroupSize},
      kernels: [],
      milliseconds: median,
      millisecondsP10: p10,
      millisecondsP90: p90,
      by: measured?.by ?? null,
      readBandwidth: roofline?.readBandwidthBytesPerSecond ?? null,
      bandwidthBasis: roofline && "measured",
      kind: "run",
      shapeId: shape.id,
      engine: "this project",
      device: device.label,
      software: device.software,
      runtime: runtime.name,
      date: date.slice(0, 10),
      source: recorderSource(record),
      sourceUrl: recordUrl(sourceFile),
      sourceFile,
      verification: measured && describeVerification(measured.verification),
      note: row.status === "measured" ? (row.settled ? null : unsettledRemark) : `${row.status}: ${row.message}`
    };
  });
}

/** What a report's profile calls what it has: three kernels that normalise, two of which also add, are one stage here. */
const stagesThere: Record<string, Stage> = {
  add_norm_attention: "rms_norm",
  add_norm_ffn: "rms_norm",
  rms_norm: "rms_norm"
};

/**
 * A report's profile of the whole Phi-3-mini in the terms of ours: its calls by stage, summed up, then the whole token.
 * @throws {Error} when it has a role that is no stage here.
 */
export function reportedProfileRows(
  profile: Report["profiles"][number] & {citation: string; sourceUrl: string | null; sourceFile: string},
  rooflines: Report["rooflines"]
): ProfileResultRow[] {
  const shape: Shape = shapes["phi3-mini"];
  const stageOfRole = (role: string): Stage => {
    const stage = stagesThere[role] ?? stages.find((stage) => stage === role);
    if (!stage)
      throw new Error(`results/${profile.sourceFile}: profile ${profile.id} has the role ${role}, no stage here`);
    return stage;
  };
  const limit = rooflines.find(({device, shape}) => device === profile.device && shape === "phi3-mini");
  const row = (part: Part, roles: typeof profile.roles, milliseconds: number): ProfileResultRow => ({
    id: rowId(profile.sourceFile, `${profile.id}-${part}`),
    variant: part,
    label: part === "token" ? "Whole token" : part,
    part,
    instrumented: true,
    arithmetic: null,
    status: "stated",
    kernels: part !== "token" && roles.length > 1 ? roles : [],
    calls: roles.reduce((sum, {calls}) => sum + calls, 0),
    bytes: part === "attention" ? null : bytesPerToken(shape, part, 0),
    milliseconds,
    millisecondsP10: null,
    millisecondsP90: null,
    by: "timestamps",
    readBandwidth: limit?.readBandwidthBytesPerSecond ?? null,
    bandwidthBasis: limit?.basis ?? null,
    workgroups: null,
    workgroupSize: null,
    kind: "recorded",
    shapeId: shape.id,
    engine: profile.engine,
    device: profile.device,
    software: false,
    runtime: null,
    date: profile.date,
    source: profile.citation,
    sourceUrl: profile.sourceUrl,
    sourceFile: profile.sourceFile,
    verification: null,
    note: roles.length === 1 && roles[0]!.nameThere !== part ? `${roles[0]!.nameThere} there` : null
  });
  const byStage = stages.flatMap((stage) => {
    const roles = profile.roles.filter(({role}) => stageOfRole(role) === stage);
    if (roles.length === 0) return [];
    const names = roles.map(({nameThere}) => nameThere).join(", ");
    const sum = roles.reduce((sum, {milliseconds}) => sum + milliseconds, 0);
    return [{...row(stage, roles, sum), ...(roles.length > 1 && {note: `${names} there`})}];
  });
  return [...byStage, row("token", profile.roles, profile.totalMilliseconds)];
}

/** A row, and one below it for each kernel that it sums up. Of such a kernel nobody says what it reads. */
export function withKernels(row: ProfileResultRow): ProfileResultRow[] {
  const each = row.kernels.map(({role, nameThere, calls, milliseconds}) => ({
    ...row,
    id: `${row.id}-${role}`,
    variant: `${row.variant}-${role}`,
    label: `${row.label}: ${nameThere}`,
    kernels: [],
    ...{calls, milliseconds},
    bytes: null,
    note: milliseconds === 0 ? "0 by rounding" : null
  }));
  return [row, ...each];
}

/** Bytes a second that a row reads, or null. */
export function readRate({bytes, milliseconds}: Pick<ProfileResultRow, "bytes" | "milliseconds">): number | null {
  return bytes && milliseconds ? (1000 * bytes) / milliseconds : null;
}

/** Which part of the device's read bandwidth a row uses, or null. */
export function bandwidthShare(row: ProfileResultRow): number | null {
  const rate = readRate(row);
  return rate && row.readBandwidth ? rate / row.readBandwidth : null;
}

/** Microseconds of one dispatch. */
export function microsecondsPerCall({
  milliseconds,
  calls
}: Pick<ProfileResultRow, "milliseconds" | "calls">): number | null {
  return milliseconds === null ? null : (1000 * milliseconds) / calls;
}
