import {waitsPerToken} from "../decode/plan.js";
import type {RunRecord} from "../lab/record.js";
import {runRows} from "../lab/result-row.js";
import {costOf} from "../model-of-cost/cost-fit.js";
import {scheduleToken} from "../model-of-cost/layer-schedule.js";
import {workgroupCost, type WorkgroupCost, type WorkgroupTime} from "./workgroup-cost.js";

/** What one dispatch costs on the reader's device, and what that says of the most workgroups that they ran. */
export interface OwnCost extends WorkgroupCost {
  fitted: WorkgroupTime[];
  most: WorkgroupTime;
  /** Tokens per second of the most workgroups, by the model. */
  predicted: number;
}

/**
 * By the plan on the device of the run, as if each workgroup had a core to itself: WebGPU does not say how many there are.
 * @returns null where the run has too few counts of workgroups for it.
 */
export function ownCost(run: RunRecord): OwnCost | null {
  const {shape, device, roofline} = run;
  const cost = workgroupCost(runRows(run, null), {
    schedule: (count) => scheduleToken(shape, "fused", {cores: count, workgroups: count, device}),
    readBandwidth: roofline?.readBandwidthBytesPerSecond ?? Infinity,
    waits: waitsPerToken(shape)
  });
  if (!cost) return null;
  const most = cost.times.at(-1)!;
  return {...cost, most, fitted: cost.times.filter(({fitted}) => fitted), predicted: 1000 / costOf(most, cost.model)};
}
