import {rollups, sum} from "d3";
import {html} from "htl";
import {stageOf, stages, type Stage} from "../decode/stages.js";
import type {Arithmetic} from "../decode/plan.js";
import type {Results} from "../lab/results-table.js";
import {costOf, fitCost, type CostModel, type TimedWork} from "../model-of-cost/cost-fit.js";
import type {TokenStage} from "../model-of-cost/layer-schedule.js";
import {timeStage, type Rates} from "../model-of-cost/token-budget.js";
import {formatCount} from "./format.js";
import {newestRecords, ranOn} from "./recorded.js";

/** A stage of the staged design: the least that one of its dispatches can take, and what it was measured to take, ms. */
export interface StageTime extends TimedWork {
  stage: Stage;
  /** Dispatches a token. */
  calls: number;
  /** By its busiest core, and by the memory; `least` is the larger. */
  geometry: number;
  memory: number;
}

/** What a dispatch takes, by what those of all stages take in one run. */
export interface StageCost {
  times: StageTime[];
  model: CostModel;
  sourceFile: string | null;
}

/**
 * The stages in the model's order, by the newest profile of a device in a runtime. A stage alone is dispatched over and
 * over, so that its time has what lies between two of its dispatches.
 * @param place "NVIDIA H200 in Chromium 156"
 * @returns null where no profile has timed all stages by timestamps, or no two numbers fit them.
 */
export function stageCost(
  results: Pick<Results, "stages">,
  place: string,
  {
    shapeId,
    arithmetic,
    schedule,
    rates
  }: {shapeId: string; arithmetic: Arithmetic; schedule: readonly TokenStage[]; rates: Rates}
): StageCost | null {
  const runs = results.stages.filter((row) => row.kind === "run" && ranOn(row) === place && row.shapeId === shapeId);
  const timed = newestRecords(runs).filter(
    (row) => row.arithmetic === arithmetic && row.by === "timestamps" && row.milliseconds !== null
  );
  const least = rollups(
    schedule,
    (calls) => {
      const total = (time: "cores" | "memory") => sum(calls, (stage) => stage.calls * timeStage(stage, rates)[time]);
      const count = sum(calls, ({calls}) => calls);
      return {geometry: total("cores") / count, memory: total("memory") / count};
    },
    ({name}) => stageOf(name)
  );
  const times = stages.flatMap((stage): StageTime[] => {
    const row = timed.find(({part}) => part === stage);
    const {geometry, memory} = least.find(([name]) => name === stage)![1];
    if (!row) return [];
    const milliseconds = row.milliseconds! / row.calls;
    return [
      {stage, calls: row.calls, geometry, memory, least: Math.max(geometry, memory), boundaries: 1, milliseconds}
    ];
  });
  const model = times.length === stages.length ? fitCost(times) : null;
  return model && {times, model, sourceFile: timed[0]!.sourceFile};
}

/** Each stage with its times, in the order of a token, and what the model gives for it. */
export function stageCostTable(costs: readonly {ranOn: string; stages: StageCost}[]): HTMLElement {
  const time = (milliseconds: number) => (1000 * milliseconds).toFixed(2);
  const [first] = costs;
  if (!first) return html`<p>No profile on record has the stages of this device.</p>`;
  return html`<div
    class="scrolls stage-cost"
    role="region"
    aria-label="What a dispatch of each stage takes"
    tabindex="0"
  >
    <table>
      <thead>
        <tr>
          <th scope="col">µs a dispatch</th>
          <th scope="col" class="number">Dispatches a token</th>
          <th scope="col" class="number">At least, by geometry</th>
          <th scope="col" class="number">At least, by memory</th>
          ${costs.flatMap(({ranOn}) => [
            html`<th scope="col" class="number">Measured, ${ranOn}</th>`,
            html`<th scope="col" class="number">By the two numbers</th>`
          ])}
        </tr>
      </thead>
      <tbody>
        ${first.stages.times.map(
          ({stage, calls, geometry, memory}, i) =>
            html`<tr data-stage="${stage}">
              <th scope="row"><code>${stage}</code></th>
              <td class="number">${formatCount(calls)}</td>
              <td class="number">${time(geometry)}</td>
              <td class="number">${time(memory)}</td>
              ${costs.flatMap(({stages: {times, model}}) => [
                html`<td class="number">${time(times[i]!.milliseconds)}</td>`,
                html`<td class="number"><span class="predicted">${time(costOf(times[i]!, model))}</span></td>`
              ])}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
