import {html} from "htl";
import {limitNames} from "../gpu/device.js";
import {formatBytes, formatCount} from "./format.js";
import type {NamedOffer} from "./offers.js";

/** What a limit is to this notebook: what needs it, and what it decides. */
export const limitUses: Record<(typeof limitNames)[number], {bytes: boolean; need: string; decides: string}> = {
  maxBufferSize: {
    bytes: true,
    need: "A buffer holds several layers of weights, another the KV cache of all layers.",
    decides: "how many layers the staged design has at most, whose KV cache is one buffer"
  },
  maxStorageBufferBindingSize: {
    bytes: true,
    need: "A kernel sees a buffer through a binding: the weights of one layer or more, and the two ends of the model.",
    decides: "whether the embedding and the LM head fit at all, and how many layers lie behind one binding"
  },
  maxStorageBuffersPerShaderStage: {
    bytes: false,
    need: "The fused kernel has five bindings beside those of the layers: ends, rotations, KV cache, activations, state.",
    decides: "how many bindings are left for the layers; the kernel is written for three at most"
  },
  maxComputeWorkgroupStorageSize: {
    bytes: true,
    need: "A workgroup shares the input of a matrix, partial sums, and the queries and keys of attention.",
    decides: "whether that input is there at once or piece by piece, and how large a workgroup can be beside it"
  },
  maxComputeInvocationsPerWorkgroup: {
    bytes: false,
    need: "The one workgroup of the fused design has up to 1,024 invocations.",
    decides: "how many loads that workgroup can have under way"
  },
  maxComputeWorkgroupSizeX: {
    bytes: false,
    need: "Those invocations are in one dimension.",
    decides: "the same, if it is the smaller one"
  },
  maxComputeWorkgroupSizeY: {
    bytes: false,
    need: "Nothing: the workgroups of every kernel here have one dimension.",
    decides: "nothing here"
  },
  maxComputeWorkgroupSizeZ: {
    bytes: false,
    need: "Nothing, for the same reason.",
    decides: "nothing here"
  },
  maxComputeWorkgroupsPerDimension: {
    bytes: false,
    need: "A dispatch of the staged design has a workgroup for every few rows of its matrix.",
    decides:
      "nothing here, because the most rows are those of the vocabulary; it is the limit that the published pages ran into"
  },
  maxBindGroups: {
    bytes: false,
    need: "Every kernel has one bind group with all of its bindings.",
    decides: "nothing here, because every device has four"
  }
};

/** What optional features are to this notebook. */
export const featureUses: readonly {name: string; need: string; decides: string}[] = [
  {
    name: "subgroups",
    need: "The lanes of a subgroup add up the products of a row without workgroup memory.",
    decides: "which build of a kernel runs; each exists without it too"
  },
  {
    name: "packed_4x8_integer_dot_product",
    need: "Four products of 8-bit integers in one instruction, for activations as 16-bit integers. A feature of WGSL.",
    decides: "whether that arithmetic can be chosen"
  },
  {
    name: "shader-f16",
    need: "Nothing: scales and norms are float16, and are unpacked in pairs with what every device has.",
    decides: "nothing"
  },
  {
    name: "timestamp-query",
    need: "Times of single dispatches. It is never asked for where speed is measured, because it can change it.",
    decides: "nothing"
  }
];

/** Limits and features, what they are for, and what each offer has of them; the reader's own comes last. */
export function deviceLimits(offers: readonly NamedOffer[]): HTMLElement {
  const value = (name: (typeof limitNames)[number], {limits}: NamedOffer) => {
    const limit = limits[name];
    if (limit === undefined) return "–";
    const exact = formatCount(limit);
    return limitUses[name].bytes ? html`<span title="${exact} bytes">${formatBytes(limit)}</span>` : exact;
  };
  const has = (name: string, {features, guaranteed}: NamedOffer) =>
    guaranteed ? "not promised" : features.includes(name) ? "yes" : "no";
  const row = (name: string, uses: {need: string; decides: string}, cell: (offer: NamedOffer) => Node | string) =>
    html`<tr data-limit="${name}">
      <th scope="row">
        <code style="overflow-wrap: anywhere;">${name}</code><br />
        <small style="font-weight: normal;">${uses.need} It decides ${uses.decides}.</small>
      </th>
      ${offers.map((offer) => html`<td class="number">${coloured(offer, cell(offer))}</td>`)}
    </tr>`;
  return html`<div class="scrolls device-limits" role="region" aria-label="Limits and features of devices" tabindex="0">
    <table style="max-width: none;">
      <thead>
        <tr>
          <th scope="col" style="min-width: 11em;">Limit or feature, what needs it and what it decides</th>
          ${offers.map(({name}) => html`<th scope="col" class="number" style="min-width: 5em;">${name}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${limitNames.map((name) => row(name, limitUses[name], (offer) => value(name, offer)))}
        ${featureUses.map((uses) => row(uses.name, uses, (offer) => has(uses.name, offer)))}
      </tbody>
    </table>
  </div>`;
}

function coloured({origin}: NamedOffer, content: Node | string): Node | string {
  return origin ? html`<span class="${origin}">${content}</span>` : content;
}
