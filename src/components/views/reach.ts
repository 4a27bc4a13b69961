import type {CostResultRow} from "../lab/cost-row.js";
import type {ResultRow} from "../lab/result-row.js";
import {shapes, weightBytesPerToken, type ShapeId} from "../model/shape.js";
import {ranOn} from "./recorded.js";

/** A row that has a rate of reading. */
export type ReadRow = CostResultRow & {
  workgroups: number;
  bytesPerSecond: NonNullable<CostResultRow["bytesPerSecond"]>;
};

/** A row that says how many workgroups were resident together, and held. */
export type ResidentRow = CostResultRow & {workgroups: number};

/** What one workgroup reads, and what the whole GPU does, in one run. */
export interface Reach {
  one: ReadRow;
  all: ReadRow;
  /** How many times as much the second is. */
  ratio: number;
}

export function readRows(rows: readonly CostResultRow[]): ReadRow[] {
  return rows.filter(
    (row): row is ReadRow => row.operation === "read" && row.bytesPerSecond !== null && row.workgroups !== null
  );
}

/** Those that were counted and held: a row whose workgroups stalled after it is none. */
export function residentRows(rows: readonly CostResultRow[]): ResidentRow[] {
  return rows.filter(
    (row): row is ResidentRow => row.operation === "roll call" && row.microseconds !== null && row.workgroups !== null
  );
}

/** The fastest of one workgroup, of any size, and the fastest of all; null where a run measured only one of them. */
export function reachOf(rows: readonly CostResultRow[]): Reach | null {
  const fastest = (rows: ReadRow[]) =>
    rows.reduce<ReadRow | null>(
      (best, row) => (best && best.bytesPerSecond.median >= row.bytesPerSecond.median ? best : row),
      null
    );
  const reads = readRows(rows);
  const one = fastest(reads.filter(({workgroups}) => workgroups === 1));
  const all = fastest(reads);
  if (!one || !all || reads.every(({workgroups}) => workgroups === 1)) return null;
  return {one, all, ratio: all.bytesPerSecond.median / one.bytesPerSecond.median};
}

/** What a decoder of one workgroup reads of its weights. */
export interface DecodingReach {
  row: ResultRow;
  bytesPerSecond: number;
}

/** Experiments whose rows of one workgroup decode whole layers, as one does by itself. */
const decodingExperiments: readonly (string | null)[] = ["chunks", "int4", "workgroups"];

/**
 * The decoder of one workgroup that reads most of its weights in a second, of any weight format and any of this
 * project's shapes; null where none is on file.
 * @param place a device, and where a browser ran it that too, as `ranOn` has it: speeds of two runtimes make no ratio
 */
export function decodingReachOf(rows: readonly ResultRow[], place: string): DecodingReach | null {
  const reaches = rows
    .filter((row) => ranOn(row) === place && row.workgroups === 1 && decodingExperiments.includes(row.experiment))
    .filter(({shapeId, tokensPerSecond}) => tokensPerSecond !== null && shapeId !== null && shapeId in shapes)
    .map((row) => ({row, bytesPerSecond: row.tokensPerSecond! * weightBytes(row)}));
  return reaches.reduce<DecodingReach | null>((a, b) => (a && a.bytesPerSecond >= b.bytesPerSecond ? a : b), null);
}

function weightBytes({shapeId, weightFormat}: ResultRow): number {
  return weightBytesPerToken(shapes[shapeId as ShapeId], weightFormat ?? "int4");
}
