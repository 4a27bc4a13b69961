import {html} from "htl";
import type {CostResultRow} from "../lab/cost-row.js";
import {sweepExperimentId, type ResultRow} from "../lab/result-row.js";
import type {Results} from "../lab/results-table.js";
import type {TokenStage} from "../model-of-cost/layer-schedule.js";
import {divideToken, ratesOf, type TokenBudget} from "../model-of-cost/token-budget.js";
import {formatCount, formatQuantity} from "./format.js";
import {profileSeries} from "./profile-series.js";
import {findRoofline, newestRecords, ranOn} from "./recorded.js";

/** Where the time of a token goes in one design, in one runtime of a device. */
export interface DesignBudget extends TokenBudget {
  design: "staged" | "fused" | "unfused";
  /** "NVIDIA H200", "NVIDIA H200 in Chromium 156" */
  ranOn: string;
  /** Dispatches, or the workgroups of the one that there is. */
  count: number;
  /** Boundaries of a token: dispatches, or waits inside one. */
  boundaryCount: number;
  /**
   * Another estimate of what boundaries take, ms: what a token has on top of its stages, each timed alone. Null where
   * nobody measured it, as of waits, which no record can tell from the work around them.
   */
  boundariesByProfile: number | null;
  /** Files that its figures are from. */
  sourceFiles: readonly string[];
}

/** What does not depend on where it ran. */
export interface BudgetModel {
  device: string;
  shapeId: string;
  /** By the plan on the device: of one workgroup, and of the designs. */
  schedules: Record<"one" | "staged" | "fused" | "unfused", readonly TokenStage[]>;
  /** Waits of one dispatch in a token. */
  waits: number;
}

/**
 * The staged design and one dispatch of all workgroups, in each runtime that has all the figures on record, and a dispatch
 * for each operation where a sweep has that. What
 * boundaries take is what the probe of them measured, with next to no work between: neither the most, because a stage
 * that reads little costs more to launch, nor the least, because work may hide them.
 */
export function tokenBudgets(results: Results, model: BudgetModel): DesignBudget[] {
  const {device, shapeId, schedules, waits} = model;
  const rowsOf = (experiment: string) =>
    newestRecords(
      results.rows.filter((row) => row.experiment === experiment && row.shapeId === shapeId && row.device === device)
    ).filter((row) => row.tokensPerSecond !== null);
  const [rows, swept] = [rowsOf("workgroups"), rowsOf(sweepExperimentId)];
  const costs = newestRecords(
    results.costs.filter((row) => row.experiment === "dispatch-cost" && row.device === device)
  );
  const places = [...new Set(rows.map(ranOn))].sort((a, b) => a.length - b.length);
  return places.flatMap((place) => {
    const variant = (name: string, of = rows) => of.find((row) => ranOn(row) === place && row.id.endsWith(`/${name}`));
    const [one, staged, fused] = ["fused-1", "staged", "fused-resident"].map((name) => variant(name));
    const here = costs.filter((row) => ranOn(row) === place);
    const dispatch = here.find(({variant}) => variant === "dispatches")?.microseconds;
    const exchange = fused && exchangeBetween(here, fused.workgroups!);
    if (!one || !staged || !fused || !dispatch || !exchange) return [];
    const roofline = findRoofline(results, device);
    const divide = (
      {design, row, alone}: {design: DesignBudget["design"]; row: ResultRow; alone: ResultRow},
      [count, boundaryCount]: [number, number],
      price: number,
      profile: ReturnType<typeof measuredLaunching> = null
    ): DesignBudget => {
      const rates = ratesOf(
        {milliseconds: alone.millisecondsPerToken!, stages: schedules.one},
        roofline.readBandwidthBytesPerSecond
      );
      const boundaries = (price * boundaryCount) / 1000;
      const files = [alone, row, here[0]!, roofline, ...(profile ? [profile] : [])].map(({sourceFile}) => sourceFile);
      return {
        ...divideToken({whole: row.millisecondsPerToken!, stages: schedules[design], rates, boundaries}),
        ...{design, ranOn: place, count, boundaryCount},
        boundariesByProfile: profile?.milliseconds ?? null,
        sourceFiles: [...new Set(files.filter((file) => file !== null))]
      };
    };
    const dispatches = ({dispatchesPerToken}: ResultRow): [number, number] => [
      dispatchesPerToken!,
      dispatchesPerToken!
    ];
    const budgets = [
      divide(
        {design: "staged", row: staged, alone: one},
        dispatches(staged),
        dispatch,
        measuredLaunching(results, place, staged)
      ),
      divide({design: "fused", row: fused, alone: one}, [fused.workgroups!, waits], exchange)
    ];
    const [unfused, alone] = ["unfused", "fused-1"].map((name) =>
      variant(`${name}-${staged.arithmetic}-subgroups`, swept)
    );
    if (unfused && alone) budgets.push(divide({design: "unfused", row: unfused, alone}, dispatches(unfused), dispatch));
    return budgets;
  });
}

/** A part of a budget, with what it is called. */
export interface Gain {
  part: "cores" | "memory" | "boundaries" | "rest";
  /** How much less of it the faster one has, ms: negative where it has more. */
  milliseconds: number;
  /** Of all that it wins. */
  share: number;
}

/** What each part contributes to the difference of two tokens, most first. */
export function gains(slower: TokenBudget, faster: TokenBudget): Gain[] {
  const parts = ["cores", "memory", "boundaries", "rest"] as const;
  return parts
    .map((part) => {
      const milliseconds = slower[part] - faster[part];
      return {part, milliseconds, share: milliseconds / (slower.whole - faster.whole)};
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Wall clock of a token less the GPU time of its stages, and its file; null where no profile has both, or they cannot tell. */
function measuredLaunching({stages}: Results, place: string, {arithmetic, device, shapeId}: ResultRow) {
  const rows = stages.filter((row) => row.kind === "run" && row.device === device && row.shapeId === shapeId);
  const profiles = newestRecords(rows).filter((row) => ranOn(row) === place);
  const series = profileSeries(profiles).find((series) => series.arithmetic === arithmetic);
  if (!series || series.sum === null || series.wall === null || series.rows.some(({by}) => by !== "timestamps"))
    return null;
  const milliseconds = series.wall - series.sum;
  return milliseconds > 0 ? {milliseconds, sourceFile: series.rows[0]!.sourceFile} : null;
}

/** Microseconds of an exchange between so many workgroups: of the most that were measured up to there. */
function exchangeBetween(rows: readonly CostResultRow[], workgroups: number): number | undefined {
  const exchanges = rows.filter(
    ({variant, workgroups: count, microseconds}) =>
      /^exchange-\d+$/.test(variant) && microseconds !== null && count! <= workgroups
  );
  return exchanges.sort((a, b) => b.workgroups! - a.workgroups!)[0]?.microseconds ?? undefined;
}

const parts: readonly [keyof TokenBudget, string][] = [
  ["cores", "the cores at work, each as fast as one alone"],
  ["memory", "more, in stages that their one memory holds up"],
  ["boundaries", "launching dispatches, or waiting inside one, as the probe measured it"],
  ["rest", "everything else"],
  ["whole", "the token, as measured"]
];

/** The parts of each budget, one below the other. */
export function budgetTable(budgets: readonly DesignBudget[]): HTMLElement {
  if (budgets.length === 0) return html`<p>Not all the figures of this table are on record yet.</p>`;
  const name = ({design, count}: DesignBudget) =>
    design === "fused" ? `one dispatch, ${formatQuantity(count, "workgroup")}` : `${formatCount(count)} dispatches`;
  const places = [...new Set(budgets.map(({ranOn}) => ranOn))];
  const time = (milliseconds: number) => milliseconds.toFixed(3).replace("-", "−");
  return html`<div class="scrolls budgets" role="region" aria-label="Where the time of a token goes" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col" rowspan="2">ms a token</th>
          ${places.map(
            (place) =>
              html`<th scope="colgroup" colspan="${budgets.filter(({ranOn}) => ranOn === place).length}">${place}</th>`
          )}
        </tr>
        <tr>
          ${budgets.map((budget) => html`<th scope="col" class="number">${name(budget)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${parts.map(
          ([part, what]) =>
            html`<tr>
              <th scope="row">${what}</th>
              ${budgets.map((budget) => html`<td class="number">${time(budget[part])}</td>`)}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
