import * as Plot from "@observablehq/plot";
import {symbolStar} from "d3";
import {html} from "htl";
import {factorings, type Factoring} from "../decode/plan.js";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {formatRate} from "./format.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, frame, isNarrow, type PlotElement} from "./plot-frame.js";
import {
  addLabels,
  isLive,
  lineIcon,
  livePoint,
  pointMarks,
  recordedPoint,
  speedScale,
  symbolIcon,
  type Point
} from "./rate-plot.js";
import {inBrowser} from "./recorded.js";
import {launches, sizeCurves, type SizeCurves} from "./size-curve.js";

export interface ToyPlotOptions {
  /** Recorded rows of the experiment, newest first. */
  rows: readonly ResultRow[];
  /** The runs made on this page, of a size each. */
  yours: readonly RunRecord[];
  /** Pixels. */
  width?: number;
}

/** The lines of each factoring. */
const dashes: Record<keyof typeof launches, string> = {fused: "none", staged: "6 3", unfused: "2 3"};

const shown = factorings.filter((factoring): factoring is keyof typeof launches => factoring in launches);

/** Decoding speed over hidden size, a line for each factoring, recorded and live. Both axes are logarithmic. */
export function toyPlot({rows, yours, width = 640}: ToyPlotOptions): HTMLElement {
  const recorded = sizeCurves(rows);
  const [live] = sizeCurves(yours.flatMap((record) => runRows(record, null)));
  const series = [live, ...recorded].flatMap(linesOf);
  if (series.length === 0) {
    return html`<p class="toy-plot">
      No record of this experiment is on file yet. Run it below, and the plot shows your device, a size at a time.
    </p>`;
  }
  const plot = draw(series.flat(), series);
  addLabels(plot, labels(series, width), width);
  return html`<figure class="toy-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot} ${legend(recorded, live)}
    <figcaption>
      The fastest row of each design at each size, on logarithmic axes. Medians, with bars from p10 to p90.
      ${recorded.map((curves) => `Recorded: ${curves.ranOn}, ${dates(curves)}.`).join(" ")}
    </figcaption>
  </figure>`;

  function draw(points: readonly Point[], series: readonly Point[][]): PlotElement {
    const y = speedScale(points, []);
    const [low, high] = y.domain as [number, number];
    const plot = Plot.plot({
      ...frame(width),
      marginLeft: 52, // "20,000" is wider than the other plots' figures
      x: hiddenScale(isNarrow(width) ? 340 : 1200),
      y: {...y, base: 2, ticks: ticksBetween(low, high)}, // base 10 would leave some ticks without a label
      marks: pointMarks(points, series, ([point]) => dashOf(point!.row))
    }) as unknown as PlotElement;
    const list = series.flat().map(({row, x, y}) => `${whose(row)}, ${launchOf(row)}, ${x} wide: ${formatRate(y)}`);
    asImage(plot, `Decoding speed over hidden size. ${list.join("; ")}.`);
    return plot;
  }
}

function linesOf(curves: SizeCurves | undefined): Point[][] {
  return shown.flatMap((factoring) => {
    const points = curves?.curves.get(factoring) ?? [];
    if (points.length === 0) return [];
    return [
      points.map(({row, hidden}) => {
        const point = isLive(row) ? livePoint(row, hidden) : recordedPoint(row, hidden);
        return {...point, symbol: isLive(row) ? symbolStar : point.symbol};
      })
    ];
  });
}

/** Each line is named at its last point, the reader's own first. */
function labels(series: readonly Point[][], width: number) {
  return series.flatMap((line) =>
    line.map((point) => {
      const {row, y} = point;
      const name = isNarrow(width) ? formatRate(y) : `${launchOf(row)}: ${formatRate(y)}`;
      return {text: point === line.at(-1) ? name : "", point};
    })
  );
}

function legend(recorded: readonly SizeCurves[], live: SizeCurves | undefined): HTMLElement {
  return html`<div class="plot-legend">
    ${shown.map((factoring) => html`<span>${lineIcon("currentColor", dashes[factoring])} ${launches[factoring]}</span>`)}
    ${recorded.map((curves) => html`<span>${symbolIcon(placeSymbol(curves.ranOn), colours.recorded)} Recorded, ${curves.ranOn}</span>`)}
    ${live ? html`<span>${symbolIcon(symbolStar, colours.yours)} Yours</span>` : null}
  </div>`;
}

function whose(row: ResultRow): string {
  if (isLive(row)) return "yours";
  return inBrowser(row) ? row.runtime! : "recorded";
}

function dashOf({factoring}: ResultRow): string {
  return dashes[factoring as keyof typeof launches];
}

function launchOf({factoring}: ResultRow): string {
  return launches[factoring as Factoring & keyof typeof launches];
}

function dates({curves}: SizeCurves): string {
  return [...new Set([...curves.values()].flat().map(({row}) => row.date))].sort().join(" and ");
}

/** The axis of hidden sizes, logarithmic, with room for labels up to `end`. */
export function hiddenScale(end: number): Plot.ScaleOptions {
  return {
    type: "log",
    base: 2,
    domain: [26, end],
    ticks: [32, 64, 128, 256],
    tickFormat: String,
    label: "Hidden size →"
  };
}

/** 1, 2 and 5 times the powers of ten, from 0.1. */
export function ticksBetween(low: number, high: number): number[] {
  const powers = Array.from({length: 9}, (_, i) => 10 ** (i - 1));
  return powers.flatMap((power) => [power, 2 * power, 5 * power]).filter((tick) => tick >= low && tick <= high);
}
