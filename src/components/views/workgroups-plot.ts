import * as Plot from "@observablehq/plot";
import {max} from "d3";
import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {Roofline} from "../lab/results-table.js";
import {formatCount, formatQuantity, formatRate} from "./format.js";
import {colours} from "./palette.js";
import {workgroupCurves, workgroupTicks, type WorkgroupCurve} from "./workgroup-curve.js";
import {asImage, frame, isNarrow, margin, type PlotElement} from "./plot-frame.js";
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
  type LabelAt,
  type Limit,
  type Point
} from "./rate-plot.js";
import {browsersLast, inBrowser, ranOn, shortDevice} from "./recorded.js";

export interface WorkgroupsPlotOptions {
  /** Rows of the results table; `workgroupsData` says which of them are drawn. */
  rows: readonly ResultRow[];
  /** The run just made on this page. */
  yours?: RunRecord | null;
  rooflines: readonly Roofline[];
  /** Pixels. */
  width?: number;
}

/** What the plot shows. */
export interface WorkgroupsData {
  /** The reader's own first: those of two points or more where there are any. */
  curves: WorkgroupCurve[];
  /** Whole models decoded by one workgroup, on devices that have no recorded curve. */
  singles: ResultRow[];
  /** Of the devices drawn. */
  rooflines: Roofline[];
}

interface Drawing {
  series: Point[][];
  singles: Point[];
  staged: NonNullable<WorkgroupCurve["staged"]>[];
  limits: Limit[];
}

/**
 * Decoding speed of one dispatch over its workgroups, recorded and live, with the staged design of the same run as a
 * line, under the limit of each device. Both axes are logarithmic. Every point is also a row of the results table.
 */
export function workgroupsPlot({rows, yours = null, rooflines, width = 640}: WorkgroupsPlotOptions): HTMLElement {
  const data = workgroupsData({rows, yours, rooflines});
  const live = data.curves.flatMap(({rows}) => rows.filter(isLive));
  const devices = [...new Set(recordedRows(data).map(ranOn))];
  const aside = 2 ** (isNarrow(width) ? 0.25 : 0.12); // some 10 pixels
  const point = (row: ResultRow) => {
    if (isLive(row)) return livePoint(row, row.workgroups!);
    return recordedPoint(row, row.workgroups! * (inBrowser(row) ? aside : 1));
  };
  const drawing: Drawing = {
    series: data.curves.map(({rows}) => rows.map(point)),
    singles: data.singles.map(point),
    staged: data.curves.flatMap(({staged}) => staged ?? []),
    limits: limitsOf(data.rooflines, yours, live)
  };
  const plot = draw(drawing, width);
  label(plot, drawing, width);
  const line = html`<span><span aria-hidden="true">──</span> Staged, in the same run</span>`;
  return html`<figure class="workgroups-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot} ${legend(devices, live, drawing.staged.length > 0 ? [line] : [])} ${caption(data, live)}
  </figure>`;
}

/** The curves and points that belong in the plot. Recorded curves are of whole models and have two points or more. */
export function workgroupsData({rows, yours, rooflines}: Omit<WorkgroupsPlotOptions, "width">): WorkgroupsData {
  const whole = browsersLast(rows.filter(({spectrum, dispatchesPerToken}) => spectrum && dispatchesPerToken! >= 1));
  const recorded = workgroupCurves(whole).filter(({rows}) => rows.length > 1);
  const covered = new Set(recorded.map(({rows}) => rows[0]!.device));
  const singles = whole.filter(({workgroups, device}) => workgroups === 1 && !covered.has(device));
  const drawn = new Set([...covered, ...singles.map(({device}) => device)]);
  const live = yours ? workgroupCurves(runRows(yours, null)) : [];
  const lines = live.filter(({rows}) => rows.length > 1);
  return {
    curves: [...(lines.length > 0 ? lines : live), ...recorded],
    singles,
    rooflines: rooflines.filter(({device}) => drawn.has(device))
  };
}

function draw(drawing: Drawing, width: number): PlotElement {
  const {series, singles, staged, limits} = drawing;
  const points = [...series.flat(), ...singles];
  const most = Math.max(16, max(points, ({row}) => row.workgroups!) ?? 1);
  const domain: [number, number] = [0.8, most * (isNarrow(width) ? 1.4 : 1.25)];
  const inner = width - margin.left - margin.right;
  const ticks = workgroupTicks(
    [...new Set([...series.map((line) => line.at(-1)!.row.workgroups!), most])],
    tickRoom(domain, inner)
  );
  const plot = Plot.plot({
    ...frame(width),
    x: {type: "log", base: 2, domain, ticks, tickFormat: formatCount, label: "Workgroups of the one dispatch →"},
    y: speedScale(
      points,
      [...limits, ...staged].map(({tokensPerSecond}) => tokensPerSecond)
    ),
    marks: [
      limitRules(limits),
      Plot.ruleY(staged, {
        y: "tokensPerSecond",
        stroke: (row: ResultRow) => (isLive(row) ? colours.yours : colours.recorded),
        strokeWidth: 1.25
      }),
      pointMarks(points, series)
    ]
  }) as unknown as PlotElement;
  asImage(plot, `Decoding speed over workgroups of one dispatch. ${describe(drawing)}`);
  return plot;
}

/** The ratio of two counts whose labels, of up to four digits, do not touch. */
function tickRoom([low, high]: [number, number], pixels: number): number {
  return (high / low) ** (26 / pixels);
}

function label(plot: PlotElement, {series, singles, staged, limits}: Drawing, width: number): void {
  const narrow = isNarrow(width);
  const owner = (row: ResultRow) => (isLive(row) ? "Yours" : shortDevice(ranOn(row)));
  const named = ({row, y}: Point) =>
    narrow ? formatRate(y) : `${owner(row)}, ${formatQuantity(row.workgroups!, "workgroup")}: ${formatRate(y)}`;
  const lines: LabelAt[] = [
    ...limits.map(({label, tokensPerSecond}) => ({
      text: narrow ? label.replace(/, at .*/, "") : label,
      tokensPerSecond
    })),
    ...staged.map((row) => ({
      text: narrow ? `${owner(row)}, staged` : `${owner(row)}, staged: ${formatRate(row.tokensPerSecond)}`,
      tokensPerSecond: row.tokensPerSecond
    }))
  ];
  const ends: LabelAt[] = series.flatMap((line) =>
    line.map((point) => ({text: point === line[0] || point === line.at(-1) ? named(point) : "", point}))
  );
  addLabels(plot, [...lines, ...ends, ...singles.map((point) => ({text: named(point), point}))], width);
}

function recordedRows({curves, singles}: WorkgroupsData): ResultRow[] {
  return [...curves.flatMap(({rows}) => rows), ...singles].filter((row) => !isLive(row));
}

function describe({series, singles, staged, limits}: Drawing): string {
  const owner = (row: ResultRow) => (isLive(row) ? "yours" : ranOn(row));
  return `${[
    ...[...series.flat(), ...singles].map(
      ({row, y}) => `${owner(row)}: ${formatRate(y)} at ${formatCount(row.workgroups!)}`
    ),
    ...staged.map((row) => `${owner(row)}, staged: ${formatRate(row.tokensPerSecond)}`),
    ...limits.map(({label}) => label)
  ].join("; ")}.`;
}

function caption(data: WorkgroupsData, live: readonly ResultRow[]): HTMLElement {
  const sources = [...recordedRows(data), ...data.rooflines].map(({source}) => source.replace(/^(\S+@\S+) .*$/, "$1"));
  const others = live.some(({spectrum}) => !spectrum);
  return html`<figcaption>
    Recorded: whole Phi-3-mini or Phi-3-sized models of 32 layers, one sequence, one token at a time. A point alone is a
    design of one workgroup, some in more than one dispatch. A limit is the highest read bandwidth on file for a device,
    over the weight bytes of one token. Bars span p10 to p90.
    ${recordedRows(data).some(inBrowser) ? "Marks of a browser stand to the right of their number of workgroups: those of Node would cover them." : ""}
    ${others ? "Your run is of another shape: do not compare its height with the recorded points." : ""}
    ${sources.length > 0 ? `Sources: ${[...new Set(sources)].join("; ")}.` : ""}
  </figcaption>`;
}
