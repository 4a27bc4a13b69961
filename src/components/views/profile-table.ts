import type {ProfileIdentity} from "../lab/experiment.js";
import {bandwidthShare, microsecondsPerCall, readRate, type ProfileResultRow} from "../lab/profile-row.js";
import {formatBandwidth, formatBytes, formatCount, formatDate, formatNumber, formatPercent} from "./format.js";
import {ranOn} from "./recorded.js";
import {geometry, medianCell, sourceCell, variantCell, verified} from "./results-table.js";
import type {Cell, TableLayout} from "./results-table.js";

/** What a stage takes of a token. What is compared comes first, so that a narrow table shows it without scrolling. */
export const profileLayout: TableLayout<ProfileResultRow> = {
  columns: [
    {name: "Stage", width: "9em"},
    {name: "Time a token (ms)", numeric: true},
    {name: "Read bandwidth used", numeric: true},
    {name: "Dispatches a token", numeric: true},
    {name: "Time of one (µs)", numeric: true},
    {name: "Reads a token", numeric: true},
    {name: "Workgroups × size", numeric: true},
    {name: "Measured by", width: "7em"},
    {name: "Device", width: "8em"},
    {name: "Verification", width: "13em"},
    {name: "Date", width: "7em"},
    {name: "Source", width: "18em"}
  ],
  recordedCells: (row) => [
    variantCell(row.label, [row.note]),
    medianCell(row.milliseconds, row.millisecondsP10, row.millisecondsP90),
    ...workCells(row, bandwidthShare(row), row.bandwidthBasis),
    geometry(row, row.kind === "run"),
    row.by ?? "–",
    ranOn(row),
    row.verification ?? "not verified",
    formatDate(row.date),
    sourceCell(row)
  ],
  liveCells(row, device) {
    const {calls, bytes, part} = row as unknown as ProfileIdentity;
    const {median = null, p10 = null, p90 = null} = row.millisecondsPerToken ?? {};
    return [
      variantCell(row.label, [row.shape ?? null, row.message ?? null]),
      median === null ? row.status : medianCell(median, p10, p90),
      ...workCells({calls, bytes, milliseconds: median}, null, null),
      part === "token" ? "per stage" : row.workgroups === null ? "–" : geometry(row, true),
      row.by ?? "–",
      device,
      row.verification ? verified(row.verification) : "–",
      "now",
      "this page"
    ];
  }
};

/** The bandwidth is known after the last row of a run, so a row of this page has only its rate. */
function workCells(
  row: Pick<ProfileResultRow, "calls" | "bytes" | "milliseconds">,
  share: number | null,
  basis: string | null
): Cell[] {
  const rate = readRate(row);
  const each = microsecondsPerCall(row);
  const percent = share === null ? null : `${formatPercent(share)}${basis === "nominal" ? " of the nominal" : ""}`;
  return [
    rate ? variantCell(formatBandwidth(rate), [percent]) : "–",
    formatCount(row.calls),
    each ? formatNumber(each) : "–",
    row.bytes ? formatBytes(row.bytes) : "–"
  ];
}
