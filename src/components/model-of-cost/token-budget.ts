/** Where the time of a token goes, in milliseconds. The parts add up to the whole; the rest may be negative. */
export interface TokenBudget {
  whole: number;
  /** What the cores need, if each is as fast as one alone and has the work that geometry gives it. */
  cores: number;
  /** What comes on top because they share one memory, which cannot read faster than the limit. */
  memory: number;
  /** Launching dispatches, or waiting inside one. */
  boundaries: number;
  /** What the three do not explain. */
  rest: number;
}

/**
 * Divides a measured token. Nothing is fitted: every number is measured elsewhere or follows from the plan.
 * @param whole the token, ms
 * @param one a token of one workgroup alone, ms
 * @param timesAsFast by geometry alone, as layer-schedule.ts has it
 * @param limit what reading every weight once takes at the bandwidth of the device, ms
 * @param boundaries what launching dispatches takes, or waiting inside one, ms
 */
export function divideToken({
  whole,
  one,
  timesAsFast,
  limit,
  boundaries
}: {
  whole: number;
  one: number;
  timesAsFast: number;
  limit: number;
  boundaries: number;
}): TokenBudget {
  const cores = one / timesAsFast;
  const parts = {
    cores,
    memory: Math.max(0, limit - cores),
    boundaries
  };
  return {whole, ...parts, rest: whole - parts.cores - parts.memory - parts.boundaries};
}
