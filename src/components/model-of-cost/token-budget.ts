import {sum} from "d3";
import type {CostModel} from "./cost-fit.js";
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
  /** What the same work takes longer than that, by the design's own cost model. */
  slower: number;
  /** Launching dispatches or waiting inside one, and what comes with each, by the same model. */
  boundaries: number;
  /** What these do not explain. */
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

/** The least that a token can take, ms: each stage the longer of its two times. */
export function leastTime(stages: readonly TokenStage[], rates: Rates): number {
  return sum(stages, (stage) => {
    const {cores, memory} = timeStage(stage, rates);
    return stage.calls * Math.max(cores, memory);
  });
}

/**
 * Divides a measured token.
 * @param whole the token, ms
 * @param stages by the plan, as layer-schedule.ts has them
 * @param boundaries dispatches, or waits inside one
 * @param model of the design on the device, fitted to other times than this one
 */
export function divideToken({
  whole,
  stages,
  rates,
  boundaries,
  model
}: {
  whole: number;
  stages: readonly TokenStage[];
  rates: Rates;
  boundaries: number;
  model: CostModel;
}): TokenBudget {
  const least = leastTime(stages, rates);
  const cores = sum(stages, (stage) => stage.calls * timeStage(stage, rates).cores);
  const parts = {
    cores,
    memory: least - cores,
    slower: least * (model.slowdown - 1),
    boundaries: boundaries * model.boundary
  };
  return {whole, ...parts, rest: whole - sum(Object.values(parts))};
}
