import type {CostResultRow} from "../lab/cost-row.js";
import {formatCount, formatDate} from "./format.js";
import {ranOn} from "./recorded.js";
import {medianCell, sourceCell, variantCell, verified, type TableLayout} from "./results-table.js";

/** What an operation costs. What is compared comes first, so that a narrow table shows it without scrolling. */
export const costLayout: TableLayout<CostResultRow> = {
  columns: [
    {name: "Variant", width: "11em"},
    {name: "Time (µs)", numeric: true},
    {name: "Workgroups", numeric: true},
    {name: "Device", width: "8em"},
    {name: "Verification", width: "12em"},
    {name: "Date", width: "7em"},
    {name: "Source", width: "18em"}
  ],
  recordedCells: (row) => [
    variantCell(row.label, [row.note]),
    medianCell(row.microseconds, row.microsecondsP10, row.microsecondsP90),
    row.workgroups === null ? "–" : formatCount(row.workgroups),
    ranOn(row),
    row.verification ?? "–",
    formatDate(row.date),
    sourceCell(row)
  ],
  liveCells(row, device) {
    const {median, p10, p90} = row.microsecondsPerOperation ?? {};
    return [
      variantCell(row.label, [row.message ?? null]),
      median === undefined ? row.status : medianCell(median, p10!, p90!),
      row.workgroups === null ? "–" : formatCount(row.workgroups),
      device,
      row.verification ? verified(row.verification) : "–",
      "now",
      "this page"
    ];
  }
};
