import * as Plot from "@observablehq/plot";
import {group, min, sort} from "d3";
import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {Roofline} from "../lab/results-table.js";
import {formatCount, formatNumber, formatQuantity, formatRate} from "./format.js";
import {asImage, frame, isNarrow, type PlotElement} from "./plot-frame.js";
import {inBrowser, ranOn, shortDevice} from "./recorded.js";
import {
  addLabels,
  isLive,
  legend,
  limitRules,
  limitsOf,
  livePoint,
  pointMarks,
  recordedPoint,
  speedScale,
  type Limit,
  type Point
} from "./rate-plot.js";

export interface SpectrumPlotOptions {
  /** Rows of the results table; those marked `spectrum` are drawn. */
  rows: readonly ResultRow[];
  /** The run just made on this page. */
  yours?: RunRecord | null;
  rooflines: readonly Roofline[];
  /** Pixels. */
  width?: number;
}

/**
 * The dispatch spectrum: decoding speed over dispatches per token, recorded and live, under the limit of each
 * device. Both axes are logarithmic. Every point is also a row of the results table.
 */
export function spectrumPlot({rows, yours = null, rooflines, width = 640}: SpectrumPlotOptions): HTMLElement {
  const recorded = rows.filter(({spectrum}) => spectrum);
  const live = yours ? runRows(yours, null).filter(({tokensPerSecond}) => tokensPerSecond !== null) : [];
  const devices = [...new Set(recorded.map((row) => shortDevice(ranOn(row))))];
  const points = [
    ...live.map((row) => livePoint(row, row.dispatchesPerToken!)),
    ...recorded.map((row) => recordedPoint(row, row.dispatchesPerToken!))
  ];
  const limits = limitsOf(rooflines, yours, live);
  const plot = draw(points, limits, width);
  const named = label(plot, points, limits, width);
  return html`<figure class="spectrum-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot} ${legend(devices, live)} ${isNarrow(width) ? unlabelled(points, named) : null}
    ${caption(recorded, rooflines, live)}
  </figure>`;
}

function draw(points: Point[], limits: Limit[], width: number): PlotElement {
  const fewest = min([1, ...points.map(({x}) => x)])!;
  const plot = Plot.plot({
    ...frame(width),
    x: {
      type: "log",
      // Base 10 would leave most of these ticks without a label.
      base: 4,
      domain: [0.7 * fewest, isNarrow(width) ? 1500 : 2500],
      ticks: [1 / 16, 1 / 4, 1, 4, 16, 64, 228].filter((tick) => tick >= fewest),
      tickFormat: formatCount,
      label: "Dispatches per token →"
    },
    y: speedScale(
      points,
      limits.map(({tokensPerSecond}) => tokensPerSecond)
    ),
    marks: [limitRules(limits), pointMarks(points, workgroupSeries(points))]
  }) as unknown as PlotElement;
  asImage(plot, `Decoding speed over dispatches per token. ${describe(points, limits)}`);
  return plot;
}

/** Labels the points; returns the names that had room. */
function label(plot: PlotElement, points: Point[], limits: Limit[], width: number): Set<string> {
  const series = workgroupSeries(points);
  const isInside = (point: Point) =>
    series.some((line) => line.includes(point) && point !== line[0] && point !== line.at(-1));
  // Of points with one name the last in the plot has it; of labels that do not fit together, the highest stays.
  const byName = byImportance(points);
  const names = namesOnce(byName.map(({row}) => row));
  const named = byName.flatMap((point, i) => (names[i] && !isInside(point) ? [{point, name: names[i]}] : []));
  /** Just under another of its kind, so that a narrow plot would put its label beside a third. */
  const isUnder = ({row, x, y}: Point) =>
    isNarrow(width) &&
    named.some(({point}) => point.row.kind === row.kind && point.x === x && point.y > y && point.y < 1.1 * y);
  const marks = sort(
    byName.map((point) => {
      const name = named.find((label) => label.point === point)?.name ?? "";
      return {point, name, text: name && !isUnder(point) ? labelOf(point.row, name, width) : ""};
    }),
    ({point: a}, {point: b}) => importance(b) - importance(a) || b.y - a.y
  );
  const lines = limits.map(({label, short, tokensPerSecond}) => ({
    text: isNarrow(width) ? short : label,
    tokensPerSecond
  }));
  const drawn = addLabels(plot, [...lines, ...marks], width);
  return new Set(marks.filter(({text}) => drawn.has(text)).map(({name}) => name));
}

/** Who touches a narrow plot has no tooltips, so what its labels leave out stands below. */
function unlabelled(points: Point[], named: Set<string>): HTMLElement | null {
  const lines = namesOfRest(
    byImportance(points).map(({row}) => row),
    named
  );
  if (lines.length === 0) return null;
  return html`<div class="unlabelled">
    Points without a label, in tok/s; where there are two of a name, the figure is of Node:
    <ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>
  </div>`;
}

/**
 * A line for each kernel of which a plot does not name all points, with their speeds: "Fused, int16, by workgroups: 2:
 * 36.1, 4: 71".
 * @param rows the more important first: of those that differ in their run only, the first has the figure
 * @param named the names that the plot has
 */
export function namesOfRest(rows: readonly ResultRow[], named: ReadonlySet<string>): string[] {
  const rest = rows.filter((row) => !named.has(fullName(row)));
  const kernels = group(rest, (row) => fullName(row).replace(/, [\d,]+ workgroups?$/, ""));
  return Array.from(kernels, ([kernel, alike]) => {
    const speeds = [...group(alike, (row) => `${row.workgroups} ${row.dispatchesPerToken}`).values()].map(
      ([first]) => first!
    );
    if (speeds.length === 1) return `${fullName(speeds[0]!)}: ${formatNumber(speeds[0]!.tokensPerSecond!)}`;
    const by = new Set(speeds.map(({workgroups}) => workgroups)).size > 1 ? "workgroups" : "dispatchesPerToken";
    const figures = sort(speeds, (row) => row[by]).map(
      (row) => `${formatCount(row[by]!)}:\u00a0${formatNumber(row.tokensPerSecond!)}`
    );
    return `${kernel}, by ${by === "workgroups" ? by : "dispatches"}: ${figures.join(", ")}`;
  });
}

function byImportance(points: Point[]): Point[] {
  return sort(points, (a, b) => importance(b) - importance(a) || b.x - a.x || b.y - a.y);
}

/** Points that differ only in their workgroups, by these: three or more make a line. */
function workgroupSeries(points: Point[]): Point[][] {
  const alike = group(
    points.filter(({row}) => row.workgroups !== null),
    ({row, x}) => [row.engine, ranOn(row), row.sourceFile, row.arithmetic, x].join()
  );
  return [...alike.values()]
    .filter(({length}) => length > 2)
    .map((series) => series.sort((a, b) => a.row.workgroups! - b.row.workgroups!));
}

/**
 * What tells each row from the others in the plot, once: of rows that differ in their run only, the others have none, and
 * probes have none.
 * @param rows the more important first
 */
export function namesOnce(rows: readonly ResultRow[]): string[] {
  const names = rows.map(fullName);
  return names.map((name, i) => (names.indexOf(name) === i && !isProbe(rows[i]!) ? name : ""));
}

function fullName(row: ResultRow): string {
  return (isLive(row) ? "Yours: " : "") + nameOf(row);
}

/**
 * "Fused, int16, 132 workgroups" of a run, whatever its experiment calls it; what a report says of the others, without the
 * size that all in the plot have.
 */
function nameOf({kind, label, factoring, arithmetic, features, workgroups, ...row}: ResultRow): string {
  const tokens = row.dispatchesPerToken! < 1 ? `${formatCount(1 / row.dispatchesPerToken!)} tokens a dispatch` : null;
  if (kind !== "run" || factoring === null) {
    const name = row.dispatchesClaimed ? `${label} (claimed)` : label;
    return tokens && !/\btokens\b/.test(name)
      ? `${name.replace(/, Phi-3-mini-sized, 32 layers$/, "")}, ${tokens}`
      : name;
  }
  const parts = [
    factoring[0]!.toUpperCase() + factoring.slice(1),
    arithmetic,
    features?.length === 0 ? "no subgroups" : null,
    workgroups === null ? null : formatQuantity(workgroups, "workgroup"),
    tokens
  ];
  return parts.filter((part) => part !== null).join(", ");
}

function labelOf({tokensPerSecond}: ResultRow, name: string, width: number): string {
  return isNarrow(width) ? `${name}: ${formatNumber(tokensPerSecond!)}` : `${name}, ${formatRate(tokensPerSecond!)}`;
}

function importance({row}: Point): number {
  if (isLive(row)) return 4;
  if (row.kind === "run") {
    if (inBrowser(row)) return 1; // a browser's point lies beside the one in Node
    return row.features?.length === 0 ? 1.5 : 3;
  }
  return isProbe(row) ? 0 : 2; // it lies among the runs of its device; the others are all that is known of theirs
}

/** Verified, and no run of the protocol. */
function isProbe({kind, verified}: ResultRow): boolean {
  return kind === "recorded" && verified;
}

function describe(points: Point[], limits: Limit[]): string {
  const list = points.map(({row, x, y}) => `${row.label}, ${ranOn(row)}: ${formatRate(y)} at ${formatCount(x)}`);
  return `${[...list, ...limits.map(({label}) => label)].join("; ")}.`;
}

function caption(recorded: ResultRow[], rooflines: readonly Roofline[], live: ResultRow[]): HTMLElement {
  const sources = [...new Set(recorded.map(({source}) => source.replace(/^(\S+@\S+) .*$/, "$1")))];
  const others = live.some(({spectrum}) => !spectrum);
  return html`<figcaption>
    Whole Phi-3-mini or Phi-3-sized models of 32 layers, one sequence, one token after another; left of 1, several of
    them in a dispatch. A limit is the highest read bandwidth on file for a device, over the weight bytes of one token.
    Activations in dot products are float32 or 16-bit integers, int16. Of points that differ in their run only, one has
    a label; those of the probe have none. Bars span p10 to p90.
    ${others ? "Your run is of another shape: do not compare its height with the recorded points." : ""} Sources:
    ${[...sources, ...rooflines.map(({source}) => source)].join("; ")}.
  </figcaption>`;
}
