import {html} from "htl";
import type {CostResultRow} from "../lab/cost-row.js";
import type {ResultRow} from "../lab/result-row.js";
import {formatMicroseconds, formatNumber, formatRate} from "./format.js";
import {leastGain} from "./ladder.js";
import {ranOn} from "./recorded.js";

/** Something that was tried instead of something else, and measured in the same run. */
export interface Attempt {
  what: string;
  /** A row's id without what its file's name begins with: "chunks/fused" of "h200-chunks/fused". */
  before: string;
  after: string;
}

/** An attempt in one run on record. */
export interface Outcome {
  what: string;
  ranOn: string;
  before: string;
  after: string;
  /** How many times as fast as before. */
  ratio: number;
}

/**
 * What gave nothing or less: attempts in each runtime that has both rows, without those that are faster by more than
 * samples scatter.
 * @param files what names of files begin with, the first runtime first
 */
export function noGains(
  {rows, costs}: {rows: readonly ResultRow[]; costs: readonly CostResultRow[]},
  attempts: readonly Attempt[],
  files: readonly string[] = ["h200", "h200-chromium"]
): Outcome[] {
  const figures = new Map([...rows.map(decoded), ...costs.map(paid)].map((figure) => [figure.id, figure]));
  return attempts.flatMap(({what, before, after}) =>
    files.flatMap((file) => {
      const [from, to] = [before, after].map((id) => figures.get(`${file}-${id}`));
      if (!from?.speed || !to?.speed || to.speed / from.speed >= leastGain) return [];
      return [{what, ranOn: to.ranOn, before: from.text, after: to.text, ratio: to.speed / from.speed}];
    })
  );
}

const decoded = (row: ResultRow) => ({
  id: row.id,
  ranOn: ranOn(row),
  speed: row.tokensPerSecond,
  text: row.tokensPerSecond === null ? "" : formatRate(row.tokensPerSecond)
});

const paid = (row: CostResultRow) => ({
  id: row.id,
  ranOn: ranOn(row),
  speed: row.microseconds && 1 / row.microseconds,
  text: row.microseconds === null ? "" : formatMicroseconds(row.microseconds)
});

/** The outcomes, one below the other, or that everything helped. */
export function noGainTable(outcomes: readonly Outcome[]): HTMLElement {
  if (outcomes.length === 0) return html`<p>Of what is on record, everything helped.</p>`;
  return html`<div class="scrolls no-gain-table" role="region" aria-label="What did not help" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">What was tried</th>
          <th scope="col" class="number">Without</th>
          <th scope="col" class="number">With</th>
          <th scope="col" class="number">Times as fast</th>
          <th scope="col" style="min-width: 7em;">Where</th>
        </tr>
      </thead>
      <tbody>
        ${outcomes.map(
          ({what, ranOn, before, after, ratio}) =>
            html`<tr>
              <th scope="row">${what}</th>
              <td class="number">${before}</td>
              <td class="number">${after}</td>
              <td class="number">${formatNumber(ratio)}</td>
              <td>${ranOn}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
