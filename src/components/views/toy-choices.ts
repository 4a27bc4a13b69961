import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {formatCount, formatNumber} from "./format.js";
import {ranOn} from "./recorded.js";

/** The speed of each variant at each size on record, or a sentence where none is. */
export function toyChoices(rows: readonly ResultRow[]): HTMLElement {
  const table = variantsBySize(rows);
  if (table === null)
    return html`<p>No run is on record yet. The table of the panel has these rows for your device.</p>`;
  const {sizes, variants} = table;
  return html`<div class="scrolls" role="region" aria-label="Speed of each variant by size" tabindex="0">
    <table>
      <caption style="text-align: left;">
        Tokens per second, ${table.ranOn}
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

/** Speeds of the newest device on record by variant and size, the newest record of a size counting; null of none. */
export function variantsBySize(rows: readonly ResultRow[]) {
  const newest = rows.find((row) => ranOn(row) === row.device) ?? rows[0]; // not a browser's where there is another
  if (!newest) return null;
  const variants = new Map<string, Map<number, number>>();
  for (const row of rows.filter((row) => ranOn(row) === ranOn(newest))) {
    const [, name, size] = /^(.*), (\d+) wide$/.exec(row.label) ?? [];
    if (name === undefined || row.tokensPerSecond === null) continue;
    const speeds = variants.get(name) ?? new Map<number, number>();
    if (!speeds.has(Number(size))) speeds.set(Number(size), row.tokensPerSecond);
    variants.set(name, speeds);
  }
  const sizes = [...new Set([...variants.values()].flatMap((speeds) => [...speeds.keys()]))].sort((a, b) => a - b);
  return variants.size === 0 ? null : {ranOn: ranOn(newest), sizes, variants};
}
