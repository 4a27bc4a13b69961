import * as Plot from "@observablehq/plot";
import {group, max, min, pairs, range, symbolStar} from "d3";
import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {groupSize, matrixBytes, shapes, weightBytesPerToken, type ShapeId} from "../model/shape.js";
import {formatCount, formatMicroseconds, formatNumber} from "./format.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, background, drawLabels, fontSize, isNarrow, textMeasure, type PlotElement} from "./plot-frame.js";
import {isLive} from "./rate-plot.js";
import {inBrowser, ranOn} from "./recorded.js";

/** One program and setting at several sizes. */
export interface WeightSeries {
  label: string;
  rows: readonly ResultRow[];
}

interface Point {
  series: string;
  row: ResultRow;
  /** Width of the model. */
  hidden: number;
  /** Weights that a token is multiplied with. */
  weights: number;
  microsecondsPerMillion: number;
}

/** Hidden sizes of the recorded shapes, whose layers have 4 matrices of hidden² and an FFN of 4 · hidden. */
export const recordedHidden: Record<string, number> = {"qwen2-sized": 896, "phi3-sized": 3072};

/**
 * Weights that a token of a row's model is multiplied with: layers and LM head, or the layers alone of those recorded
 * shapes that have no LM head.
 * @throws {Error} when nobody knows the row's shape.
 */
export function weightsPerToken({id, shapeId, layers}: Pick<ResultRow, "id" | "shapeId" | "layers">): number {
  const bytesPerWeight = matrixBytes({rows: 1, columns: groupSize}) / groupSize;
  if (shapeId !== null && Object.hasOwn(shapes, shapeId))
    return weightBytesPerToken(shapes[shapeId as keyof typeof shapes]) / bytesPerWeight;
  const hidden = recordedHidden[shapeId ?? ""];
  if (!hidden || layers === null) throw new Error(`row ${id} is of an unknown shape`);
  return layers * 12 * hidden ** 2;
}

/** The points of a series, by size. */
export function weightTimes({label, rows}: WeightSeries): Point[] {
  return rows
    .flatMap((row) => {
      const {millisecondsPerToken} = row;
      if (millisecondsPerToken === null) return [];
      const weights = weightsPerToken(row);
      const hidden = recordedHidden[row.shapeId!] ?? shapes[row.shapeId as ShapeId].hidden;
      return [{series: label, row, hidden, weights, microsecondsPerMillion: (1e9 * millisecondsPerToken) / weights}];
    })
    .sort((a, b) => a.weights - b.weights);
}

/**
 * What one workgroup does in float32 in one dispatch: of each device and shape the newest row, in Node where there is one.
 * @param rows newest first
 */
export function oneWorkgroupRows(rows: readonly ResultRow[]): ResultRow[] {
  const chosen = new Map<string, ResultRow>();
  for (const row of rows) {
    const {factoring, workgroups, awaited, arithmetic, features, shapeId, experiment} = row;
    if (row.kind !== "run" || row.tokensPerSecond === null) continue;
    if (factoring !== "fused" || workgroups !== 1 || awaited || arithmetic !== "float32") continue;
    if (experiment === "spectrum" ? !features?.includes("subgroups") : experiment !== "chunks") continue;
    const key = [row.device, shapeId].join();
    const known = chosen.get(key);
    if (!known || (inBrowser(known) && !inBrowser(row))) chosen.set(key, row);
  }
  return [...chosen.values()];
}

/**
 * Time per million weights against the weights of a token. One core does one thing after another, so a series of one
 * program and one setting is flat, whatever the shape and however many the layers.
 */
export function weightTimePlot({series, width = 640}: {series: readonly WeightSeries[]; width?: number}): HTMLElement {
  const lines = series.map(weightTimes).filter(({length}) => length > 0);
  const points = lines.flat();
  const narrow = isNarrow(width);
  const least = min([3e6, ...points.map(({weights}) => weights / 1.3)])!;
  const times = points.map(({microsecondsPerMillion}) => microsecondsPerMillion);
  const widths = lines.flatMap((line) => [...group(line, ({hidden}) => hidden).values()]);
  const shown = {least: min(times)! / 1.4, most: max(times)! * 1.4};
  const colour = ({row}: Point) => (isLive(row) ? colours.yours : colours.recorded);
  const identity = (value: (point: Point) => unknown) => ({value, scale: null});
  const plot = Plot.plot({
    width,
    height: narrow ? 340 : 360,
    marginTop: 30,
    marginRight: narrow ? 16 : 200,
    marginBottom: 38,
    marginLeft: 48,
    style: `font-size: ${fontSize}px; overflow: visible;`,
    x: {
      type: "log",
      domain: [least, 5e9],
      ticks: [1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 3e9].filter((tick) => tick >= least),
      tickFormat: (weights: number) => formatCount(weights / 1e6),
      label: "Weights of a token, in millions →"
    },
    y: {
      type: "log",
      domain: [shown.least, shown.most],
      grid: true,
      ticks: [1, 10, 100, 1000, 10_000]
        .flatMap((power) => [power, 2 * power, 5 * power])
        .filter((tick) => tick >= shown.least && tick <= shown.most),
      tickFormat: formatNumber,
      label: "↑ Time per million weights (µs)"
    },
    marks: [
      widths.map((line) =>
        Plot.line(line, {x: "weights", y: "microsecondsPerMillion", stroke: colour(line[0]!), strokeOpacity: 0.6})
      ),
      Plot.dot(points, {
        x: "weights",
        y: "microsecondsPerMillion",
        r: identity(({row}) => (isLive(row) ? 6 : 4)),
        symbol: identity(({row}) => (isLive(row) ? symbolStar : placeSymbol(ranOn(row)))),
        stroke: identity(colour),
        strokeWidth: 1.5,
        fill: identity((point) => (point.row.verified ? colour(point) : background)),
        title: (point: Point) => `${point.row.label}\n${describe(point)}\n${point.row.source}`,
        tip: true
      })
    ]
  }) as unknown as PlotElement;
  labelLines(plot, lines, width);
  asImage(plot, `Time per million weights, by the weights of a token. ${points.map(describe).join("; ")}.`);
  return html`<figure class="weight-time-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot}
    <figcaption>
      One workgroup: the time of one token over the millions of weights that it is multiplied with. A symbol is a
      device. Both axes are logarithmic. A line joins models of one width. A run of this notebook includes its LM head;
      the recorded programs have none. Solid: output verified. Hollow: not verified.
    </figcaption>
  </figure>`;
}

/** The name of a series at its largest model, and the width of its models of another, where there is room for it. */
function labelLines(plot: PlotElement, lines: readonly Point[][], width: number): void {
  const measure = textMeasure();
  const place = (point: Point) => ({
    x: plot.scale("x")!.apply(point.weights) as number,
    y: plot.scale("y")!.apply(point.microsecondsPerMillion) as number
  });
  const request = (point: Point, text: string) => ({...place(point), text, radius: 5, width: measure(text)});
  const names = lines.map((line) => request(line.at(-1)!, line.at(-1)!.series));
  const marks = lines.flatMap((line) => {
    const {hidden: labelled} = line.at(-1)!;
    return line.map((point) => {
      const isLast = point === line.findLast(({hidden}) => hidden === point.hidden);
      return request(point, isLast && point.hidden !== labelled ? `${formatCount(point.hidden)} wide` : "");
    });
  });
  const strokes = lines
    .flatMap((line) => [...group(line, ({hidden}) => hidden).values()])
    .flatMap((line) => pairs(line.map(place)))
    .flatMap(([from, to]) =>
      range(0.05, 1, 0.05).map((part) => ({
        x: from.x + part * (to.x - from.x),
        y: from.y + part * (to.y - from.y),
        text: "",
        radius: 1,
        width: 0
      }))
    );
  drawLabels(plot, [...names, ...marks, ...strokes], width);
}

function describe({series, row, weights, microsecondsPerMillion}: Point): string {
  const size = `${formatNumber(weights / 1e6)} million weights`;
  return `${series}, ${row.shapeId}, ${size}: ${formatMicroseconds(microsecondsPerMillion)} a million`;
}
