import {html} from "htl";
import type {Trial, Tuning} from "../lab/tuning-record.js";
import {formatNumber} from "./format.js";

/** Trials by what came of them. */
export interface SortedTrials {
  /** Faster than two equal kernels may differ, and slower. */
  faster: Trial[];
  slower: Trial[];
  /** Within what two equal kernels may differ by. */
  equal: Trial[];
}

/** The trials of a tuning by their difference, whatever was done with them. */
export function sortTrials({trials, indistinguishable}: Pick<Tuning, "trials" | "indistinguishable">): SortedTrials {
  const isEqual = (trial: Trial) => Math.abs(gain(trial)) <= indistinguishable;
  return {
    faster: trials.filter((trial) => gain(trial) > 0 && !isEqual(trial)),
    slower: trials.filter((trial) => gain(trial) < 0 && !isEqual(trial)),
    equal: trials.filter(isEqual)
  };
}

/**
 * Changes that were tried on a kernel, the largest gain or loss first.
 * @param showVerdict whether to say of each if the kernel has it now
 */
export function tuningTable(title: string, trials: readonly Trial[], {showVerdict = false} = {}): HTMLElement {
  const sorted = [...trials].sort((a, b) => Math.abs(gain(b)) - Math.abs(gain(a)));
  return html`<div class="scrolls tuning-table" role="region" aria-label="${title}" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">${title}</th>
          <th scope="col" class="number">Before (tok/s)</th>
          <th scope="col" class="number">After (tok/s)</th>
          <th scope="col" class="number">Difference</th>
          ${showVerdict ? html`<th scope="col">In the kernel now</th>` : null}
        </tr>
      </thead>
      <tbody>
        ${sorted.map(
          (trial) =>
            html`<tr>
              <th scope="row" style="min-width: 11em;">${withCode(trial.change)}</th>
              <td class="number">${formatNumber(trial.beforeTokensPerSecond)}</td>
              <td class="number">${formatNumber(trial.afterTokensPerSecond)}</td>
              <td class="number">
                ${gain(trial) < 0 ? "−" : "+"}${formatNumber(Math.round(1000 * Math.abs(gain(trial))) / 10)} %
              </td>
              ${showVerdict ? html`<td>${trial.verdict === "kept" ? "yes" : "no"}</td>` : null}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}

/** The part by which a change made the kernel faster. */
function gain({beforeTokensPerSecond: before, afterTokensPerSecond: after}: Trial): number {
  return after / before - 1;
}

/** What stands between backticks is code. */
function withCode(text: string): (string | HTMLElement)[] {
  return text.split("`").map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}
