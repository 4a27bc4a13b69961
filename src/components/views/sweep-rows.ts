import type {ResultRow} from "../lab/result-row.js";
import {shapes, weightBytesPerToken, weightFormats, type Shape, type ShapeId} from "../model/shape.js";
import {formatQuantity} from "./format.js";
import {ranOn} from "./recorded.js";

/** A row of a sweep that has a figure. */
export type SweptRow = ResultRow & {tokensPerSecond: number};

/** Rows of sweeps at one shape. */
export interface SweptShape {
  shape: Shape;
  /** The fastest first. */
  rows: SweptRow[];
}

/** The measured rows of sweeps by shape, the one that reads most for a token first. Shapes without a figure are none. */
export function byShape(rows: readonly ResultRow[]): SweptShape[] {
  const ids = Object.keys(shapes) as ShapeId[];
  return ids
    .map((id) => ({
      shape: shapes[id],
      rows: rows
        .filter((row): row is SweptRow => row.shapeId === id && row.tokensPerSecond !== null)
        .sort((a, b) => b.tokensPerSecond - a.tokensPerSecond)
    }))
    .filter(({rows}) => rows.length > 0)
    .sort((a, b) => weightBytesPerToken(b.shape) - weightBytesPerToken(a.shape));
}

/**
 * The rows of the newest sweep of each shape on each device, and in each runtime there.
 * @param rows newest first
 */
export function newestSweeps(rows: readonly ResultRow[]): ResultRow[] {
  const newest = new Map<string, string | null>();
  const place = (row: ResultRow) => JSON.stringify([ranOn(row), row.shapeId]);
  for (const row of rows) if (!newest.has(place(row))) newest.set(place(row), row.sourceFile);
  return rows.filter((row) => newest.get(place(row)) === row.sourceFile);
}

/**
 * What sweeps have of each shape: "“Phi-3-mini, 1 layer” in 22 rows, with weights in int4, float16 and float32, with
 * subgroups and without".
 * @param rows of sweeps on one device in one runtime
 */
export function describeShapes(rows: readonly ResultRow[]): string {
  const list = (values: readonly string[]) => new Intl.ListFormat("en-GB").format(values);
  return byShape(rows)
    .map(({shape, rows}) => {
      const formats = weightFormats.filter((format) => rows.some((row) => (row.weightFormat ?? "int4") === format));
      const [portable, others] = [true, false].map((none) =>
        rows.some(({features}) => (features?.length === 0) === none)
      );
      const features = !portable ? "with subgroups" : others ? "with subgroups and without" : "without subgroups";
      return `“${shape.label}” in ${formatQuantity(rows.length, "row")}, with weights in ${list(formats)}, ${features}`;
    })
    .join("; ");
}
