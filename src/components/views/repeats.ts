import {group, median, quantile} from "d3";
import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {spread} from "../lab/statistics.js";
import {formatNumber} from "./format.js";
import {inBrowser, ranOn, shapeLabel} from "./recorded.js";

/** Experiments that start from the same kernels, so that a row of one repeats that of another. */
const experiments: readonly (string | null)[] = ["spectrum", "chunks", "int4"];

type TimedRow = ResultRow & {tokensPerSecond: number; tokensPerSecondP10: number; tokensPerSecondP90: number};

/** The same kernel, launched in the same way, in several records of one device and runtime. */
export interface Repeat {
  rows: TimedRow[];
  /** The fastest median over the slowest, less one. */
  spread: number;
  /** The samples of one of the rows scatter more than those of nine rows of ten. */
  scattered: boolean;
}

/** A row of a browser against the same one in Node: how much less its rate is, as a part; negative where it is more. */
export interface BrowserLoss {
  row: ResultRow;
  /** Of Node's token. */
  milliseconds: number;
  loss: number;
}

/** What the protocol resolves, by the records. */
export interface Resolution {
  /** How far the percentiles of a row's own samples are from its median, at most, in half of all rows and in nine of ten. */
  within: {rows: number; half: number; nineOfTen: number};
  /** The closest first. */
  repeats: Repeat[];
  /** Spread of the repeats; null where nothing was measured twice. */
  between: {half: number; most: number; mostOfSteady: number | null} | null;
}

/** @param rows of every file; those of a CPU standing in for a GPU are left out */
export function resolve(rows: readonly ResultRow[]): Resolution {
  const timed = rows.filter(
    (row): row is TimedRow => row.kind === "run" && row.tokensPerSecond !== null && !row.software
  );
  const distances = timed.map(distance).sort((a, b) => a - b);
  const within = {rows: timed.length, half: quantile(distances, 0.5) ?? 0, nineOfTen: quantile(distances, 0.9) ?? 0};
  const comparable = timed.filter(({experiment}) => experiments.includes(experiment));
  const repeats = [...group(comparable, keyOf).values()]
    .filter(({length}) => length > 1)
    .map((rows) => ({
      rows,
      spread: spread(rows.map(({tokensPerSecond}) => tokensPerSecond)),
      scattered: rows.some((row) => distance(row) > within.nineOfTen)
    }))
    .sort((a, b) => a.spread - b.spread);
  const mostOfSteady = repeats.findLast(({scattered}) => !scattered)?.spread ?? null;
  return {
    within,
    repeats,
    between:
      repeats.length > 0
        ? {half: median(repeats, ({spread}) => spread)!, most: repeats.at(-1)!.spread, mostOfSteady}
        : null
  };
}

/**
 * What the newest row of each browser loses against Node's of the same variant on the same device, the longest tokens
 * first. Rows with waits for each dispatch are left out: a wait is another thing to compare.
 * @param rows newest first
 */
export function browserLosses(rows: readonly ResultRow[]): BrowserLoss[] {
  const timed = rows.filter(
    (row): row is TimedRow => row.kind === "run" && row.tokensPerSecond !== null && !row.software && !row.awaited
  );
  const variant = ({device, experiment, shapeId, id}: ResultRow) =>
    JSON.stringify([device, experiment, shapeId, id.slice(id.lastIndexOf("/"))]);
  return [...group(timed, variant).values()]
    .flatMap((same) => {
      const node = same.find((row) => !inBrowser(row));
      const browsers = [...group(same, ranOn).values()].map(([newest]) => newest!);
      return browsers.flatMap((row): BrowserLoss[] =>
        node && inBrowser(row)
          ? [{row, milliseconds: 1000 / node.tokensPerSecond, loss: 1 - row.tokensPerSecond / node.tokensPerSecond}]
          : []
      );
    })
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

/** How far a row's percentiles are from its median. */
function distance({tokensPerSecond: rate, tokensPerSecondP10: p10, tokensPerSecondP90: p90}: TimedRow): number {
  return Math.max(p90 / rate - 1, 1 - p10 / rate);
}

function keyOf(row: ResultRow): string {
  const {shapeId, factoring, arithmetic, weightFormat, dispatchesPerToken, workgroups, workgroupSize} = row;
  const launch = [dispatchesPerToken, workgroups, workgroupSize, row.awaited, row.apart];
  const kernel = [factoring, arithmetic, weightFormat, [...(row.features ?? [])].sort()];
  return JSON.stringify([ranOn(row), shapeId, kernel, launch]);
}

/** Every kernel that was measured in more than one record, with its rates and their spread. */
export function repeatsTable({repeats}: Pick<Resolution, "repeats">): HTMLElement {
  return html`<div class="scrolls repeats" role="region" aria-label="The same kernel in several records" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Shape</th>
          <th scope="col">Factoring</th>
          <th scope="col">Device</th>
          <th scope="col">Records and speed (tok/s)</th>
          <th scope="col" class="number">Spread</th>
        </tr>
      </thead>
      <tbody>
        ${repeats.map(({rows, spread, scattered}) => {
          const [first] = rows;
          return html`<tr>
            <th scope="row">${shapeLabel(first!)}</th>
            <td>${first!.factoring}</td>
            <td>${ranOn(first!)}</td>
            <td>
              ${rows.map(
                ({sourceUrl, experiment, tokensPerSecond}, i) =>
                  html`${i > 0 ? ", " : ""}<a href="${sourceUrl}">${experiment}</a> ${formatNumber(tokensPerSecond)}`
              )}
            </td>
            <td class="number">
              ${formatPercent(spread)}${scattered ? html`<br /><small>samples scatter</small>` : null}
            </td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

/** "0.71 %" of 0.0071 */
export function formatPercent(part: number): string {
  return `${formatNumber(100 * part)}\u00a0%`;
}
