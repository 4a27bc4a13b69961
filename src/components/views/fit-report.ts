import {group} from "d3";
import {html} from "htl";
import {
  activationTile,
  fewestDispatches,
  hiddenStep,
  largestHidden,
  layerBindings,
  mostLayers,
  sizesOf,
  whyNoFit
} from "../decode/capacity.js";
import type {Largest} from "../decode/capacity.js";
import type {Factoring} from "../decode/plan.js";
import {groupSize, layerMatrices, type Shape} from "../model/shape.js";
import {formatBytes, formatCount, formatQuantity} from "./format.js";
import type {NamedOffer} from "./offers.js";

/** Those that differ in what they bind: `unfused` binds what `staged` does. */
const designs = {
  fused: "one dispatch",
  chunked: "some layers a dispatch",
  staged: "a dispatch a stage"
} satisfies Partial<Record<Factoring, string>>;

type Design = keyof typeof designs;

const designNames = Object.keys(designs) as Design[];

/** What a shape takes, with the arithmetic. */
export function sizesTable(shape: Shape): HTMLElement {
  const {layer, ends, layerCache, all} = sizesOf(shape);
  const {hidden, layers, vocabulary, kvHeads, headDim, context} = shape;
  const matrices = Object.values(layerMatrices(shape));
  const product = ({rows, columns}: {rows: number; columns: number}) =>
    `${formatCount(rows)} × ${formatCount(columns)}`;
  const weights = matrices.reduce((sum, {rows, columns}) => sum + rows * columns, 0);
  const each = `(1/2 + 2/${groupSize}) bytes`;
  const rows = [
    [
      "A layer",
      `${matrices.map(product).join(" + ")} = ${formatCount(weights)} weights of ${each}, and 2 norms of ${formatCount(hidden)} × 2 bytes`,
      layer
    ],
    [
      "The ends: embedding, LM head, last norm",
      `2 × ${formatCount(vocabulary)} × ${formatCount(hidden)} weights of ${each}, and ${formatCount(hidden)} × 2 bytes`,
      ends
    ],
    [
      "KV cache of a layer",
      `2 × ${formatCount(kvHeads)} × ${formatCount(headDim)} × ${formatCount(context)} positions × 4 bytes`,
      layerCache
    ],
    [
      `KV cache of ${formatQuantity(layers, "layer")}`,
      `${formatCount(layers)} × ${formatBytes(layerCache)}`,
      layers * layerCache
    ],
    [
      "All together",
      `${formatCount(layers)} × (${formatBytes(layer)} + ${formatBytes(layerCache)}) + ${formatBytes(ends)}`,
      all
    ]
  ] as const;
  return html`<div class="scrolls sizes" role="region" aria-label="What this model takes" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col" class="number">Bytes</th>
          <th scope="col">Arithmetic</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([what, arithmetic, bytes]) =>
            html`<tr>
              <th scope="row">${what}</th>
              <td class="number"><strong>${formatBytes(bytes)}</strong><br /><small>${formatCount(bytes)}</small></td>
              <td>${arithmetic}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}

/** For each device and each design, whether a shape fits, and the largest that would. */
export function fitReport(shape: Shape, offers: readonly NamedOffer[]): HTMLElement {
  return html`<div class="scrolls fit-report" role="region" aria-label="What fits each design" tabindex="0">
    <table style="max-width: none;">
      <thead>
        <tr>
          <th scope="col" style="min-width: 6em;">Design</th>
          <th scope="col">Fits</th>
          <th scope="col" class="number">Bindings of layers</th>
          <th scope="col" class="number">Most layers of ${formatCount(shape.hidden)}</th>
          <th scope="col" class="number">Largest hidden size of ${formatQuantity(shape.layers, "layer")}</th>
        </tr>
      </thead>
      ${offers.map(
        (offer) =>
          html`<tbody>
            ${groupHeader(offer)} ${designNames.flatMap((factoring) => fitRow(shape, factoring, offer))}
          </tbody>`
      )}
    </table>
  </div>`;
}

function groupHeader({name, origin}: NamedOffer): HTMLElement {
  return html`<tr>
    <th scope="rowgroup" colspan="5">${origin ? html`<span class="${origin}">${name}</span>` : name}</th>
  </tr>`;
}

/** The row of a design, and its reasons; some layers a dispatch fit where a dispatch a stage does, which follows with both's. */
function fitRow(shape: Shape, factoring: Design, offer: NamedOffer): HTMLElement[] {
  const reason = whyNoFit(shape, factoring, offer);
  const layers = mostLayers(shape, factoring, offer);
  const hidden = largestHidden(shape, factoring, offer);
  const division = factoring === "chunked" ? fewestDispatches(shape, offer) : null;
  const bindings = {
    fused: () => layerBindings(shape, offer),
    chunked: () => division && division.bindings,
    staged: () => 1
  }[factoring]();
  const fits = division && division.dispatches > 1 ? `yes, in at least ${formatCount(division.dispatches)}` : "yes";
  const ends = [
    {what: "This size", why: reason},
    {what: formatQuantity(layers.value + 1, "layer"), why: layers.reason},
    {what: `Hidden size ${formatCount(hidden.value + hiddenStep(shape))}`, why: hidden.reason}
  ];
  const row = html`<tr data-fits="${reason === null}" data-design="${factoring}">
    <td>${designs[factoring]}</td>
    <td><strong>${reason === null ? fits : "no"}</strong></td>
    <td class="number">${bindings === null ? "–" : formatCount(bindings)}</td>
    <td class="number">
      ${count(layers)}
      ${layers.value > 0 ? html`<br /><small>${formatBytes(sizesOf({...shape, layers: layers.value}).all)}</small>` : null}
    </td>
    <td class="number">${count(hidden)}</td>
  </tr>`;
  const reasons = html`<tr class="reasons">
    <td colspan="5">${belowRow(whatEnds(ends))}</td>
  </tr>`;
  return factoring === "chunked" ? [row] : [row, reasons];
}

/** A second line across a row, which stays in sight where the table is wider than the page. */
function belowRow(content: Node): HTMLElement {
  return html`<div style="position: sticky; left: 0; width: fit-content; max-width: min(100%, calc(100vw - 4rem));">
    ${content}
  </div>`;
}

/** Each reason once, after what it is of: this size, one layer more than fit, one step of the hidden size more. */
function whatEnds(ends: readonly {what: string; why: string | null}[]): HTMLElement {
  const reasons = [...group(ends, ({why}) => why)].flatMap(([why, cases]) =>
    why === null ? [] : [{why, what: cases.map(({what}) => what).join(", ")}]
  );
  if (reasons.length === 0) return html`<small>The GPU’s memory, which WebGPU does not tell.</small>`;
  return html`<div>
    ${reasons.map(
      ({what, why}) =>
        html`<p style="margin: 0;">
          <small><strong>${what}:</strong> ${withCommas(why)}</small>
        </p>`
    )}
  </div>`;
}

/** How the input of the widest matrix lies in workgroup memory on each device. */
export function tileTable(shape: Shape, offers: readonly NamedOffer[]): HTMLElement {
  return html`<div class="scrolls tiles" role="region" aria-label="Activations in workgroup memory" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Limits of</th>
          <th scope="col">Arithmetic</th>
          <th scope="col" class="number">One workgroup of</th>
          <th scope="col" class="number">Whole input</th>
          <th scope="col" class="number">Held at once</th>
          <th scope="col" class="number">Pieces</th>
        </tr>
      </thead>
      <tbody>
        ${offers.map((offer) => tileRow(shape, offer))}
      </tbody>
    </table>
  </div>`;
}

function tileRow(shape: Shape, offer: NamedOffer): HTMLElement {
  const {arithmetic, workgroupSize, groups, tileGroups, pieces, groupBytes} = activationTile(shape, offer);
  return html`<tr>
    <th scope="row">${offer.origin ? html`<span class="${offer.origin}">${offer.name}</span>` : offer.name}</th>
    <td>${arithmetic === "int16" ? "16-bit integers" : "float32"}</td>
    <td class="number">${formatCount(workgroupSize)}</td>
    <td class="number">${formatCount(groups)} × ${groupBytes} B = ${formatBytes(groups * groupBytes)}</td>
    <td class="number">${formatCount(tileGroups)} × ${groupBytes} B = ${formatBytes(tileGroups * groupBytes)}</td>
    <td class="number">${formatCount(pieces)}</td>
  </tr>`;
}

/** Models of known sizes: what each takes, and which designs have room for it on each device. */
export function presetsTable(presets: readonly Shape[], offers: readonly NamedOffer[]): HTMLElement {
  return html`<div class="scrolls presets" role="region" aria-label="Known sizes" tabindex="0">
    <table style="max-width: none;">
      <thead>
        <tr>
          <th scope="col" style="min-width: 9em;">Model</th>
          <th scope="col" class="number">A layer</th>
          <th scope="col" class="number">The ends</th>
          <th scope="col" class="number">All together</th>
          ${offers.map(({name}) => html`<th scope="col" style="min-width: 8em;">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${presets.flatMap((shape) => {
          const {layer, ends, all} = sizesOf(shape);
          const row = html`<tr data-preset="${shape.id}">
            <th scope="row">${shape.label}</th>
            ${[layer, ends, all].map((bytes) => html`<td class="number">${formatBytes(bytes)}</td>`)}
            ${offers.map((offer) => html`<td>${verdict(shape, offer)}</td>`)}
          </tr>`;
          return [row, reasonsRow(shape, offers)];
        })}
      </tbody>
    </table>
  </div>`;
}

function verdict(shape: Shape, offer: NamedOffer): Node {
  const unfit = designNames.filter((factoring) => whyNoFit(shape, factoring, offer) !== null);
  const fit = designNames.filter((factoring) => !unfit.includes(factoring));
  if (fit.length === 0) return html`<strong>none fits</strong>`;
  if (unfit.length === 0) {
    return html`<span
      ><strong>all fit</strong>, one dispatch with ${formatQuantity(layerBindings(shape, offer)!, "binding")} of
      layers</span
    >`;
  }
  const names = fit.map((factoring) =>
    factoring === "chunked"
      ? `${designs.chunked} (at least ${formatCount(fewestDispatches(shape, offer)!.dispatches)})`
      : designs[factoring]
  );
  return html`<strong>${names.join(", ")}</strong>`;
}

/** Why a model does not fit, each reason once with the offers that it is of; nothing where all have room for it. */
function reasonsRow(shape: Shape, offers: readonly NamedOffer[]): HTMLElement | null {
  const cases = offers.flatMap((offer) => {
    const reasons = new Set(designNames.map((factoring) => whyNoFit(shape, factoring, offer)));
    return [...reasons].flatMap((why) => (why === null ? [] : [{name: offer.name, why}]));
  });
  if (cases.length === 0) return null;
  const reasons = [...group(cases, ({why}) => why)].map(
    ([why, of]) =>
      html`<p style="margin: 0;">
        <small><strong>${of.map(({name}) => name).join(", ")}:</strong> ${withCommas(why)}</small>
      </p>`
  );
  return html`<tr class="reasons">
    <td colspan="${4 + offers.length}">${belowRow(html`<div>${reasons}</div>`)}</td>
  </tr>`;
}

function count({value, reason}: Largest): string {
  return reason === null ? `over ${formatCount(value)}` : value === 0 ? "none" : formatCount(value);
}

/** Long numbers in a sentence as this page writes them. */
function withCommas(sentence: string): string {
  return sentence.replace(/\d{4,}/g, (digits) => formatCount(Number(digits)));
}
