import {html} from "htl";
import {planSlots} from "../decode/gpu-weights.js";
import {layerLayout} from "../model/layout.js";
import {
  bytesPerWeight,
  groupSize,
  matrixBytes,
  weightBytesPerToken,
  weightFormats,
  type Shape,
  type WeightFormat
} from "../model/shape.js";
import type {ResultRow} from "../lab/result-row.js";
import {
  formatBandwidth,
  formatBytes,
  formatMilliseconds,
  formatNumber,
  formatPercent,
  formatQuantity,
  formatRate
} from "./format.js";

/** Bytes of a whole model in memory: its layers, the embedding, the LM head and the norms. */
export function modelBytes(shape: Shape, format: WeightFormat): number {
  const unlimited = {maxStorageBufferBindingSize: Infinity, maxBufferSize: Infinity};
  const {layerBytes, endsBytes} = planSlots(shape, unlimited, format);
  return shape.layers * layerBytes + endsBytes;
}

/**
 * What the weights take in each format: read for a token, and in memory.
 * @param limit a device and its read bandwidth, for the last row
 */
export function weightBytesTable(
  shape: Shape,
  limit: {device: string; readBandwidthBytesPerSecond: number}
): HTMLElement {
  const head = {rows: shape.vocabulary, columns: shape.hidden};
  const rows: [what: string, cell: (format: WeightFormat) => string][] = [
    [`A weight, with its share of a scale for ${groupSize}`, (format) => `${bytesPerWeight[format]}\u00a0B`],
    ["A layer", (format) => formatBytes(layerLayout(shape, 0, format).bytes)],
    ["The LM head", (format) => formatBytes(matrixBytes(head, format))],
    ["Read for a token", (format) => formatBytes(weightBytesPerToken(shape, format))],
    [
      "… as many times as in int4",
      (format) => formatNumber(weightBytesPerToken(shape, format) / weightBytesPerToken(shape))
    ],
    ["In memory, with the embedding in int4", (format) => formatBytes(modelBytes(shape, format))],
    [
      `Limit on ${limit.device}`,
      (format) => formatRate(limit.readBandwidthBytesPerSecond / weightBytesPerToken(shape, format))
    ]
  ];
  return html`<div class="scrolls" role="region" aria-label="Weight bytes of ${shape.label} by format" tabindex="0">
    <table>
      <caption style="text-align: left;">
        ${shape.label}
      </caption>
      <thead>
        <tr>
          <th scope="col"></th>
          ${weightFormats.map((format) => html`<th scope="col" class="number">${format}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([what, cell]) =>
            html`<tr>
              <th scope="row">${what}</th>
              ${weightFormats.map((format) => html`<td class="number">${cell(format)}</td>`)}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}

/** Weight bytes that a row reads in a second. */
export function weightRate({tokensPerSecond, weightFormat}: ResultRow, shape: Shape): number {
  return tokensPerSecond! * weightBytesPerToken(shape, weightFormat ?? "int4");
}

/**
 * At what rate rows on record read their weights, and what part of a device's read bandwidth that is.
 * @param groups rows by what they have in common, and their shape
 */
export function weightRateTable(
  groups: readonly {name: string; shape: Shape; rows: readonly ResultRow[]}[],
  limit: {device: string; readBandwidthBytesPerSecond: number}
): HTMLElement {
  const columns = [
    "tok/s",
    "Time per token",
    "Read for a token",
    "Rate",
    `Of ${formatBandwidth(limit.readBandwidthBytesPerSecond)}`
  ];
  return html`<div class="scrolls" role="region" aria-label="Rates of reading weights on ${limit.device}" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">${limit.device}</th>
          <th scope="col">Weights</th>
          ${columns.map((column) => html`<th scope="col" class="number">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${groups.flatMap(({name, shape, rows}) =>
          rows.map(
            (row, i) =>
              html`<tr>
                ${
                  i === 0
                    ? html`<th scope="rowgroup" rowspan="${rows.length}">
                        ${name}, ${formatQuantity(shape.layers, "layer")}
                      </th>`
                    : null
                }
                <td>${row.weightFormat}</td>
                <td class="number">${formatNumber(row.tokensPerSecond!)}</td>
                <td class="number">${formatMilliseconds(row.millisecondsPerToken!)}</td>
                <td class="number">${formatBytes(weightBytesPerToken(shape, row.weightFormat ?? "int4"))}</td>
                <td class="number">${formatBandwidth(weightRate(row, shape))}</td>
                <td class="number">${formatPercent(weightRate(row, shape) / limit.readBandwidthBytesPerSecond)}</td>
              </tr>`
          )
        )}
      </tbody>
    </table>
  </div>`;
}
