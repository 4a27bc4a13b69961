import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {costOf, errorOf, type CostModel} from "../model-of-cost/cost-fit.js";
import type {TokenStage} from "../model-of-cost/layer-schedule.js";
import {leastTime, ratesOf} from "../model-of-cost/token-budget.js";
import {formatCount, formatMilliseconds, formatNumber} from "./format.js";
import {cite} from "./recorded.js";

/** A measured token, and what the two numbers of its design say of it, which were not fitted to it. */
export interface Prediction {
  what: string;
  row: ResultRow;
  boundaries: number;
  /** Milliseconds. */
  predicted: number;
  measured: number;
  /** How much more is predicted, as a part of what was measured; negative where it is less. */
  error: number;
  /** The error where all that a boundary takes beyond the least is its own; null where that is not asked for. */
  plainError: number | null;
}

export interface PredictionTerms {
  what: string;
  row: ResultRow;
  /** One workgroup in the same arithmetic, and its token by the plan: how fast a core is. */
  alone: {row: ResultRow; stages: readonly TokenStage[]};
  /** The token by the plan. */
  stages: readonly TokenStage[];
  boundaries: number;
  model: CostModel;
  /** Of a boundary, if the work took no longer than the least, ms. */
  plainBoundary?: number;
  /** Bytes a second. */
  readBandwidth: number;
}

export function predict(terms: PredictionTerms): Prediction {
  const {what, row, alone, stages, boundaries, model, plainBoundary, readBandwidth} = terms;
  const rates = ratesOf({milliseconds: alone.row.millisecondsPerToken!, stages: alone.stages}, readBandwidth);
  const time = {least: leastTime(stages, rates), boundaries, milliseconds: row.millisecondsPerToken!};
  return {
    ...{what, row, boundaries, measured: time.milliseconds},
    predicted: costOf(time, model),
    error: errorOf(time, model),
    plainError: plainBoundary === undefined ? null : errorOf(time, {slowdown: 1, boundary: plainBoundary})
  };
}

/** "−7.6 %", "+2.7 %" */
export function formatError(error: number): string {
  return `${error < 0 ? "−" : "+"}${formatNumber(Math.abs(100 * error))}\u00a0%`;
}

/**
 * What was predicted beside what was measured.
 * @param plain what the error by the boundary alone is called
 */
export function predictionTable(predictions: readonly Prediction[], plain: string): HTMLElement {
  return html`<div class="scrolls predictions" role="region" aria-label="Predicted and measured" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col" style="min-width: 11em;">Not fitted to</th>
          <th scope="col" class="number">Boundaries a token</th>
          <th scope="col" class="number">Predicted</th>
          <th scope="col" class="number">Measured</th>
          <th scope="col" class="number">Error</th>
          <th scope="col" class="number">${plain}</th>
          <th scope="col" style="min-width: 14em;">Record</th>
        </tr>
      </thead>
      <tbody>
        ${predictions.map(
          ({what, row, boundaries, predicted, measured, error, plainError}) =>
            html`<tr>
              <th scope="row">${what}</th>
              <td class="number">${formatCount(boundaries)}</td>
              <td class="number"><span class="predicted">${formatMilliseconds(predicted)}</span></td>
              <td class="number"><span class="recorded">${formatMilliseconds(measured)}</span></td>
              <td class="number">${formatError(error)}</td>
              <td class="number">${plainError === null ? "–" : formatError(plainError)}</td>
              <td>${cite(row)}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
