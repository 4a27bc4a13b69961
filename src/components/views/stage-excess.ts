import {rollups, sum} from "d3";
import {html} from "htl";
import {stageOf, stages, type Stage} from "../decode/stages.js";
import type {Arithmetic} from "../decode/plan.js";
import type {Results} from "../lab/results-table.js";
import type {TokenStage} from "../model-of-cost/layer-schedule.js";
import {timeStage, type Rates} from "../model-of-cost/token-budget.js";
import {formatCount} from "./format.js";
import {newestRecords, ranOn} from "./recorded.js";

/** A stage of the staged design: the least that one of its dispatches can take, and what it was measured to take, in µs. */
export interface StageExcess {
  stage: Stage;
  /** Dispatches a token. */
  calls: number;
  geometry: number;
  memory: number;
  /** The larger of the two. */
  least: number;
  /** GPU time in each runtime, Node's first. */
  measured: {ranOn: string; microseconds: number}[];
  /** What the first of them has more than the least. */
  excess: number;
}

/**
 * The stages that a profile on record has timed, in the model's order; none where no profile has all of them by
 * timestamps. A stage alone is dispatched over and over, so that its time has what lies between two of its dispatches.
 */
export function stageExcesses(
  results: Pick<Results, "stages">,
  {
    device,
    shapeId,
    arithmetic,
    schedule,
    rates
  }: {device: string; shapeId: string; arithmetic: Arithmetic; schedule: readonly TokenStage[]; rates: Rates}
): StageExcess[] {
  const runs = results.stages.filter((row) => row.kind === "run" && row.device === device && row.shapeId === shapeId);
  const timed = newestRecords(runs).filter(
    (row) => row.arithmetic === arithmetic && row.by === "timestamps" && row.milliseconds !== null
  );
  const least = rollups(
    schedule,
    (calls) => {
      const total = (time: "cores" | "memory") => sum(calls, (stage) => stage.calls * timeStage(stage, rates)[time]);
      const count = sum(calls, ({calls}) => calls);
      return {geometry: (1000 * total("cores")) / count, memory: (1000 * total("memory")) / count};
    },
    ({name}) => stageOf(name)
  );
  const found = stages.map((stage) => {
    const {geometry = 0, memory = 0} = least.find(([name]) => name === stage)?.[1] ?? {};
    const rows = timed.filter(({part}) => part === stage);
    const measured = rows.map((row) => ({
      ranOn: ranOn(row),
      microseconds: (1000 * row.milliseconds!) / row.calls
    }));
    const atLeast = Math.max(geometry, memory);
    return {
      ...{stage, calls: rows[0]?.calls ?? 0, geometry, memory, least: atLeast, measured},
      excess: (measured[0]?.microseconds ?? 0) - atLeast
    };
  });
  return found.every(({measured}) => measured.length > 0) ? found : [];
}

/** Milliseconds of a token that its stages take beyond the least, each timed alone. */
export function excessPerToken(excesses: readonly StageExcess[]): number {
  return sum(excesses, ({excess, calls}) => (excess * calls) / 1000);
}

/** Of all pairs of stages: in how many the one that has more to do, by the least it can take, also has more excess. */
export function growingPairs(excesses: readonly StageExcess[]): {growing: number; all: number} {
  const pairs = excesses.flatMap((a, i) =>
    excesses.slice(i + 1).map((b) => (a.least - b.least) * (a.excess - b.excess))
  );
  return {growing: pairs.filter((product) => product > 0).length, all: pairs.length};
}

/** Each stage with its times, in the order of a token. */
export function excessTable(excesses: readonly StageExcess[]): HTMLElement {
  if (excesses.length === 0) return html`<p>No profile on record has the stages of this device.</p>`;
  const places = [...new Set(excesses.flatMap(({measured}) => measured.map(({ranOn}) => ranOn)))];
  const time = (microseconds: number) => microseconds.toFixed(2).replace("-", "−");
  return html`<div
    class="scrolls stage-excess"
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
          ${places.map((place) => html`<th scope="col" class="number">Measured, ${place}</th>`)}
          <th scope="col" class="number">Excess, ${places[0]}</th>
          <th scope="col" class="number">Excess a token (ms)</th>
        </tr>
      </thead>
      <tbody>
        ${excesses.map(
          ({stage, calls, geometry, memory, measured, excess}) =>
            html`<tr data-stage="${stage}">
              <th scope="row"><code>${stage}</code></th>
              <td class="number">${formatCount(calls)}</td>
              <td class="number">${time(geometry)}</td>
              <td class="number">${time(memory)}</td>
              ${places.map((place) => {
                const found = measured.find(({ranOn}) => ranOn === place);
                return html`<td class="number">${found ? time(found.microseconds) : "–"}</td>`;
              })}
              <td class="number">${time(excess)}</td>
              <td class="number">${((excess * calls) / 1000).toFixed(3).replace("-", "−")}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
