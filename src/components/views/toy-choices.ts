import {group} from "d3";
import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {formatCount, formatNumber} from "./format.js";
import {browsersLast, ranOn} from "./recorded.js";

/** The speed of each variant at each size on record, a table for each runtime, or a sentence where there is no record. */
export function toyChoices(rows: readonly ResultRow[]): HTMLElement {
  const tables = variantsBySize(rows);
  if (tables.length === 0)
    return html`<p>No run is on record yet. The table of the panel has these rows for your device.</p>`;
  return html`<div>${tables.map(choicesTable)}</div>`;
}

function choicesTable({ranOn, sizes, variants}: VariantsBySize): HTMLElement {
  return html`<div class="scrolls" role="region" aria-label="Speed of each variant by size, ${ranOn}" tabindex="0">
    <table>
      <caption style="text-align: left;">
        Tokens per second (tok/s), ${ranOn}
      </caption>
      <thead>
        <tr>
          <th scope="col">variant</th>
          ${sizes.map((size) => html`<th scope="col" class="number">${formatCount(size)} wide</th>`)}
        </tr>
      </thead>
      <tbody>
        ${Array.from(
          variants,
          ([name, speeds]) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${sizes.map((size) => {
                const speed = speeds.get(size);
                return html`<td class="number">${speed === undefined ? "–" : formatNumber(speed)}</td>`;
              })}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}

/** What one runtime of a device decodes, in tok/s. */
export interface VariantsBySize {
  ranOn: string;
  /** Hidden sizes, the smallest first. */
  sizes: number[];
  /** By a variant's label and the hidden size. */
  variants: Map<string, Map<number, number>>;
}

/** Speeds of the newest device on record, a browser's last; the newest record of a size counts. */
export function variantsBySize(rows: readonly ResultRow[]): VariantsBySize[] {
  const places = group(browsersLast(rows.filter(({device}) => device === rows[0]!.device)), ranOn);
  return Array.from(places, ([ranOn, rows]) => {
    const variants = new Map<string, Map<number, number>>();
    for (const row of rows) {
      const [, name, size] = /^(.*), (\d+) wide$/.exec(row.label) ?? [];
      if (name === undefined || row.tokensPerSecond === null) continue;
      const speeds = variants.get(name) ?? new Map<number, number>();
      if (!speeds.has(Number(size))) speeds.set(Number(size), row.tokensPerSecond);
      variants.set(name, speeds);
    }
    const sizes = [...new Set([...variants.values()].flatMap((speeds) => [...speeds.keys()]))].sort((a, b) => a - b);
    return {ranOn, sizes, variants};
  }).filter(({variants}) => variants.size > 0);
}
