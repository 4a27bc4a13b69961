import {html} from "htl";
import type {Arithmetic} from "../decode/plan.js";
import type {ExactVerification} from "../lab/cost-record.js";
import {describeExact} from "../lab/cost-row.js";
import type {Statistics, Verification} from "../lab/record.js";
import type {ResultRow} from "../lab/result-row.js";
import {shapes, type ShapeId} from "../model/shape.js";
import {firstLine, formatCount, formatDate, formatMilliseconds, formatNumber, formatRelativeError} from "./format.js";
import {ranOn} from "./recorded.js";

/** A variant of the experiment on this page, before, while and after it is measured. */
export interface LiveRow {
  variant: string;
  label: string;
  /** The shape's label, where there is a model. */
  shape?: string;
  /** "idle", "verifying", "measuring", "measured", "unsupported", "failed"… */
  status: string;
  factoring?: string;
  arithmetic?: Arithmetic;
  dispatchesPerToken?: number;
  workgroups: number | null;
  workgroupSize: number | null;
  tokensPerSecond?: Statistics;
  microsecondsPerOperation?: Statistics;
  millisecondsPerToken?: Statistics;
  /** How the time was measured, of a profile. */
  by?: string;
  operation?: string;
  /** Bytes that an operation reads, where the rate of reading is what is measured. */
  bytesPerOperation?: number | undefined;
  verification?: Verification | ExactVerification;
  /** Why there are no figures. */
  message?: string;
}

export interface ResultsTable {
  element: HTMLElement;
  /** Shows these live rows in place: the rows of variants that stay keep their elements. */
  update(live: readonly LiveRow[]): void;
}

/** What a table shows of its rows. */
export interface TableLayout<Recorded extends {id: string}> {
  columns: readonly {name: string; width?: string; numeric?: boolean}[];
  recordedCells(row: Recorded): Cell[];
  liveCells(row: LiveRow, device: string): Cell[];
}

/** What is compared comes first, so that a narrow table shows it without scrolling. */
const columns = [
  {name: "Variant", width: "11em"},
  {name: "Speed (tok/s)", numeric: true},
  {name: "Dispatches per token", numeric: true},
  {name: "Device", width: "8em"},
  {name: "Time per token", numeric: true},
  {name: "Workgroups × size", numeric: true},
  {name: "Verification", width: "13em"},
  {name: "Date", width: "7em"},
  {name: "Source", width: "18em"}
];

export type Cell = string | Node;
type Geometry = Pick<LiveRow, "workgroups" | "workgroupSize"> & {factoring?: string | null};

/** Speeds of decoding. */
export const speedLayout: TableLayout<ResultRow> = {columns, recordedCells, liveCells};

/**
 * Recorded and live rows in one table, live rows first. A live row carries `data-variant`, `data-status` and,
 * once measured, `data-tokens-per-second`, `data-microseconds` or `data-milliseconds`. It scrolls inside its own container when narrow.
 */
export function resultsTable<Recorded extends {id: string}>({
  layout,
  recorded,
  live,
  device = "This device",
  caption = "Results on this device and on record"
}: {
  layout: TableLayout<Recorded>;
  recorded: readonly Recorded[];
  live: readonly LiveRow[];
  /** Name of the device that the live rows run on. */
  device?: string;
  caption?: string;
}): ResultsTable {
  const {columns} = layout;
  const liveBody = html`<tbody class="live-rows"></tbody>`;
  const element = html`<div
    class="results-table"
    role="region"
    aria-label="${caption}"
    tabindex="0"
    style="overflow: auto; max-height: 34rem;"
  >
    <table style="max-width: none; font-variant-numeric: tabular-nums;">
      <caption style="text-align: left;">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map((column) => html`<th scope="col" style="${cellStyle(column)}">${column.name}</th>`)}
        </tr>
      </thead>
      ${liveBody}
      <tbody class="recorded-rows">
        ${recorded.map((row) => fillRow(recordedElement(row, layout), layout.recordedCells(row)))}
      </tbody>
    </table>
  </div>`;
  const elements = new Map<string, HTMLElement>();
  const update = (rows: readonly LiveRow[]) => {
    const wanted = new Set(rows.map(({variant}) => variant));
    for (const [variant, row] of elements) {
      if (wanted.has(variant)) continue;
      row.remove();
      elements.delete(variant);
    }
    rows.forEach((row, index) => {
      const element = elements.get(row.variant) ?? emptyRow(layout);
      elements.set(row.variant, element);
      element.dataset.variant = row.variant;
      element.dataset.status = row.status;
      setFigure(element, "tokensPerSecond", row.tokensPerSecond);
      setFigure(element, "microseconds", row.microsecondsPerOperation);
      setFigure(element, "milliseconds", row.millisecondsPerToken);
      fillRow(element, layout.liveCells(row, device));
      if (liveBody.children[index] !== element) liveBody.insertBefore(element, liveBody.children[index] ?? null);
    });
  };
  update(live);
  return {element, update};
}

function setFigure(element: HTMLElement, key: string, figure: Statistics | undefined): void {
  if (figure) element.dataset[key] = String(figure.median);
  else delete element.dataset[key];
}

function recordedElement<Recorded extends {id: string}>({id}: Recorded, layout: TableLayout<Recorded>): HTMLElement {
  const row = emptyRow(layout);
  row.dataset.result = id;
  return row;
}

function recordedCells(row: ResultRow): Cell[] {
  return [
    variantCell(row.label, [arithmeticNote(row.arithmetic), row.note]),
    medianCell(row.tokensPerSecond, row.tokensPerSecondP10, row.tokensPerSecondP90),
    row.dispatchesPerToken === null
      ? "–"
      : formatCount(row.dispatchesPerToken) + (row.dispatchesClaimed ? " (claimed)" : ""),
    ranOn(row),
    row.millisecondsPerToken === null ? "–" : formatMilliseconds(row.millisecondsPerToken),
    geometry(row, row.kind === "run"),
    row.verification ?? (row.valid === false ? "invalid" : "not verified"),
    formatDate(row.date),
    sourceCell(row)
  ];
}

function liveCells(row: LiveRow, device: string): Cell[] {
  const {median = null, p10 = null, p90 = null} = row.tokensPerSecond ?? {};
  return [
    variantCell(row.label, [row.shape ?? null, arithmeticNote(row.arithmetic), row.message ?? null]),
    median === null ? row.status : medianCell(median, p10, p90),
    row.dispatchesPerToken === undefined ? "–" : formatCount(row.dispatchesPerToken),
    device,
    median === null ? "–" : formatMilliseconds(1000 / median),
    geometry(row, true),
    row.verification ? verified(row.verification) : "–",
    "now",
    "this page"
  ];
}

/** A row with its shape as a note, which the tables of one shape do without. */
export function withShape(row: ResultRow): ResultRow {
  const {label} = shapes[row.shapeId as ShapeId] ?? {label: row.shapeId};
  return {...row, note: [label, row.note].filter(Boolean).join(". ")};
}

/** A label over its notes, of which the first line is shown and the whole text told on hovering. */
export function variantCell(label: string, notes: (string | null)[]): Cell {
  const lines = notes
    .filter((note) => note !== null)
    .map((note) => {
      const short = firstLine(note);
      const title = short === note ? null : note;
      return html`<br /><small style="font-weight: normal;" title=${title}>${short}</small>`;
    });
  return html`<span>${label}${lines}</span>`;
}

/** Where a figure is from, as a link where it is on the web. */
export function sourceCell({source, sourceUrl}: Pick<ResultRow, "source" | "sourceUrl">): Cell {
  return sourceUrl ? html`<a href="${sourceUrl}">${source}</a>` : source;
}

/** What is said of a row that is not in float32. */
function arithmeticNote(arithmetic: Arithmetic | null | undefined): string | null {
  return arithmetic === "int16" ? "in 16-bit integers" : null;
}

/** Where this project's own rows of many dispatches give no workgroup count, every stage or operation has its own. */
export function geometry({workgroups, workgroupSize, factoring}: Geometry, ours: boolean): string {
  if (workgroups === null && !ours) return "–";
  const unknown = factoring === "fused" ? "all resident" : factoring === "unfused" ? "per operation" : "per stage";
  const count = workgroups === null ? unknown : formatCount(workgroups);
  return workgroupSize === null ? count : `${count} × ${formatCount(workgroupSize)}`;
}

/** A median over its 10th and 90th percentile. */
export function medianCell(median: number | null, p10: number | null, p90: number | null): Cell {
  if (median === null) return "–";
  if (p10 === null || p90 === null) return formatNumber(median);
  return html`<span
    ><strong>${formatNumber(median)}</strong><br /><small>(${formatNumber(p10)}–${formatNumber(p90)})</small></span
  >`;
}

export function verified(verification: Verification | ExactVerification): string {
  if (verification.against === "exact values") return describeExact(verification);
  const {against, maxRelativeError, tolerance, tokens} = verification;
  const error = `relative error ${formatRelativeError(maxRelativeError)} of ${formatRelativeError(tolerance)} allowed`;
  return `${against}: ${error}${tokens ? `, ${formatCount(tokens)} equal tokens` : ""}`;
}

function emptyRow({columns}: Pick<TableLayout<never>, "columns">): HTMLElement {
  return html`<tr>
    ${columns.map((column, index) =>
      index === 0
        ? html`<th scope="row" style="${cellStyle(column)}"></th>`
        : html`<td style="${cellStyle(column, !column.numeric)}"></td>`
    )}
  </tr>`;
}

/** Replaces only the cells whose content changed. */
function fillRow(row: HTMLElement, cells: Cell[]): HTMLElement {
  cells.forEach((cell, index) => {
    const target = row.children[index]!;
    const node = typeof cell === "string" ? document.createTextNode(cell) : cell;
    if (target.childNodes.length === 1 && target.firstChild!.isEqualNode(node)) return;
    target.replaceChildren(node);
  });
  return row;
}

function cellStyle({width = "0", numeric}: TableLayout<never>["columns"][number], wraps = true): string {
  const align = numeric ? "right" : "left";
  return `vertical-align: top; min-width: ${width}; text-align: ${align}; white-space: ${wraps ? "normal" : "nowrap"};`;
}
