import * as Plot from "@observablehq/plot";
import {create, max, min, symbol as symbolPath, symbolAsterisk, symbolStar, type SymbolType} from "d3";
import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import type {ResultRow} from "../lab/result-row.js";
import type {Roofline} from "../lab/results-table.js";
import {formatBandwidth, formatNumber, formatQuantity, formatRate} from "./format.js";
import type {LabelRequest} from "./labels.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {background, drawLabels, margin, textMeasure, type PlotElement} from "./plot-frame.js";
import {ranOn, shortDevice} from "./recorded.js";

/** What the plots of decoding speed share: marks, the speed axis, limits, labels and legend. */

/** A row as a mark; `x` is what its plot puts speed over. */
export interface Point {
  row: ResultRow;
  x: number;
  y: number;
  colour: string;
  symbol: SymbolType;
  /** Verified points are solid, the others hollow. */
  fill: string;
  radius: number;
}

/** The speed that a device's read bandwidth allows. */
export interface Limit {
  tokensPerSecond: number;
  label: string;
  /** For a narrow plot. */
  short: string;
}

export function livePoint(row: ResultRow, x: number): Point {
  const colour = colours.yours;
  return {row, x, y: row.tokensPerSecond!, colour, symbol: liveSymbol(row), fill: colour, radius: 6};
}

export function recordedPoint(row: ResultRow, x: number): Point {
  const colour = colours.recorded;
  const fill = row.verified ? colour : background;
  return {row, x, y: row.tokensPerSecond!, colour, symbol: placeSymbol(ranOn(row)), fill, radius: 4};
}

function recordedLimit({device, basis, readBandwidthBytesPerSecond, tokensPerSecond}: Roofline): Limit {
  const name = shortDevice(device);
  return {
    tokensPerSecond,
    label: `${name} limit ${formatRate(tokensPerSecond)}, at ${basis} ${formatBandwidth(readBandwidthBytesPerSecond)}`,
    short: `${name}, ${basis}: ${formatRate(tokensPerSecond)}`
  };
}

/** Limits of the plot, the reader's first, where one of their rows is of the shape that the recorded ones have. */
export function limitsOf(
  rooflines: readonly Roofline[],
  yours: Pick<RunRecord, "roofline"> | null,
  live: readonly ResultRow[]
): Limit[] {
  // The limit of another shape is a line for other weights, and would be read as one for these.
  const comparable = live.some(({spectrum}) => spectrum);
  return [...(yours?.roofline && comparable ? [yourLimit(yours.roofline)] : []), ...rooflines.map(recordedLimit)];
}

export function isLive({sourceFile}: ResultRow): boolean {
  return sourceFile === null;
}

/** The speed axis, logarithmic, with room for all points, their spans and these other speeds. */
export function speedScale(points: readonly Point[], others: readonly number[]): Plot.ScaleOptions {
  const speeds = [
    ...points.flatMap(({row, y}) => [row.tokensPerSecondP10 ?? y, row.tokensPerSecondP90 ?? y]),
    ...others
  ];
  const [low, high] = [(min(speeds) ?? 1) / 1.6, (max(speeds) ?? 1000) * 1.8];
  return {
    type: "log",
    domain: [low, high],
    grid: true,
    ticks: [0.1, 1, 10, 100, 1000, 10000].filter((tick) => tick >= low && tick <= high),
    tickFormat: formatNumber,
    label: "↑ Tokens per second (tok/s)"
  };
}

export function limitRules(limits: readonly Limit[]): Plot.Markish {
  return Plot.ruleY(limits, {y: "tokensPerSecond", stroke: colours.limit, strokeWidth: 1.5, strokeDasharray: "6 4"});
}

/**
 * Each series of points as a line, a bar from p10 to p90 on each point, and the points: the reader's above the rest.
 * @param dashOf of a series' line
 */
export function pointMarks(
  points: readonly Point[],
  series: readonly Point[][],
  dashOf: (line: readonly Point[]) => string = () => "none"
): Plot.Markish[] {
  const identity = (value: keyof Point) => ({value, scale: null});
  const live = points.filter(({row}) => isLive(row));
  const dots = (points: Point[]) =>
    Plot.dot([...points].reverse(), {
      x: "x",
      y: "y",
      r: identity("radius"),
      symbol: identity("symbol"),
      stroke: identity("colour"),
      fill: identity("fill"),
      strokeWidth: 1.6,
      title: ({row}: Point) => tooltip(row),
      tip: true
    });
  return [
    series.map((line) =>
      Plot.line(line, {
        x: "x",
        y: "y",
        stroke: line[0]!.colour,
        strokeWidth: 1,
        strokeOpacity: 0.5,
        strokeDasharray: dashOf(line)
      })
    ),
    Plot.ruleX(
      points.filter(({row}) => row.tokensPerSecondP10 !== null),
      {
        x: "x",
        y1: ({row}: Point) => row.tokensPerSecondP10,
        y2: ({row}: Point) => row.tokensPerSecondP90,
        stroke: identity("colour"),
        strokeWidth: 1.5
      }
    ),
    dots(points.filter(({row}) => !isLive(row))),
    // A thin asterisk would be lost on a recorded mark.
    Plot.dot(live, {x: "x", y: "y", r: 8, fill: background, fillOpacity: 0.85}),
    dots(live)
  ];
}

/** A text at a point, or along a horizontal line at a speed; the more important come first. */
export type LabelAt = {text: string} & ({point: Point} | {tokensPerSecond: number});

/**
 * Labels beside the marks; where there is no room, the less important one is left to the tooltip and the table.
 * @returns the texts that are drawn
 */
export function addLabels(plot: PlotElement, labels: readonly LabelAt[], width: number): Set<string> {
  const x = (value: number): number => plot.scale("x")!.apply(value);
  const y = (value: number): number => plot.scale("y")!.apply(value);
  const measure = textMeasure();
  const middle = margin.left + (width - margin.left - margin.right) / 2;
  const requests: LabelRequest[] = labels.map((label) => {
    const text = {text: label.text, width: measure(label.text)};
    if ("tokensPerSecond" in label) return {...text, x: middle, y: y(label.tokensPerSecond), radius: 0};
    const {point} = label;
    return {...text, x: x(point.x), y: y(point.y), radius: point.radius * (isLive(point.row) ? 1.6 : 1) + 1};
  });
  return new Set(drawLabels(plot, requests, width).map(({text}) => text));
}

/**
 * What the symbols and the lines mean.
 * @param places what the recorded rows ran on
 */
export function legend(
  places: readonly string[],
  live: readonly ResultRow[],
  more: readonly HTMLElement[] = [],
  {hasLimits = true} = {}
) {
  const entries = [
    ...places.map((place) => [placeSymbol(place), colours.recorded, `Recorded, ${place}`] as const),
    ...[...new Set(live.map(liveSymbol))].map(
      (symbol) => [symbol, colours.yours, symbol === symbolStar ? "Yours" : "Yours, another shape"] as const
    )
  ];
  return html`<div class="plot-legend">
    ${entries.map(([symbol, colour, label]) => html`<span>${symbolIcon(symbol, colour)} ${label}</span>`)} ${more}
    ${hasLimits ? html`<span><span style="color: ${colours.limit};" aria-hidden="true">╌╌</span> Limit</span>` : null}
    <span>Solid: output verified. Hollow: not verified.</span>
  </div>`;
}

function yourLimit({readBandwidthBytesPerSecond, tokensPerSecond}: NonNullable<RunRecord["roofline"]>): Limit {
  return {
    tokensPerSecond,
    label: `Your limit ${formatRate(tokensPerSecond)}, at measured ${formatBandwidth(readBandwidthBytesPerSecond)}`,
    short: `Yours, measured: ${formatRate(tokensPerSecond)}`
  };
}

/** A star is comparable with the recorded points; an asterisk is of another shape. */
function liveSymbol({spectrum}: ResultRow): SymbolType {
  return spectrum ? symbolStar : symbolAsterisk;
}

function tooltip(row: ResultRow): string {
  const {tokensPerSecondP10: p10, tokensPerSecondP90: p90} = row;
  return [
    row.label,
    ranOn(row),
    formatRate(row.tokensPerSecond!) + (p10 && p90 ? ` (p10 ${formatRate(p10)}, p90 ${formatRate(p90)})` : ""),
    row.dispatchesPerToken === null
      ? "dispatches per token not stated"
      : `${formatQuantity(row.dispatchesPerToken, "dispatch", "dispatches")} per token${row.dispatchesClaimed ? ", claimed" : ""}`,
    ...(row.workgroups === null ? [] : [formatQuantity(row.workgroups, "workgroup")]),
    row.verified ? "output verified" : "output not verified",
    row.source
  ].join("\n");
}

/** A symbol as it stands in a legend. */
export function symbolIcon(symbol: SymbolType, colour: string, fill = colour): SVGSVGElement {
  const picture = create("svg:svg").attr("viewBox", "-7 -7 14 14").attr("width", 12).attr("height", 12);
  picture.attr("aria-hidden", "true").style("vertical-align", "-1px");
  picture.append("path").attr("d", symbolPath(symbol, 70)()).attr("fill", fill).attr("stroke", colour);
  return picture.node() as SVGSVGElement;
}

/** A line as it stands in a legend. */
export function lineIcon(colour: string, dash: string): SVGSVGElement {
  const picture = create("svg:svg").attr("viewBox", "0 0 28 12").attr("width", 28).attr("height", 12);
  picture.attr("aria-hidden", "true").style("vertical-align", "-1px");
  const line = picture.append("line").attr("x2", 28).attr("y1", 6).attr("y2", 6);
  line.attr("stroke", colour).attr("stroke-width", 2).attr("stroke-dasharray", dash);
  return picture.node() as SVGSVGElement;
}
