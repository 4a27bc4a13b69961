import {extent, median} from "d3";
import type {ResultRow} from "../lab/result-row.js";
import {spread} from "../lab/statistics.js";

/** The same kernel, measured several times in one run: what two rows of it may differ by and mean nothing. */
export interface NoiseFloor {
  /** Those with a figure, in the order given. */
  rows: ResultRow[];
  /** Tokens per second. */
  median: number;
  least: number;
  most: number;
  /** The fastest over the slowest, less one. */
  spread: number;
}

/**
 * @param rows of one run, of one kernel
 * @throws {Error} when none of them has a figure: what is compared with their median would have nothing to go by.
 */
export function noiseFloor(rows: readonly ResultRow[]): NoiseFloor {
  const timed = rows.filter(({tokensPerSecond}) => tokensPerSecond !== null);
  const rates = timed.map(({tokensPerSecond}) => tokensPerSecond!);
  const [least, most] = extent(rates);
  if (least === undefined) throw new Error("no row of the same kernel has a figure");
  return {rows: timed, median: median(rates)!, least, most, spread: spread(rates)};
}
