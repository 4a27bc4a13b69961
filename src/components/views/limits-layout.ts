import {html} from "htl";
import type {CostResultRow} from "../lab/cost-row.js";
import {bytesPerSecond} from "../lab/statistics.js";
import type {Statistics} from "../lab/record.js";
import {formatBandwidth, formatCount, formatDate, formatQuantity} from "./format.js";
import {ranOn} from "./recorded.js";
import {
  medianCell,
  variantCell,
  verified,
  type Cell,
  type LiveRow,
  type TableLayout,
  sourceCell
} from "./results-table.js";

/** What reads reach and how many workgroups are resident, which is what each row found out, before what it took. */
export const limitsLayout: TableLayout<CostResultRow> = {
  columns: [
    {name: "Variant", width: "11em"},
    {name: "Result", width: "8em"},
    {name: "Time (µs)", numeric: true},
    {name: "Workgroups × size", numeric: true},
    {name: "Device", width: "8em"},
    {name: "Verification", width: "12em"},
    {name: "Date", width: "7em"},
    {name: "Source", width: "18em"}
  ],
  recordedCells: (row) => [
    variantCell(row.label, [row.note]),
    row.microseconds === null ? "–" : result(row, row.bytesPerSecond),
    medianCell(row.microseconds, row.microsecondsP10, row.microsecondsP90),
    geometry(row),
    ranOn(row),
    row.verification ?? "–",
    formatDate(row.date),
    sourceCell(row)
  ],
  liveCells(row, device) {
    const {bytesPerOperation: bytes, microsecondsPerOperation: time} = row;
    return [
      variantCell(row.label, [row.message ?? null]),
      time ? result(row, bytes ? bytesPerSecond(bytes, time) : null) : row.status,
      time ? medianCell(time.median, time.p10, time.p90) : "–",
      geometry(row),
      device,
      row.verification ? verified(row.verification) : "–",
      "now",
      "this page"
    ];
  }
};

function result({workgroups}: Pick<LiveRow, "workgroups">, rate: Statistics | null): Cell {
  if (!rate) return html`<strong>${formatQuantity(workgroups!, "workgroup")}</strong>`;
  const range = `${formatBandwidth(rate.p10)} to ${formatBandwidth(rate.p90)}`;
  return html`<span><strong>${formatBandwidth(rate.median)}</strong><br /><small>(${range})</small></span>`;
}

function geometry({workgroups, workgroupSize}: Pick<LiveRow, "workgroups" | "workgroupSize">): string {
  return `${workgroups === null ? "all resident" : formatCount(workgroups)} × ${formatCount(workgroupSize!)}`;
}
