import {html} from "htl";
import {largestPublishedHidden, publishedLayerBytes, publishedWorkgroupMemory} from "../decode/published-design.js";
import {formatBytes, formatCount} from "./format.js";
import type {NamedOffer} from "./offers.js";

/** Hidden sizes of the published page, and the one of Phi-3-mini. */
const hiddenSizes = [128, 256, 512, 768, 1024, 2048, 3072, 4096, 8192];

/** The arithmetic of the published kernels at its hidden sizes, against the limits of each offer. */
export function publishedTable(offers: readonly NamedOffer[]): HTMLElement {
  const memory = ({limits}: NamedOffer) => limits.maxComputeWorkgroupStorageSize!;
  const fits = (bytes: number) => {
    const roomy = offers.filter((offer) => bytes <= memory(offer)).map(({name}) => name);
    return roomy.length === offers.length ? "on all" : roomy.length === 0 ? "on none" : `on ${roomy.join(", ")}`;
  };
  const cells = (hidden: number) =>
    [false, true].map((tiled) => {
      const bytes = publishedWorkgroupMemory(hidden, {tiled});
      return html`<td class="number">${formatCount(bytes)} B<br /><small>fits ${fits(bytes)}</small></td>`;
    });
  const largest = (tiled: boolean) =>
    offers.map(
      (offer) =>
        html`<div>
          ${formatCount(largestPublishedHidden(memory(offer), {tiled}))} <small>with ${offer.name}</small>
        </div>`
    );
  return html`<div class="scrolls published" role="region" aria-label="The published design" tabindex="0">
    <table style="max-width: none;">
      <thead>
        <tr>
          <th scope="col">Hidden size</th>
          <th scope="col" class="number" style="min-width: 12em;">All of the FFN at once</th>
          <th scope="col" class="number" style="min-width: 12em;">FFN in tiles of 256</th>
          <th scope="col" class="number">A layer in float32</th>
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
