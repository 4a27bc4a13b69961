import {html} from "htl";
import {largestPublishedHidden, publishedLayerBytes, publishedWorkgroupMemory} from "../decode/published-design.js";
import {formatBytes, formatCount} from "./format.js";
import type {NamedOffer} from "./offers.js";

/** Hidden sizes of the published page, and the one of Phi-3-mini. */
const hiddenSizes = [128, 256, 512, 768, 1024, 2048, 3072, 4096, 8192];

/** The arithmetic of the published kernels at its hidden sizes, against the workgroup memory of each offer. */
export function publishedTable(offers: readonly NamedOffer[]): HTMLElement {
  const memories = [...new Set(offers.map(({limits}) => limits.maxComputeWorkgroupStorageSize!))].sort((a, b) => a - b);
  const verdict = (bytes: number) => {
    const enough = memories.find((memory) => bytes <= memory);
    return enough === undefined ? "more than any of them" : `within ${formatCount(enough)} B`;
  };
  const cells = (hidden: number) =>
    [false, true].map((tiled) => {
      const bytes = publishedWorkgroupMemory(hidden, {tiled});
      return html`<td class="number">${formatCount(bytes)} B<br /><small>${verdict(bytes)}</small></td>`;
    });
  const largest = (tiled: boolean) =>
    memories.map(
      (memory) =>
        html`<div>
          <strong>${formatCount(largestPublishedHidden(memory, {tiled}))}</strong>
          <small>within ${formatCount(memory)} B</small>
        </div>`
    );
  return html`<div class="scrolls published" role="region" aria-label="The published design" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Hidden size D</th>
          <th scope="col" class="number">All of the FFN at once: (5D + 64) × 4</th>
          <th scope="col" class="number">FFN in tiles: (D + 256 + 64) × 4</th>
          <th scope="col" class="number">A layer: (12D² + 9D) × 4</th>
        </tr>
      </thead>
      <tbody>
        ${hiddenSizes.map(
          (hidden) =>
            html`<tr>
              <th scope="row">${formatCount(hidden)}</th>
              ${cells(hidden)}
              <td class="number">${formatBytes(publishedLayerBytes(hidden))}</td>
            </tr>`
        )}
        <tr>
          <th scope="row">Largest that fits</th>
          <td class="number">${largest(false)}</td>
          <td class="number">${largest(true)}</td>
          <td class="number">–</td>
        </tr>
      </tbody>
    </table>
  </div>`;
}
