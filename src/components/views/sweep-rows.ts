import type {ResultRow} from "../lab/result-row.js";
import {shapes, weightBytesPerToken, type Shape, type ShapeId} from "../model/shape.js";
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
 * The rows of the newest sweep of each device, and of each runtime on it.
 * @param rows newest first
 */
export function newestSweeps(rows: readonly ResultRow[]): ResultRow[] {
  const newest = new Map<string, string | null>();
  for (const row of rows) if (!newest.has(ranOn(row))) newest.set(ranOn(row), row.sourceFile);
  return rows.filter((row) => newest.get(ranOn(row)) === row.sourceFile);
}
