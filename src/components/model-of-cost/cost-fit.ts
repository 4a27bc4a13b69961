import {max, sum} from "d3";

/** A measured time, and what it is made of. */
export interface TimedWork {
  /** What its work takes at least, ms: by geometry at the speed of one workgroup alone, and by the memory. */
  least: number;
  /** Dispatches in it, or waits inside one. */
  boundaries: number;
  /** As measured, ms. */
  milliseconds: number;
}

/** Two numbers for a design on a device: a time is least · slowdown + boundaries · boundary. */
export interface CostModel {
  /** How many times the least its work takes. */
  slowdown: number;
  /** What a boundary takes, ms, with all that comes with each: to begin, to fill and to drain. */
  boundary: number;
}

/** Fewer times than this are met by two numbers whatever they are. */
const leastTimes = 3;

/**
 * The two numbers that come closest to the times: least squares of the relative errors, by the normal equations.
 * @returns null of fewer than three times, where all have as many boundaries for their work, so that nothing tells the
 * two apart, and where either would be negative: then time is made of something else.
 */
export function fitCost(times: readonly TimedWork[]): CostModel | null {
  if (times.length < leastTimes) return null;
  const parts = times.map(({least, boundaries, milliseconds}) => [least / milliseconds, boundaries / milliseconds]);
  const total = (term: (work: number, boundaries: number) => number) => sum(parts, ([w, b]) => term(w!, b!));
  const [ww, wb, bb] = [total((w) => w * w), total((w, b) => w * b), total((_, b) => b * b)];
  const [w1, b1] = [total((w) => w), total((_, b) => b)];
  const determinant = ww * bb - wb * wb;
  if (!(determinant > 1e-9 * ww * bb)) return null;
  const model = {
    slowdown: (w1 * bb - b1 * wb) / determinant,
    boundary: (b1 * ww - w1 * wb) / determinant
  };
  return model.slowdown > 0 && model.boundary > 0 ? model : null;
}

/** Milliseconds by the model. */
export function costOf({least, boundaries}: Omit<TimedWork, "milliseconds">, {slowdown, boundary}: CostModel): number {
  return least * slowdown + boundaries * boundary;
}

/** How much more, as a part of the time measured, the model gives; negative where it gives less. */
export function errorOf(time: TimedWork, model: CostModel): number {
  return costOf(time, model) / time.milliseconds - 1;
}

/** The largest of several errors, either way. */
export function largestError(times: readonly TimedWork[], model: CostModel): number {
  return max(times, (time) => Math.abs(errorOf(time, model))) ?? 0;
}
