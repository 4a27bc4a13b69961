import {quantile} from "d3";
import type {MeasuredCostRow} from "./cost-record.js";
import type {MeasuredProfileRow} from "./profile-record.js";
import type {MeasuredRow, Statistics} from "./record.js";

/**
 * Median, 10th and 90th percentile by linear interpolation between order statistics (R-7: Hyndman and Fan,
 * "Sample quantiles in statistical packages", 1996; d3-array's `quantile`).
 * @throws {RangeError} when there is no value, or one is not a finite positive number.
 */
export function statistics(values: readonly number[]): Statistics {
  if (values.length === 0) throw new RangeError("no values to take a median of");
  const wrong = values.find((value) => !(value > 0 && Number.isFinite(value)));
  if (wrong !== undefined) throw new RangeError(`${wrong} is not a finite positive number`);
  const at = (p: number) => quantile(values, p)!;
  return {median: at(0.5), p10: at(0.1), p90: at(0.9)};
}

/** Tokens per second of each sample, summed up. */
export function tokensPerSecond(samples: MeasuredRow["samples"]): Statistics {
  return statistics(samples.map(({tokens, milliseconds}) => (1000 * tokens) / milliseconds));
}

/** Microseconds per operation of each sample, summed up. */
export function microsecondsPerOperation(samples: MeasuredCostRow["samples"]): Statistics {
  return statistics(samples.map(({operations, milliseconds}) => (1000 * milliseconds) / operations));
}

/** Milliseconds a token of each sample, summed up: GPU time where it was measured, else wall-clock time. */
export function millisecondsPerToken(samples: MeasuredProfileRow["samples"]): Statistics {
  return statistics(samples.map(({tokens, milliseconds, gpu}) => (gpu?.milliseconds ?? milliseconds) / tokens));
}

/** Bytes per second of an operation that reads so many: the slowest tenth of times is the slowest tenth of rates. */
export function bytesPerSecond(bytes: number, {median, p10, p90}: Statistics): Statistics {
  const rate = (microseconds: number) => (1e6 * bytes) / microseconds;
  return {median: rate(median), p10: rate(p90), p90: rate(p10)};
}

/** How far apart values are: the largest over the smallest, less one. 0.02 is "within 2 %". */
export function spread(values: readonly number[]): number {
  return Math.max(...values) / Math.min(...values) - 1;
}
