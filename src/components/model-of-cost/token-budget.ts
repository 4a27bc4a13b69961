import {bytesFromMemory, durationOf, tokenDuration, type TokenStage} from "./layer-schedule.js";

/** Where the time of a token goes, in milliseconds. The parts add up to the whole; the rest may be negative. */
export interface TokenBudget {
  whole: number;
  /** What the cores need, if each is as fast as one alone and has the work that geometry gives it. */
  cores: number;
  /**
   * What comes on top because they share one memory, stage by stage: a stage that the memory holds up cannot use the time
   * in which another leaves the memory idle.
   */
  memory: number;
  /** Launching dispatches, or waiting inside one. */
  boundaries: number;
  /** What the three do not explain. */
  rest: number;
}

/** How fast a device is, by what was measured there. */
export interface Rates {
  /** Bytes that one core reads in a millisecond, alone, in a token of one workgroup. */
  core: number;
  /** Bytes that all of them can read from memory in a millisecond. */
  memory: number;
}

/** The least that one call of a stage can take, in milliseconds. */
export interface StageTime {
  /** By geometry: its busiest core, at the speed of one alone. */
  cores: number;
  /** By memory: its bytes, at the bandwidth of the device. */
  memory: number;
}

/**
 * @param one a token of one workgroup alone, ms, and its schedule
 * @param readBandwidth bytes a second
 */
export function ratesOf(one: {milliseconds: number; stages: readonly TokenStage[]}, readBandwidth: number): Rates {
  return {core: tokenDuration(one.stages) / one.milliseconds, memory: readBandwidth / 1000};
}

export function timeStage(stage: TokenStage, rates: Rates): StageTime {
  return {cores: durationOf(stage) / rates.core, memory: bytesFromMemory(stage) / rates.memory};
}

/**
 * Divides a measured token. Nothing is fitted: every number is measured elsewhere or follows from the plan.
 * @param whole the token, ms
 * @param stages by the plan, as layer-schedule.ts has them
 * @param boundaries what launching dispatches takes, or waiting inside one, ms
 */
export function divideToken({
  whole,
  stages,
  rates,
  boundaries
}: {
  whole: number;
  stages: readonly TokenStage[];
  rates: Rates;
  boundaries: number;
}): TokenBudget {
  const times = stages.map((stage) => ({calls: stage.calls, ...timeStage(stage, rates)}));
  const cores = times.reduce((sum, {calls, cores}) => sum + calls * cores, 0);
  const memory = times.reduce((sum, {calls, cores, memory}) => sum + calls * Math.max(0, memory - cores), 0);
  return {whole, cores, memory, boundaries, rest: whole - cores - memory - boundaries};
}
