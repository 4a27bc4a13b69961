import {html} from "htl";
import type {TokenBudget} from "../model-of-cost/token-budget.js";
import type {DesignBudget} from "./device-cost.js";
import {formatCount, formatMicroseconds, formatQuantity} from "./format.js";

const parts: readonly [keyof TokenBudget, string][] = [
  ["cores", "the cores at work, each as fast as one alone"],
  ["memory", "more, in stages that their one memory holds up"],
  ["slower", "the same work, slower than that"],
  ["boundaries", "boundaries, with what comes with each"],
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
  const price = ({boundaryCount, model}: DesignBudget) =>
    html`<br /><small>${formatCount(boundaryCount)} × ${formatMicroseconds(1000 * model.boundary)}</small>`;
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
              ${budgets.map(
                (budget) =>
                  html`<td class="number">${time(budget[part])}${part === "boundaries" ? price(budget) : null}</td>`
              )}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
