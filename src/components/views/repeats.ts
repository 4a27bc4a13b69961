import {group, max, median, min, quantile} from "d3";
import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {kernelOf} from "../lab/row-kernel.js";
import {spread} from "../lab/statistics.js";
import {formatNumber, formatPercent, formatQuantity} from "./format.js";
import {cite, inBrowser, ranOn, shapeLabel} from "./recorded.js";

type TimedRow = ResultRow & {tokensPerSecond: number; tokensPerSecondP10: number; tokensPerSecondP90: number};

/** The same kernel, launched in the same way, in several rows of one device and runtime. */
export interface Repeat {
  rows: TimedRow[];
  /** The fastest median over the slowest, less one. */
  spread: number;
}

/** The same kernel in several rows of one record. */
export interface Twins extends Repeat {
  /** Pairs of rows, and those of them whose percentiles do not overlap. */
  pairs: number;
  disjoint: number;
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
  /** In one record or in several, the closest first. */
  repeats: Repeat[];
  /** Those in one record, most rows first. */
  twins: Twins[];
  /** Spread of the repeats; null where nothing was measured twice. */
  again: {half: number; most: number} | null;
}

/** @param rows of every file; those of a CPU standing in for a GPU are left out */
export function resolve(rows: readonly ResultRow[]): Resolution {
  const timed = rows.filter(
    (row): row is TimedRow => row.kind === "run" && row.tokensPerSecond !== null && !row.software
  );
  const distances = timed.map(distance).sort((a, b) => a - b);
  const repeats = repeatsAmong(timed, ranOn).sort((a, b) => a.spread - b.spread);
  const twins = repeatsAmong(timed, ({sourceFile}) => sourceFile)
    .map(withPairs)
    .sort((a, b) => b.rows.length - a.rows.length || b.spread - a.spread);
  return {
    within: {rows: timed.length, half: quantile(distances, 0.5) ?? 0, nineOfTen: quantile(distances, 0.9) ?? 0},
    repeats,
    twins,
    again: repeats.length > 0 ? {half: median(repeats, ({spread}) => spread)!, most: repeats.at(-1)!.spread} : null
  };
}

/**
 * By which part two figures on record may differ and count as equal, on every page: as much as one kernel measured again
 * came out apart at the most, over the slower one. 0 where none was measured again.
 * @param rows of every file
 */
export function equalWithin(rows: readonly ResultRow[]): number {
  return resolve(rows).again?.most ?? 0;
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
  const variant = ({device, experiment, shapeId, variant}: ResultRow) =>
    JSON.stringify([device, experiment, shapeId, variant]);
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

/** Kernels that have more than one row with the same `place`. */
function repeatsAmong(rows: readonly TimedRow[], place: (row: TimedRow) => unknown): Repeat[] {
  const known = rows.flatMap((row) => {
    const kernel = kernelOf(row);
    return kernel === null ? [] : [{row, key: JSON.stringify([place(row), kernel])}];
  });
  return [...group(known, ({key}) => key).values()]
    .filter(({length}) => length > 1)
    .map((same) => same.map(({row}) => row))
    .map((rows) => ({rows, spread: spread(rows.map(({tokensPerSecond}) => tokensPerSecond))}));
}

function withPairs({rows, spread}: Repeat): Twins {
  const of = rows.flatMap((a, i) => rows.slice(i + 1).map((b) => [a, b] as const));
  const disjoint = of.filter(
    ([a, b]) => a.tokensPerSecondP90 < b.tokensPerSecondP10 || b.tokensPerSecondP90 < a.tokensPerSecondP10
  );
  return {rows, spread, pairs: of.length, disjoint: disjoint.length};
}

/** The same kernel in one record, in words. */
export function twinsList({twins}: Pick<Resolution, "twins">): HTMLElement {
  return html`<ul class="twins">
    ${twins.map(({rows, spread, pairs, disjoint}) => {
      const rates = rows.map(({tokensPerSecond}) => tokensPerSecond);
      const overlap =
        disjoint === 0
          ? "Their percentiles overlap."
          : pairs === 1
            ? "Their percentiles do not overlap."
            : `In ${disjoint} of their ${pairs} pairs the percentiles do not overlap.`;
      return html`<li>
        ${formatQuantity(rows.length, "row")} on the ${ranOn(rows[0]!)} ${cite(rows[0]!)}:
        ${rows.map(({variant}, i) => html`${i > 0 ? ", " : ""}<code>${variant}</code>`)}. Their medians are
        ${[...new Set([min(rates)!, max(rates)!].map(formatNumber))].join(" to ")}&nbsp;tok/s, ${formatPercent(spread)}
        apart. ${overlap}
      </li>`;
    })}
  </ul>`;
}

/** Every kernel that was measured more than once, with its rates and their spread. */
export function repeatsTable({repeats}: Pick<Resolution, "repeats">): HTMLElement {
  return html`<div class="scrolls repeats" role="region" aria-label="The same kernel, measured again" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col" style="min-width: 6em;">Shape</th>
          <th scope="col" style="min-width: 11em;">Kernel</th>
          <th scope="col" style="min-width: 7em;">Device</th>
          <th scope="col" style="min-width: 12em;">Records and speed (tok/s)</th>
          <th scope="col" class="number">Spread</th>
        </tr>
      </thead>
      <tbody>
        ${repeats.map(({rows, spread}) => {
          const [first] = rows;
          return html`<tr>
            <th scope="row">${shapeLabel(first!)}</th>
            <td>${describeKernel(first!)}</td>
            <td>${ranOn(first!)}</td>
            <td>
              ${[...group(rows, ({sourceUrl}) => sourceUrl)].map(
                ([url, [...rows]], i) =>
                  html`${i > 0 ? ", " : ""}<a href="${url}">${rows[0]!.experiment}</a> ${rows
                      .map(({tokensPerSecond}) => formatNumber(tokensPerSecond))
                      .join(", ")}`
              )}
            </td>
            <td class="number">${formatPercent(spread)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

/** "fused, 132 workgroups of 512, int16" */
function describeKernel({factoring, dispatchesPerToken, workgroups, workgroupSize, ...row}: ResultRow): string {
  const {arithmetic, weightFormat, features, awaited, apart} = row;
  return [
    factoring === "chunked" ? `chunked, ${formatQuantity(dispatchesPerToken!, "dispatch", "dispatches")}` : factoring,
    ...(workgroups && workgroupSize ? [`${formatQuantity(workgroups, "workgroup")} of ${workgroupSize}`] : []),
    arithmetic,
    ...(weightFormat && weightFormat !== "int4" ? [`weights in ${weightFormat}`] : []),
    ...(features?.length === 0 ? ["without subgroups"] : []),
    ...(awaited ? ["awaited"] : apart ? ["submitted apart"] : [])
  ].join(", ");
}
