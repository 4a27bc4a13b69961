import {greatest} from "d3";
import type {ResultRow} from "../lab/result-row.js";
import {fitCost, type CostModel, type TimedWork} from "../model-of-cost/cost-fit.js";
import type {TokenStage} from "../model-of-cost/layer-schedule.js";
import {leastTime, ratesOf, type Rates} from "../model-of-cost/token-budget.js";
import {workgroupCurves} from "./workgroup-curve.js";

/** A token in one dispatch of several workgroups. */
export interface WorkgroupTime extends TimedWork {
  workgroups: number;
  /** The model was fitted to it; it is predicted else. */
  fitted: boolean;
  row: ResultRow;
}

/** What the time of one dispatch is made of, by what it takes with fewer and more workgroups in one run. */
export interface WorkgroupCost {
  /** Of one workgroup, to which the others are compared, ms. */
  alone: number;
  rates: Rates;
  /** Those of several workgroups, the fewest first. */
  times: WorkgroupTime[];
  model: CostModel;
}

/** What does not depend on how many workgroups there are. */
export interface WorkgroupPlan {
  /** Of a token with so many. */
  schedule(workgroups: number): readonly TokenStage[];
  /** Bytes a second of the whole device; infinite where nobody measured it. */
  readBandwidth: number;
  /** Of a token, for each other. */
  waits: number;
}

/**
 * Fits the counts up to a quarter of the most, or the first three, and leaves the others to be predicted: where many
 * workgroups read at once, something else may hold them up.
 * @param rows of one run
 * @returns null where it has not one workgroup and four counts besides, or no two numbers fit them,
 * or workgroups that wait work faster than one alone.
 */
export function workgroupCost(rows: readonly ResultRow[], plan: WorkgroupPlan): WorkgroupCost | null {
  const curve = greatest(workgroupCurves(rows), (a, b) => a.rows.length - b.rows.length)?.rows ?? [];
  const [first, ...several] = curve;
  if (first?.workgroups !== 1 || several.length < 4) return null;
  const alone = first.millisecondsPerToken!;
  const rates = ratesOf({milliseconds: alone, stages: plan.schedule(1)}, plan.readBandwidth);
  const quarter = several.at(-1)!.workgroups / 4;
  const times = several.map((row, i) => ({
    row,
    workgroups: row.workgroups,
    fitted: i < 3 || row.workgroups <= quarter,
    least: leastTime(plan.schedule(row.workgroups), rates),
    boundaries: plan.waits,
    milliseconds: row.millisecondsPerToken!
  }));
  const model = fitCost(times.filter(({fitted}) => fitted));
  return model && model.slowdown >= 1 ? {alone, rates, times, model} : null;
}
