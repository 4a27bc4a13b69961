import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import type {Results, Roofline} from "../lab/results-table.js";
import {shapes, type ShapeId} from "../model/shape.js";
import {formatNumber} from "./format.js";

/**
 * The row with this id, "FILE/ROW".
 * @throws {Error} when it is not on file: prose that states its figure would be wrong.
 */
export function findRow({rows}: Pick<Results, "rows">, id: string): ResultRow {
  const row = rows.find((row) => row.id === id);
  if (!row) throw new Error(`the page states a figure of row ${id}, which results/ does not have`);
  return row;
}

/** @throws {Error} when no file has a limit for this device. */
export function findRoofline({rooflines}: Pick<Results, "rooflines">, device: string): Roofline {
  const roofline = rooflines.find((roofline) => roofline.device === device);
  if (!roofline) throw new Error(`the page states the limit of ${device}, which results/ does not have`);
  return roofline;
}

/**
 * Cores of a GPU: what Apple calls cores and NVIDIA streaming multiprocessors. A workgroup runs on one of them.
 * Read from the device's name, "(19-core GPU)", or from a report's note on it, "(132 SMs)".
 * @throws {Error} when neither says it.
 */
export function gpuCores(results: Pick<Results, "reports">, device: string): number {
  const cores = coresOnFile(results, device);
  if (cores === null) throw new Error(`nothing in results/ says how many cores ${device} has`);
  return cores;
}

/** The same, or null where nothing says it. */
export function coresOnFile({reports}: Pick<Results, "reports">, device: string): number | null {
  const texts = [device, ...reports.flatMap(({notes}) => notes).filter((note) => note.includes(device))];
  for (const text of texts) {
    const [, count] = /\b(\d+)(?:-core GPU| SMs)/.exec(text) ?? [];
    if (count) return Number(count);
  }
  return null;
}

/** What says on what a row was measured. */
type Origin = Pick<ResultRow, "device" | "runtime" | "sourceFile"> & {kind?: ResultRow["kind"]};

/** What a row ran on: "NVIDIA H200" in Node, and "NVIDIA H200 in Chromium 156" for a recorded run of a panel. */
export function ranOn(row: Origin): string {
  return inBrowser(row) ? `${row.device} in ${row.runtime}` : row.device;
}

/** Whether it is a recorded run of a panel. */
export function inBrowser({runtime, kind = "run", sourceFile}: Origin): boolean {
  return kind === "run" && sourceFile !== null && runtime !== null && !/^Node\b/.test(runtime);
}

/** The rows of browsers after the others, else in their order. */
export function browsersLast<Row extends Origin>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => Number(inBrowser(a)) - Number(inBrowser(b)));
}

/** What a reader calls the shape of a row: "Phi-3-mini, 8 layers"; its id where it is none of this project's. */
export function shapeLabel({shapeId}: Pick<ResultRow, "shapeId">): string | null {
  return shapeId !== null && shapeId in shapes ? shapes[shapeId as ShapeId].label : shapeId;
}

/** "Apple M2 Pro in Chromium 156" of "Apple M2 Pro (19-core GPU) in Chromium 156" */
export function shortDevice(device: string): string {
  return device.replace(/ \([^)]*\)(?= in |$)/, "");
}

/**
 * The rows of the newest record from each runtime of the device that the newest of all is of, Node's first: it is the
 * one that figures are of where nothing else is said.
 * @param rows newest first
 */
export function newestRecords<Row extends Origin>(rows: readonly Row[]): Row[] {
  const files = new Map<string, string | null>();
  for (const row of rows) {
    if (row.device === rows[0]!.device && !files.has(ranOn(row))) files.set(ranOn(row), row.sourceFile);
  }
  return browsersLast(rows.filter((row) => files.get(ranOn(row)) === row.sourceFile));
}

/** Where a figure is from, as a link where it is on the web. */
export function cite({source, sourceUrl}: {source: string; sourceUrl: string | null}): HTMLElement {
  return html`<cite>${sourceUrl ? html`<a href="${sourceUrl}">${source}</a>` : source}</cite>`;
}

/** Changes that made an engine slower, worst first. */
export function negativeResultsTable(results: Pick<Results, "negativeResults">): HTMLElement {
  const change = ({fromTokensPerSecond: from, toTokensPerSecond: to}: Results["negativeResults"][number]) =>
    to / from - 1;
  const rows = [...results.negativeResults].sort((a, b) => change(a) - change(b));
  return html`<div class="scrolls" role="region" aria-label="Changes that made it slower" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Change</th>
          <th scope="col" class="number">Before (tok/s)</th>
          <th scope="col" class="number">After (tok/s)</th>
          <th scope="col" class="number">Difference</th>
          <th scope="col">Source</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              <th scope="row">${row.what}</th>
              <td class="number">${formatNumber(row.fromTokensPerSecond)}</td>
              <td class="number">${formatNumber(row.toTokensPerSecond)}</td>
              <td class="number">−${formatNumber(-100 * change(row))} %</td>
              <td>${cite({source: row.citation, sourceUrl: row.sourceUrl})}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
