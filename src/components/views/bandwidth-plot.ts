import * as Plot from "@observablehq/plot";
import {extent, symbolStar, type SymbolType} from "d3";
import {html} from "htl";
import type {CostRecord} from "../lab/cost-record.js";
import {costRows, type CostResultRow} from "../lab/cost-row.js";
import type {ResultRow} from "../lab/result-row.js";
import type {Roofline} from "../lab/results-table.js";
import {formatBandwidth, formatCount, formatQuantity} from "./format.js";
import type {LabelRequest} from "./labels.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, drawLabels, frame, isNarrow, textMeasure, type PlotElement} from "./plot-frame.js";
import {lineIcon, symbolIcon} from "./rate-plot.js";
import {readRows} from "./reach.js";
import {ranOn, shortDevice} from "./recorded.js";

export interface BandwidthPlotOptions {
  /** The rows of one record on file, of one from each runtime of a device, or none. */
  recorded: readonly CostResultRow[];
  /** The run just made on this page. */
  yours?: CostRecord | null;
  /** Rows that decode a whole model in one dispatch of so many workgroups, which read its weights meanwhile. */
  decoding: readonly ResultRow[];
  weightBytesPerToken: number;
  /** Read bandwidths of whole devices, drawn as lines. */
  rooflines: readonly Roofline[];
  /** Pixels. */
  width?: number;
}

interface Point {
  series: string;
  workgroups: number;
  workgroupSize: number | null;
  /** Bytes per second: median, p10, p90. */
  rate: number;
  low: number;
  high: number;
  colour: string;
  /** Of what it ran on. */
  symbol: SymbolType;
  live: boolean;
  /** Of a decoder, which reads its weights; else of a kernel that does nothing but read. */
  decoding: boolean;
  /** Part of a line over workgroups. */
  joined: boolean;
  label: string;
  device: string;
}

/** Of the line that joins the points of a decoder. */
const decodingDash = "2 3";

const leftMargin = 64;

/**
 * What a device reads over the workgroups that read together, and what a decoder of so many workgroups reads of its
 * weights, under the read bandwidths of whole devices. Both axes are logarithmic.
 */
export function bandwidthPlot(options: BandwidthPlotOptions): HTMLElement {
  const {recorded, yours = null, decoding, weightBytesPerToken, rooflines, width = 640} = options;
  const points = [
    ...(yours ? readRows(costRows(yours, null)) : []).map((row) => readPoint(row)),
    ...readRows(recorded).map((row) => readPoint(row)),
    ...decoding.map((row) => decodingPoint(row, weightBytesPerToken))
  ];
  const plot = draw(points, rooflines, width);
  addLabels(plot, points, rooflines, width);
  return html`<figure class="bandwidth-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot} ${legend(points)}
    <figcaption>
      Bytes read in a second: medians, with bars from p10 to p90, of verified rows. A line joins the reads of workgroups
      of 256; the marks at one workgroup that are on no line are of ${sizes(points)} invocations. Workgroups that decode
      have what suits the kernel. A dashed line across the plot is the read bandwidth of a whole device: measured, or
      nominal, the maker's figure.
      ${readRows(recorded).length > 0 ? null : "No record of reads by workgroup count is on file yet."}
    </figcaption>
  </figure>`;
}

/** "64, 128 and 512": those of the reads that are on no line. */
function sizes(points: readonly Point[]): string {
  const others = points.flatMap(({joined, workgroupSize}) => (joined || workgroupSize === null ? [] : [workgroupSize]));
  const sorted = [...new Set(others)].sort((a, b) => a - b).map(formatCount);
  return sorted.length < 2 ? (sorted[0] ?? "other") : `${sorted.slice(0, -1).join(", ")} and ${sorted.at(-1)}`;
}

function readPoint(row: ReturnType<typeof readRows>[number]): Point {
  const {workgroups, workgroupSize, bytesPerSecond, sourceFile, label} = row;
  const {median, p10, p90} = bytesPerSecond;
  const live = sourceFile === null;
  return {
    series: `read ${sourceFile ?? "yours"}`,
    workgroups,
    workgroupSize,
    rate: median,
    low: p10,
    high: p90,
    colour: live ? colours.yours : colours.recorded,
    symbol: live ? symbolStar : placeSymbol(ranOn(row)),
    live,
    decoding: false,
    joined: workgroupSize === 256,
    label,
    device: live ? "yours" : ranOn(row)
  };
}

function decodingPoint(row: ResultRow, bytes: number): Point {
  const {tokensPerSecond, tokensPerSecondP10, tokensPerSecondP90, label} = row;
  return {
    series: `decode ${row.sourceFile}`,
    workgroups: row.workgroups!,
    workgroupSize: row.workgroupSize,
    rate: tokensPerSecond! * bytes,
    low: (tokensPerSecondP10 ?? tokensPerSecond!) * bytes,
    high: (tokensPerSecondP90 ?? tokensPerSecond!) * bytes,
    colour: colours.recorded,
    symbol: placeSymbol(ranOn(row)),
    live: false,
    decoding: true,
    joined: true,
    label: `Decoding: ${label}`,
    device: ranOn(row)
  };
}

function draw(points: Point[], rooflines: readonly Roofline[], width: number): PlotElement {
  const identity = (value: keyof Point) => ({value, scale: null});
  const limits = rooflines.map(({readBandwidthBytesPerSecond}) => readBandwidthBytesPerSecond);
  const [low, high] = extent([...points.flatMap(({low, high}) => [low, high]), ...limits]) as [number, number];
  const counts = [...new Set(points.map(({workgroups}) => workgroups))].sort((a, b) => a - b);
  const most = Math.max(256, counts.at(-1) ?? 1);
  const ticks = isNarrow(width)
    ? [1, 8, 64, 512, 4096]
    : [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];
  const decades = [1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13].flatMap((tick) =>
    high < 1000 * low ? [tick, 3 * tick] : [tick]
  );
  const plot = Plot.plot({
    ...frame(width),
    marginLeft: leftMargin,
    x: {
      type: "log",
      base: 2,
      domain: [0.75, most * 1.5],
      ticks: ticks.filter((tick) => tick <= most),
      tickFormat: formatCount,
      label: "Workgroups →"
    },
    y: {
      type: "log",
      domain: [low / 1.6, high * 1.6],
      grid: true,
      ticks: decades.filter((tick) => tick >= low / 1.6 && tick <= high * 1.6),
      tickFormat: (rate: number) => formatBandwidth(rate),
      label: "↑ Read bandwidth"
    },
    marks: [
      Plot.ruleY(limits, {stroke: colours.limit, strokeWidth: 1.5, strokeDasharray: "6 4"}),
      [false, true].map((decoding) =>
        Plot.line(
          points.filter((point) => point.joined && point.decoding === decoding),
          {
            x: "workgroups",
            y: "rate",
            z: "series",
            stroke: identity("colour"),
            strokeWidth: 1,
            strokeOpacity: 0.7,
            strokeDasharray: decoding ? decodingDash : "none"
          }
        )
      ),
      Plot.ruleX(points, {x: "workgroups", y1: "low", y2: "high", stroke: identity("colour"), strokeWidth: 1.5}),
      Plot.dot(points, {
        x: "workgroups",
        y: "rate",
        r: 4,
        symbol: identity("symbol"),
        stroke: identity("colour"),
        fill: identity("colour"),
        title: describe,
        tip: true
      })
    ]
  }) as unknown as PlotElement;
  const lines = rooflines.map(limitText);
  asImage(plot, `Read bandwidth over workgroups. ${[...points.map(describe), ...lines].join("; ")}.`);
  return plot;
}

/** Names the limits, and each series at its first and its best point. */
function addLabels(plot: PlotElement, points: Point[], rooflines: readonly Roofline[], width: number): void {
  const measure = textMeasure();
  const narrow = isNarrow(width);
  const x = (value: number): number => plot.scale("x")!.apply(value);
  const y = (value: number): number => plot.scale("y")!.apply(value);
  const best = (series: string) =>
    points.filter((point) => point.series === series).reduce((a, b) => (a.rate >= b.rate ? a : b));
  const first = (series: string) => points.find((point) => point.series === series && point.joined);
  const text = (point: Point) => {
    if (point !== best(point.series) && point !== first(point.series)) return "";
    const what = point.decoding ? ", decoding" : "";
    const whose = point.live ? "Yours: " : narrow ? "" : `${shortDevice(point.device)}${what}: `;
    return whose + formatBandwidth(point.rate);
  };
  const requests: LabelRequest[] = [
    ...rooflines.map((roofline) => {
      const text = narrow ? shortDevice(roofline.device) : limitText(roofline);
      return {text, x: width / 2, y: y(roofline.readBandwidthBytesPerSecond), radius: 0, width: measure(text)};
    }),
    ...points.map((point) => ({
      text: text(point),
      x: x(point.workgroups),
      y: y(point.rate),
      radius: 6,
      width: measure(text(point))
    }))
  ];
  drawLabels(plot, requests, width, leftMargin + 2);
}

function limitText({device, basis, readBandwidthBytesPerSecond}: Roofline): string {
  return `${shortDevice(device)}, ${basis}: ${formatBandwidth(readBandwidthBytesPerSecond)}`;
}

function describe({label, device, workgroups, rate, low, high}: Point): string {
  const bounds = `p10 ${formatBandwidth(low)}, p90 ${formatBandwidth(high)}`;
  return `${label}, ${device}, ${formatQuantity(workgroups, "workgroup")}: ${formatBandwidth(rate)} (${bounds})`;
}

function legend(points: Point[]): HTMLElement {
  const text = ({live, device}: Point) => (live ? "Yours" : `Recorded, ${device}`);
  const places = new Map(points.map((point) => [text(point), point]));
  return html`<div class="plot-legend">
    ${[...places].map(([what, {symbol, colour}]) => html`<span>${symbolIcon(symbol, colour)} ${what}</span>`)}
    <span>${lineIcon("currentColor", "none")} Reading alone</span>
    <span>${lineIcon("currentColor", decodingDash)} Reading weights, decoding Phi-3-mini in one dispatch</span>
    <span><span style="color: ${colours.limit};" aria-hidden="true">╌╌</span> Read bandwidth of a whole device</span>
  </div>`;
}
