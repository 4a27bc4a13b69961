import type {CostResultRow} from "../lab/cost-row.js";
import {sweepExperimentId, type ResultRow} from "../lab/result-row.js";
import type {Results} from "../lab/results-table.js";
import type {Factoring} from "../decode/plan.js";
import type {CostModel} from "../model-of-cost/cost-fit.js";
import type {TokenStage} from "../model-of-cost/layer-schedule.js";
import {divideToken, ratesOf, type TokenBudget} from "../model-of-cost/token-budget.js";
import {findRoofline, newestRecords, ranOn} from "./recorded.js";
import {stageCost, type StageCost} from "./stage-cost.js";
import {workgroupCost, type WorkgroupCost} from "./workgroup-cost.js";

/** Where the time of a token goes in one design, in one runtime of a device. */
export interface DesignBudget extends TokenBudget {
  design: "staged" | "fused" | "unfused";
  /** "NVIDIA H200", "NVIDIA H200 in Chromium 156" */
  ranOn: string;
  /** Dispatches, or the workgroups of the one that there is. */
  count: number;
  /** Boundaries of a token: dispatches, or waits inside one. */
  boundaryCount: number;
  model: CostModel;
  /** What the probe of dispatch-cost measured for an empty boundary, µs. */
  probe: number;
}

/** What decoding costs on a device in one runtime. */
export interface DeviceCost {
  ranOn: string;
  /** Of the staged design, by its stages. */
  stages: StageCost;
  /** Of one dispatch, by its workgroups. */
  workgroups: WorkgroupCost;
  /** The staged design, one dispatch of all workgroups, and a dispatch for each operation where a sweep has it. */
  budgets: DesignBudget[];
  /** Files that the figures are from. */
  sourceFiles: string[];
}

/** What does not depend on where it ran. */
export interface CostPlan {
  device: string;
  shapeId: string;
  /** Of a token, by the plan on the device. */
  schedule(factoring: Factoring, workgroups?: number): readonly TokenStage[];
  /** Of one dispatch in a token. */
  waits: number;
}

/** Of each runtime that has all the figures on record, Node's first. */
export function deviceCosts(results: Results, plan: CostPlan): DeviceCost[] {
  const {device, shapeId, schedule, waits} = plan;
  const rowsOf = (experiment: string) =>
    newestRecords(
      results.rows.filter((row) => row.experiment === experiment && row.shapeId === shapeId && row.device === device)
    ).filter((row) => row.tokensPerSecond !== null);
  const [rows, swept] = [rowsOf("workgroups"), rowsOf(sweepExperimentId)];
  const costs = newestRecords(
    results.costs.filter((row) => row.experiment === "dispatch-cost" && row.device === device)
  );
  const roofline = findRoofline(results, device);
  const readBandwidth = roofline.readBandwidthBytesPerSecond;
  return [...new Set(rows.map(ranOn))].flatMap((place) => {
    const here = rows.filter((row) => ranOn(row) === place);
    const variant = (name: string, of = here) => of.find(({id}) => id.endsWith(`/${name}`));
    const [staged, fused] = [variant("staged"), variant("fused-resident")];
    const probes = costs.filter((row) => ranOn(row) === place);
    const dispatch = probes.find(({variant}) => variant === "dispatches")?.microseconds;
    const exchange = fused && exchangeBetween(probes, fused.workgroups!);
    const workgroups = workgroupCost(here, {schedule: (count) => schedule("fused", count), readBandwidth, waits});
    const stages =
      staged && workgroups
        ? stageCost(results, place, {
            ...{shapeId, rates: workgroups.rates},
            ...{arithmetic: staged.arithmetic!, schedule: schedule("staged")}
          })
        : null;
    if (!staged || !fused || !dispatch || !exchange || !workgroups || !stages) return [];
    const divide = (design: DesignBudget["design"], row: ResultRow, rates = workgroups.rates): DesignBudget => {
      const several = design === "fused";
      const boundaryCount = several ? waits : row.dispatchesPerToken!;
      const {model} = several ? workgroups : stages;
      const parts = {stages: schedule(design, several ? row.workgroups! : 1), rates, boundaries: boundaryCount, model};
      return {
        ...divideToken({whole: row.millisecondsPerToken!, ...parts}),
        ...{design, ranOn: place, boundaryCount, model},
        count: several ? row.workgroups! : boundaryCount,
        probe: several ? exchange : dispatch
      };
    };
    const sweep = swept.filter((row) => ranOn(row) === place);
    const [unfused, alone] = ["unfused", "fused-1"].map((name) =>
      variant(`${name}-${staged.arithmetic}-subgroups`, sweep)
    );
    const budgets = [divide("staged", staged), divide("fused", fused)];
    if (unfused && alone) {
      const one = {milliseconds: alone.millisecondsPerToken!, stages: schedule("fused", 1)};
      budgets.push(divide("unfused", unfused, ratesOf(one, readBandwidth)));
    }
    const files = [staged, stages, probes[0]!, roofline, ...(unfused && alone ? [unfused] : [])].map(
      ({sourceFile}) => sourceFile
    );
    const sourceFiles = [...new Set(files.filter((file) => file !== null))];
    return [{ranOn: place, stages, workgroups, budgets, sourceFiles}];
  });
}

/** A part of a budget. */
export interface Gain {
  part: "work" | "slower" | "boundaries" | "rest";
  /** How much less of it the faster one has, ms: negative where it has more. */
  milliseconds: number;
  /** Of all that it wins. */
  share: number;
}

/** What each part contributes to the difference of two tokens, most first. */
export function gains(slower: TokenBudget, faster: TokenBudget): Gain[] {
  const parts = {
    work: ({cores, memory}: TokenBudget) => cores + memory,
    slower: (budget: TokenBudget) => budget.slower,
    boundaries: (budget: TokenBudget) => budget.boundaries,
    rest: (budget: TokenBudget) => budget.rest
  };
  return Object.entries(parts)
    .map(([part, of]) => {
      const milliseconds = of(slower) - of(faster);
      return {part: part as Gain["part"], milliseconds, share: milliseconds / (slower.whole - faster.whole)};
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Microseconds of an exchange between so many workgroups: of the most that were measured up to there. */
function exchangeBetween(rows: readonly CostResultRow[], workgroups: number): number | undefined {
  const exchanges = rows.filter(
    ({variant, workgroups: count, microseconds}) =>
      /^exchange-\d+$/.test(variant) && microseconds !== null && count! <= workgroups
  );
  return exchanges.sort((a, b) => b.workgroups! - a.workgroups!)[0]?.microseconds ?? undefined;
}
