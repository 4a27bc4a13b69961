import * as Plot from "@observablehq/plot";
import {create, group, max, min, select, symbol as symbolPath, type SymbolType} from "d3";
import {symbolAsterisk, symbolCircle, symbolDiamond2, symbolSquare, symbolStar} from "d3";
import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {Roofline} from "../lab/results-table.js";
import {formatBandwidth, formatCount, formatNumber, formatRate} from "./format.js";
import {placeLabels, type LabelRequest} from "./labels.js";
import {colours} from "./palette.js";

export interface SpectrumPlotOptions {
  /** Rows of the results table; those marked `spectrum` are drawn. */
  rows: readonly ResultRow[];
  /** The run just made on this page. */
  yours?: RunRecord | null;
  rooflines: readonly Roofline[];
  /** Pixels. */
  width?: number;
}

interface Point {
  row: ResultRow;
  x: number;
  y: number;
  colour: string;
  symbol: SymbolType;
  /** Verified points are solid, the others hollow. */
  fill: string;
  radius: number;
}

interface Limit {
  tokensPerSecond: number;
  label: string;
  /** For a narrow plot. */
  short: string;
}

const fontSize = 11;
const background = "var(--theme-background, Canvas)";
const margin = {top: 30, right: 12, bottom: 38, left: 44};

/**
 * The dispatch spectrum: decoding speed over dispatches per token, recorded and live, under the limit of each
 * device. Both axes are logarithmic. Every point is also a row of the results table.
 */
export function spectrumPlot({rows, yours = null, rooflines, width = 640}: SpectrumPlotOptions): HTMLElement {
  const recorded = rows.filter(({spectrum}) => spectrum);
  const live = yours ? runRows(yours, null).filter(({tokensPerSecond}) => tokensPerSecond !== null) : [];
  const devices = [...new Set(recorded.map(({device}) => device))];
  const points = [...live.map(livePoint), ...recorded.map((row) => recordedPoint(row, devices.indexOf(row.device)))];
  // The limit of another shape is a line for other weights, and would be read as one for these.
  const comparable = live.some(({spectrum}) => spectrum);
  const limits = [
    ...(yours?.roofline && comparable ? [yourLimit(yours.roofline)] : []),
    ...rooflines.map(recordedLimit)
  ];
  const plot = draw(points, limits, width);
  addLabels(plot, points, limits, width);
  return html`<figure class="spectrum-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot} ${legend(devices, live)} ${caption(recorded, rooflines, live)}
  </figure>`;
}

function draw(points: Point[], limits: Limit[], width: number): PlotElement {
  const speeds = [...points.flatMap(({row, y}) => [row.tokensPerSecondP10 ?? y, row.tokensPerSecondP90 ?? y])];
  const limitSpeeds = limits.map(({tokensPerSecond}) => tokensPerSecond);
  const low = min([...speeds, ...limitSpeeds]) ?? 1;
  const high = max([...speeds, ...limitSpeeds]) ?? 1000;
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
  const plot = Plot.plot({
    width,
    height: Math.round(Math.min(420, Math.max(360, width * 0.65))),
    marginTop: margin.top,
    marginRight: margin.right,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    style: `font-size: ${fontSize}px; overflow: visible;`,
    x: {
      type: "log",
      // Base 10 would leave most of these ticks without a label.
      base: 4,
      domain: [0.7, isNarrow(width) ? 1500 : 2500],
      ticks: [1, 4, 16, 64, 228],
      tickFormat: String,
      label: "Dispatches per token →"
    },
    y: {
      type: "log",
      domain: [low / 1.6, high * 1.8],
      grid: true,
      ticks: [0.1, 1, 10, 100, 1000, 10000].filter((tick) => tick >= low / 1.6 && tick <= high * 1.8),
      tickFormat: formatNumber,
      label: "↑ Tokens per second (tok/s)"
    },
    marks: [
      Plot.ruleY(limits, {y: "tokensPerSecond", stroke: colours.limit, strokeWidth: 1.5, strokeDasharray: "6 4"}),
      workgroupSeries(points).map((series) =>
        Plot.line(series, {x: "x", y: "y", stroke: series[0]!.colour, strokeWidth: 1, strokeOpacity: 0.5})
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
    ]
  }) as unknown as PlotElement;
  plot.setAttribute("role", "img");
  // Plot labels each group of marks, which the ARIA rules allow on no element without a role.
  for (const group of plot.querySelectorAll<SVGGElement>("g[aria-label]")) {
    group.dataset.marks = group.getAttribute("aria-label")!;
    group.removeAttribute("aria-label");
  }
  plot.setAttribute("aria-label", `Decoding speed over dispatches per token. ${describe(points, limits)}`);
  return plot;
}

type PlotElement = SVGSVGElement & Plot.Plot;

/** Labels beside the marks; where there is no room, the less important one is left to the tooltip and the table. */
function addLabels(plot: PlotElement, points: Point[], limits: Limit[], width: number): void {
  const x = (value: number): number => plot.scale("x")!.apply(value);
  const y = (value: number): number => plot.scale("y")!.apply(value);
  const measure = textMeasure();
  const inner = width - margin.left - margin.right;
  const series = workgroupSeries(points);
  const isNamed = (point: Point) =>
    series.every((line) => !line.includes(point) || point === line[0] || point === line.at(-1));
  const requests: LabelRequest[] = [
    ...limits.map(({label, short, tokensPerSecond}) => {
      const text = isNarrow(width) ? short : label;
      return {text, x: margin.left + inner / 2, y: y(tokensPerSecond), radius: 0, width: measure(text)};
    }),
    ...[...points]
      .sort((a, b) => importance(b) - importance(a))
      .map((point) => {
        const text = isNamed(point) ? pointLabel(point, width) : "";
        return {
          text,
          x: x(point.x),
          y: y(point.y),
          radius: point.radius * (isLive(point.row) ? 1.6 : 1) + 1,
          width: measure(text)
        };
      })
  ];
  const frame = {x0: margin.left - 4, y0: 16, x1: width, y1: Number(plot.getAttribute("height")) - margin.bottom};
  select(plot)
    .insert("g", ":scope > [data-marks=tip]") // below the tooltips
    .attr("aria-hidden", "true")
    .attr("pointer-events", "none")
    .attr("font-size", fontSize)
    .attr("text-anchor", "start")
    .attr("fill", "currentColor")
    .attr("stroke", background)
    .attr("stroke-width", 3)
    .attr("stroke-linejoin", "round")
    .attr("paint-order", "stroke")
    .selectAll("text")
    .data(placeLabels(requests, frame, fontSize + 1))
    .join("text")
    .attr("x", (label) => label.x)
    .attr("y", (label) => label.y)
    .attr("dy", "0.35em")
    .text((label) => label.text);
}

/** Points that differ only in their workgroups, by these: three or more make a line. */
function workgroupSeries(points: Point[]): Point[][] {
  const alike = group(
    points.filter(({row}) => row.workgroups !== null),
    ({row, x}) => [row.engine, row.device, row.sourceFile, x].join()
  );
  return [...alike.values()]
    .filter(({length}) => length > 2)
    .map((series) => series.sort((a, b) => a.row.workgroups! - b.row.workgroups!));
}

function livePoint(row: ResultRow): Point {
  const colour = colours.yours;
  return {...position(row), colour, symbol: liveSymbol(row), fill: colour, radius: 6};
}

function recordedPoint(row: ResultRow, device: number): Point {
  const colour = colours.recorded;
  return {...position(row), colour, symbol: deviceSymbol(device), fill: row.verified ? colour : background, radius: 4};
}

function position(row: ResultRow) {
  return {row, x: row.dispatchesPerToken!, y: row.tokensPerSecond!};
}

/** A star is comparable with the recorded points; an asterisk is of another shape. */
function liveSymbol({spectrum}: ResultRow): SymbolType {
  return spectrum ? symbolStar : symbolAsterisk;
}

function deviceSymbol(index: number): SymbolType {
  return [symbolCircle, symbolSquare, symbolDiamond2][index % 3]!;
}

function recordedLimit({device, basis, readBandwidthBytesPerSecond, tokensPerSecond}: Roofline): Limit {
  const name = device.replace(/ \(.*\)$/, "");
  return {
    tokensPerSecond,
    label: `${name} limit ${formatRate(tokensPerSecond)}, at ${basis} ${formatBandwidth(readBandwidthBytesPerSecond)}`,
    short: `${name}, ${basis}: ${formatRate(tokensPerSecond)}`
  };
}

function yourLimit({readBandwidthBytesPerSecond, tokensPerSecond}: NonNullable<RunRecord["roofline"]>): Limit {
  return {
    tokensPerSecond,
    label: `Your limit ${formatRate(tokensPerSecond)}, at measured ${formatBandwidth(readBandwidthBytesPerSecond)}`,
    short: `Yours, measured: ${formatRate(tokensPerSecond)}`
  };
}

function pointLabel({row}: Point, width: number): string {
  const name = isNarrow(width) ? row.label.replace(/:.*/, "") : row.label;
  const label = `${isLive(row) ? "Yours: " : ""}${name}${row.dispatchesClaimed ? " (claimed)" : ""}`;
  return isNarrow(width) ? label : `${label}, ${formatRate(row.tokensPerSecond!)}`;
}

/** Too narrow for figures in the labels, and for what follows a colon in a name. */
function isNarrow(width: number): boolean {
  return width < 480;
}

function importance({row}: Point): number {
  if (isLive(row)) return 4;
  if (row.kind === "run") return 3;
  if (row.dispatchesClaimed) return 2;
  return row.verified ? 1 : 0;
}

function isLive({sourceFile}: ResultRow): boolean {
  return sourceFile === null;
}

function tooltip(row: ResultRow): string {
  const {tokensPerSecondP10: p10, tokensPerSecondP90: p90} = row;
  return [
    row.label,
    row.device,
    formatRate(row.tokensPerSecond!) + (p10 && p90 ? ` (p10 ${formatRate(p10)}, p90 ${formatRate(p90)})` : ""),
    `${formatCount(row.dispatchesPerToken!)} dispatches per token${row.dispatchesClaimed ? ", claimed" : ""}`,
    row.verified ? "output verified" : "output not verified",
    row.source
  ].join("\n");
}

function describe(points: Point[], limits: Limit[]): string {
  const list = points.map(({row, x, y}) => `${row.label}, ${row.device}: ${formatRate(y)} at ${formatCount(x)}`);
  return `${[...list, ...limits.map(({label}) => label)].join("; ")}.`;
}

function legend(devices: string[], live: ResultRow[]): HTMLElement {
  const entries = [
    ...devices.map((device, index) => [deviceSymbol(index), colours.recorded, `Recorded, ${device}`] as const),
    ...[...new Set(live.map(liveSymbol))].map(
      (symbol) => [symbol, colours.yours, symbol === symbolStar ? "Yours" : "Yours, another shape"] as const
    )
  ];
  return html`<div
    class="spectrum-legend"
    style="display: flex; flex-wrap: wrap; gap: 0 1rem; font: 0.85rem/1.5 var(--sans-serif, sans-serif); margin: 0.5rem 0;"
  >
    ${entries.map(([symbol, colour, label]) => html`<span>${icon(symbol, colour)} ${label}</span>`)}
    <span><span style="color: ${colours.limit};" aria-hidden="true">╌╌</span> Limit</span>
    <span>Solid: output verified. Hollow: not verified.</span>
  </div>`;
}

function icon(symbol: SymbolType, colour: string): SVGSVGElement {
  const picture = create("svg:svg").attr("viewBox", "-7 -7 14 14").attr("width", 12).attr("height", 12);
  picture.attr("aria-hidden", "true").style("vertical-align", "-1px");
  picture.append("path").attr("d", symbolPath(symbol, 70)()).attr("fill", colour).attr("stroke", colour);
  return picture.node() as SVGSVGElement;
}

function caption(recorded: ResultRow[], rooflines: readonly Roofline[], live: ResultRow[]): HTMLElement {
  const sources = [...new Set(recorded.map(({source}) => source.replace(/^(\S+@\S+) .*$/, "$1")))];
  const others = live.some(({spectrum}) => !spectrum);
  return html`<figcaption>
    Whole Phi-3-mini or Phi-3-sized models of 32 layers, one sequence, one token at a time. A limit is the highest read
    bandwidth on file for a device, over the weight bytes of one token. Bars span p10 to p90.
    ${others ? "Your run is of another shape: do not compare its height with the recorded points." : ""} Sources:
    ${[...sources, ...rooflines.map(({source}) => source)].join("; ")}.
  </figcaption>`;
}

function textMeasure(): (text: string) => number {
  const context = document.createElement("canvas").getContext("2d")!;
  context.font = `${fontSize}px system-ui, sans-serif`;
  return (text) => context.measureText(text).width;
}
