import type {CostRecord, CostRow, ExactVerification} from "./cost-record.js";
import {unsettledRemark, type Statistics} from "./record.js";
import {recorderSource, recordUrl, rowId} from "./result-row.js";
import {bytesPerSecond} from "./statistics.js";

/** One row of a `cost` record, with where and when it is from. */
export interface CostResultRow extends Pick<CostRow, "variant" | "label" | "operation" | "workgroups" | "status"> {
  /** "FILE/VARIANT", the file without its extension. */
  id: string;
  /** Median, and its 10th and 90th percentile; null in a row without figures. */
  microseconds: number | null;
  microsecondsP10: number | null;
  microsecondsP90: number | null;
  /** Of reading, in a row that measured it; its median, and its 10th and 90th percentile. */
  bytesPerSecond: Statistics | null;
  operationsPerBatch: number;
  workgroupSize: number;
  experiment: string;
  device: string;
  /** The device is a CPU pretending to be a GPU. */
  software: boolean;
  runtime: string;
  date: string;
  source: string;
  sourceUrl: string | null;
  /** The file of `results/`, or null for a run of this page. */
  sourceFile: string | null;
  verification: string | null;
  /** Why there are no figures, or what is to be said of them. */
  note: string | null;
}

/** @param sourceFile the file in `results/`, or null for a run of this page */
export function costRows(record: CostRecord, sourceFile: string | null): CostResultRow[] {
  const {experiment, device, runtime, date} = record;
  return record.rows.map((row) => {
    const {variant, label, operation, operationsPerBatch, workgroups, workgroupSize, status} = row;
    const measured = row.status === "measured" ? row : null;
    const {median = null, p10 = null, p90 = null} = measured?.microsecondsPerOperation ?? {};
    return {
      id: rowId(sourceFile, variant),
      variant,
      label,
      operation,
      operationsPerBatch,
      workgroups,
      workgroupSize,
      status,
      microseconds: median,
      microsecondsP10: p10,
      microsecondsP90: p90,
      bytesPerSecond:
        measured?.bytesPerOperation === undefined
          ? null
          : bytesPerSecond(measured.bytesPerOperation, measured.microsecondsPerOperation),
      experiment,
      device: device.label,
      software: device.software,
      runtime: runtime.name,
      date: date.slice(0, 10),
      source: recorderSource(record),
      sourceUrl: recordUrl(sourceFile),
      sourceFile,
      verification: measured && describeExact(measured.verification),
      note: row.status === "measured" ? (row.settled ? null : unsettledRemark) : `${row.status}: ${row.message}`
    };
  });
}

export function describeExact({values}: ExactVerification): string {
  return values === 1 ? "1 value, equal to the CPU's" : `${values.toLocaleString("en-GB")} values, equal to the CPU's`;
}
