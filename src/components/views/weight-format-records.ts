import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import type {WeightFormat} from "../model/shape.js";
import {
  formatCount,
  formatDate,
  formatMicroseconds,
  formatMilliseconds,
  formatNumber,
  formatQuantity
} from "./format.js";
import {provenance} from "./provenance.js";
import {cite, shortDevice} from "./recorded.js";
import {weightsPerToken} from "./weight-time-plot.js";

/** "Phi-3-sized", "Qwen2-sized" */
const models: Readonly<Record<string, string>> = {"phi3-sized": "Phi-3-sized", "qwen2-sized": "Qwen2-sized"};

/**
 * What is on file of the original's kernels: shape, launch, time and what it can carry, a row each.
 * @param rows with the format that their weights had in memory; those without a time are of a GPU that did not do the work
 */
export function weightFormatRecords(rows: readonly {row: ResultRow; format: WeightFormat}[]): HTMLElement {
  return html`<div
    class="scrolls weight-format-records"
    role="region"
    aria-label="Recorded figures, with shape and source"
    tabindex="0"
  >
    <table style="max-width: none;">
      <thead>
        <tr>
          <th scope="col" style="min-width: 8em;">Shape</th>
          <th scope="col">Weights</th>
          <th scope="col" class="number">Time of a token</th>
          <th scope="col" class="number">Of a million weights</th>
          <th scope="col" style="min-width: 8em;">Device and date</th>
          <th scope="col" style="min-width: 9em;">Launched as</th>
          <th scope="col" style="min-width: 10em;">What it can carry</th>
          <th scope="col" style="min-width: 12em;">Source</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(tableRow)}
      </tbody>
    </table>
  </div>`;
}

function tableRow({row, format}: {row: ResultRow; format: WeightFormat}): HTMLElement {
  const {millisecondsPerToken: time, shapeId, layers} = row;
  return html`<tr data-figure="${row.id}">
    <th scope="row">
      ${models[shapeId!] ?? shapeId}, ${formatQuantity(layers!, "layer")}<br /><small
        >${formatNumber(weightsPerToken(row) / 1e6)} million weights</small
      >
    </th>
    <td>${format}</td>
    <td class="number recorded">${time === null ? "–" : formatMilliseconds(time)}</td>
    <td class="number">${time === null ? "–" : formatMicroseconds((1e9 * time) / weightsPerToken(row))}</td>
    <td>${shortDevice(row.device)}<br /><small>${formatDate(row.date)}</small></td>
    <td>${describeLaunch(row)}</td>
    <td>${provenance[row.id]?.verdict ?? "–"}</td>
    <td>${cite(row)}</td>
  </tr>`;
}

function describeLaunch({dispatchesPerToken, workgroups, workgroupSize}: ResultRow): string {
  const several = dispatchesPerToken !== null && dispatchesPerToken < 1;
  const parts = [
    ...(dispatchesPerToken === null
      ? []
      : [formatQuantity(several ? 1 : dispatchesPerToken, "dispatch", "dispatches")]),
    ...(several ? [`for ${formatCount(1 / dispatchesPerToken)} tokens`] : []),
    ...(workgroups === null ? [] : [`of ${formatQuantity(workgroups, "workgroup")}`]),
    ...(workgroupSize === null
      ? []
      : [`${workgroups === null ? "workgroups " : ""}of ${formatCount(workgroupSize)} invocations`])
  ];
  return parts.length > 0 ? parts.join(" ") : "not said";
}
