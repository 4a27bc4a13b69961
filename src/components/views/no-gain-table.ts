import {median} from "d3";
import {html} from "htl";
import type {Arithmetic} from "../decode/plan.js";
import type {CostResultRow} from "../lab/cost-row.js";
import type {ResultRow} from "../lab/result-row.js";
import {formatMicroseconds, formatNumber, formatPercent, formatRate} from "./format.js";
import {leastGain} from "./ladder.js";
import {ranOn} from "./recorded.js";
import {equalWithin} from "./repeats.js";

/** Something that was tried instead of something else, and measured in the same run. */
export interface Attempt {
  what: string;
  /**
   * A row's id without what its file's name begins with: "chunks/fused" of "h200-chunks/fused". Several are the same
   * kernel, measured as often in that record.
   */
  before: string | readonly string[];
  after: string;
}

/** An attempt in one run on record. */
export interface Outcome {
  what: string;
  ranOn: string;
  /** Of both rows; null where they decode nothing, or in two arithmetics. */
  arithmetic: Arithmetic | null;
  before: string;
  after: string;
  /** How many times as fast as before. */
  ratio: number;
  /** Whether the two differ by no more than the same kernel measured again. */
  equal: boolean;
  /** The record of it, as a link. */
  sourceUrl: string | null;
}

export interface NoGainOptions {
  /** What names of files begin with, the first runtime first. */
  files?: readonly string[];
  /** By which part two figures may differ and count as equal. */
  equal?: number;
}

/** What gave nothing, or less: attempts in each runtime that has both rows, without those that are faster by more than `equal`. */
export function noGains(
  {rows, costs}: {rows: readonly ResultRow[]; costs: readonly CostResultRow[]},
  attempts: readonly Attempt[],
  {files = ["h200", "h200-chromium"], equal = equalWithin(rows)}: NoGainOptions = {}
): Outcome[] {
  const figures = new Map([...rows.map(decoded), ...costs.map(paid)].map((figure) => [figure.id, figure]));
  return attempts.flatMap(({what, before, after}) =>
    files.flatMap((file) => {
      const to = figures.get(`${file}-${after}`);
      const from = [before].flat().map((id) => figures.get(`${file}-${id}`));
      if (!to?.speed || !from.every((figure) => figure?.speed)) return [];
      const rows = (from as Figure[]).toSorted((a, b) => a.speed! - b.speed!);
      const speed = median(rows, ({speed}) => speed)!;
      const ratio = to.speed / speed;
      if (ratio > 1 + equal) return [];
      const {ranOn, sourceUrl, arithmetic} = to;
      return [
        {
          ...{what, ranOn, sourceUrl},
          arithmetic: rows.every((row) => row.arithmetic === arithmetic) ? arithmetic : null,
          before: rows.length > 1 ? formatRate(speed) : rows[0]!.text,
          after: to.text,
          ratio,
          equal: ratio >= 1 / (1 + equal)
        }
      ];
    })
  );
}

/** A row by its speed. */
interface Figure {
  id: string;
  ranOn: string;
  sourceUrl: string | null;
  arithmetic: Arithmetic | null;
  speed: number | null;
  text: string;
}

const decoded = (row: ResultRow): Figure => ({
  id: row.id,
  ranOn: ranOn(row),
  sourceUrl: row.sourceUrl,
  arithmetic: row.arithmetic,
  speed: row.tokensPerSecond,
  text: row.tokensPerSecond === null ? "" : formatRate(row.tokensPerSecond)
});

const paid = (row: CostResultRow): Figure => ({
  id: row.id,
  ranOn: ranOn(row),
  sourceUrl: row.sourceUrl,
  arithmetic: null,
  speed: row.microseconds && 1 / row.microseconds,
  text: row.microseconds === null ? "" : formatMicroseconds(row.microseconds)
});

const arithmeticNames: Record<Arithmetic, string> = {float32: "float32", int16: "16\u2011bit integers"};

/** How much faster one of the reader's own rows has to be than another: "2 %". */
export const leastGainText = formatPercent(leastGain - 1);

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
          ({what, ranOn, arithmetic, before, after, ratio, equal, sourceUrl}) =>
            html`<tr>
              <th scope="row">${what}</th>
              <td class="number">${before}</td>
              <td class="number">${after}</td>
              <td class="number">${formatNumber(ratio)}${equal ? ", no difference" : ""}</td>
              <td>
                ${sourceUrl ? html`<a href="${sourceUrl}">${ranOn}</a>` : ranOn}${
                  arithmetic ? `, ${arithmeticNames[arithmetic]}` : ""
                }
              </td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
