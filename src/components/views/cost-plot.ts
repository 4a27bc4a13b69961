import * as Plot from "@observablehq/plot";
import {extent, sort, symbolStar, type SymbolType} from "d3";
import {html} from "htl";
import type {CostRecord} from "../lab/cost-record.js";
import {costRows, type CostResultRow} from "../lab/cost-row.js";
import {formatCount, formatMicroseconds, formatMilliseconds, formatNumber} from "./format.js";
import type {LabelRequest} from "./labels.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, background, drawLabels, frame, isNarrow, textMeasure, type PlotElement} from "./plot-frame.js";
import {lineIcon, symbolIcon} from "./rate-plot.js";
import {inBrowser, ranOn, shortDevice} from "./recorded.js";

export interface CostPlotOptions {
  /** The rows of one record on file, of one from each runtime of a device, or none. */
  recorded: readonly CostResultRow[];
  /** The run just made on this page. */
  yours?: CostRecord | null;
  /** What a report leaves for the dispatches of a token, on a device of which there is no record, or nothing. */
  reported?: ReportedShare | null;
  /** Pixels. */
  width?: number;
}

/** Wall-clock time of a token less its GPU time, over its dispatches: no price of one, and not verified. */
export interface ReportedShare {
  device: string;
  dispatches: number;
  /** All of it, of one token. */
  milliseconds: number;
}

/** A row with a figure, and how it is drawn. */
interface Mark {
  row: CostResultRow;
  workgroups: number;
  microseconds: number;
  colour: string;
  /** Of what the row ran on. */
  symbol: SymbolType;
}

/** The waits, by the dashes of their lines. */
const waits: readonly {name: string; label: string; dash: string}[] = [
  {name: "barrier", label: "Barrier", dash: "none"},
  {name: "exchange", label: "Exchange, rounds in the values", dash: "7 3"},
  {name: "barrier-exchange", label: "Exchange, by a barrier", dash: "2 3"}
];

/** Where the symbols of the horizontal lines stand, in workgroups: left of the points. */
const start = 0.6;
/** Where a reported share stands, between those symbols and the points. */
const aside = 0.8;

const decades = [0.01, 0.1, 1, 10, 100, 1000, 10_000];

/**
 * What a wait inside a dispatch costs over its workgroups, beside what it costs to launch a dispatch, which are
 * horizontal lines. Both axes are logarithmic. Every point and line is also a row of the table.
 */
export function costPlot({recorded, yours = null, reported = null, width = 640}: CostPlotOptions): HTMLElement {
  const marks = [
    ...(yours ? costRows(yours, null) : []).flatMap((row) => mark(row, colours.yours, symbolStar)),
    ...recorded.flatMap((row) => mark(row, colours.recorded, placeSymbol(ranOn(row))))
  ];
  if (marks.length === 0) {
    return html`<p class="cost-plot">
      No record of this experiment is on file yet. Run it below, and the plot shows what it costs on your device.
    </p>`;
  }
  const plot = draw(marks, reported, width);
  addLabels(plot, marks, reported, width);
  return html`<figure class="cost-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot} ${legend(marks, reported)}
    <figcaption>
      Microseconds for one operation: medians, with bars from p10 to p90, of verified rows. Lines across the plot are
      dispatches of one workgroup, with the symbol of their runtime at the left end. The other points are waits inside
      one dispatch of so many workgroups of 256 invocations. ${reported ? explainShare(reported) : ""}
    </figcaption>
  </figure>`;
}

function explainShare({device, dispatches, milliseconds}: ReportedShare): string {
  const all = `${formatMilliseconds(milliseconds)} / ${formatCount(dispatches)} = ${formatMicroseconds(shareOf({dispatches, milliseconds}))}`;
  return `Hollow: nobody has run this probe on an ${shortDevice(device)} for the record. Its mark is all that a reported token has beside GPU time, over its dispatches, ${all}: launching, and whatever else there is.`;
}

/** Microseconds a dispatch. */
function shareOf({dispatches, milliseconds}: Omit<ReportedShare, "device">): number {
  return (1000 * milliseconds) / dispatches;
}

function draw(marks: Mark[], reported: ReportedShare | null, width: number): PlotElement {
  const points = marks.filter(isWait);
  const lines = marks.filter((mark) => !isWait(mark));
  const identity = (value: keyof Mark) => ({value, scale: null});
  const shares = reported ? [reported] : [];
  const [low, high] = extent([
    ...marks.flatMap(({row}) => [row.microsecondsP10!, row.microsecondsP90!]),
    ...shares.map(shareOf)
  ]) as [number, number];
  const counts = [...new Set([1, ...points.map(({workgroups}) => workgroups)])].sort((a, b) => a - b);
  const plot = Plot.plot({
    ...frame(width),
    x: {
      type: "log",
      base: 2,
      domain: [start, Math.max(16, counts.at(-1)! * (isNarrow(width) ? 100 : 12))], // with room for the labels of the lines
      ticks: counts,
      tickFormat: formatCount,
      label: "Workgroups that wait for each other →"
    },
    y: {
      type: "log",
      domain: [low / 1.5, high * 1.5],
      grid: true,
      // Over many decades, Plot would leave the ticks between them without a label.
      ticks: decades
        .flatMap((tick) => (high < 1000 * low ? [tick, 3 * tick] : [tick]))
        .filter((tick) => tick >= low / 1.5 && tick <= high * 1.5),
      tickFormat: formatNumber,
      label: "↑ Time for one operation (µs)"
    },
    marks: [
      Plot.ruleY(lines, {y: "microseconds", stroke: identity("colour"), strokeWidth: 1.5, strokeOpacity: 0.8}),
      Plot.ruleX(points, {
        x: "workgroups",
        y1: ({row}: Mark) => row.microsecondsP10,
        y2: ({row}: Mark) => row.microsecondsP90,
        stroke: identity("colour"),
        strokeWidth: 1.5
      }),
      waits.map((wait) =>
        Plot.line(
          points.filter(({row}) => waitOf(row) === wait),
          {
            x: "workgroups",
            y: "microseconds",
            z: ({row}: Mark) => String(row.sourceFile),
            stroke: identity("colour"),
            strokeWidth: 1,
            strokeOpacity: 0.7,
            strokeDasharray: wait.dash
          }
        )
      ),
      Plot.dot(marks, {
        x: markedAt,
        y: "microseconds",
        r: 4,
        symbol: identity("symbol"),
        stroke: identity("colour"),
        fill: identity("colour"),
        title: ({row}: Mark) => describe(row),
        tip: true
      }),
      Plot.dot(shares, {
        x: aside,
        y: shareOf,
        r: 4,
        symbol: {value: ({device}: ReportedShare) => placeSymbol(device), scale: null},
        stroke: colours.recorded,
        fill: background,
        strokeWidth: 1.6,
        title: nameShare,
        tip: true
      })
    ]
  }) as unknown as PlotElement;
  const list = [...marks.map(({row}) => describe(row)), ...shares.map(nameShare)];
  asImage(plot, `Time for one operation. ${list.join("; ")}.`);
  return plot;
}

/** Names the lines, the plain dispatches first, and each series of waits at its last point. */
function addLabels(plot: PlotElement, marks: Mark[], reported: ReportedShare | null, width: number): void {
  const measure = textMeasure();
  const position = (mark: Mark) => ({
    x: plot.scale("x")!.apply(markedAt(mark)) as number,
    y: plot.scale("y")!.apply(mark.microseconds) as number
  });
  const labelShare = (share: ReportedShare) => {
    const text = `${shortDevice(share.device)}: ${formatMicroseconds(shareOf(share))}`;
    const [x, y] = [plot.scale("x")!.apply(aside) as number, plot.scale("y")!.apply(shareOf(share)) as number];
    return {x, y, text, width: measure(text)};
  };
  const points = marks.filter(isWait);
  const isLast = ({row}: Mark) =>
    !points.some(
      ({row: other}) =>
        other.sourceFile === row.sourceFile && waitOf(other) === waitOf(row) && other.workgroups! > row.workgroups!
    );
  const whose = ({row}: Mark) => {
    if (row.sourceFile === null) return "Yours: ";
    return inBrowser(row) ? `${row.runtime}: ` : "";
  };
  const lines = marks.filter((mark) => !isWait(mark));
  const requests: LabelRequest[] = [
    ...sort(lines, ({row}) => Number(row.variant !== "dispatches")).map((mark) => {
      const text = `${whose(mark)}${mark.row.label.replace(/,.*/, "")}, ${formatMicroseconds(mark.microseconds)}`;
      return {...position(mark), text, radius: 0, x: width / 2, width: measure(text)};
    }),
    ...lines.map((mark) => ({...position(mark), text: "", radius: 6, width: 0})),
    ...(reported ? [{...labelShare(reported), radius: 6}] : []),
    ...points.map((mark) => {
      const text = isLast(mark) && width >= 480 ? whose(mark) + formatMicroseconds(mark.microseconds) : "";
      return {...position(mark), text, radius: 6, width: measure(text)};
    })
  ];
  drawLabels(plot, requests, width);
}

function mark(row: CostResultRow, colour: string, symbol: SymbolType): Mark[] {
  const {workgroups, microseconds} = row;
  return microseconds === null || workgroups === null ? [] : [{row, workgroups, microseconds, colour, symbol}];
}

/** A line has its symbol at its start. */
function markedAt(mark: Mark): number {
  return isWait(mark) ? mark.workgroups : start;
}

function isWait({row}: Mark): boolean {
  return waitOf(row) !== undefined;
}

/** What a row of waits is called without its number of workgroups. */
function waitOf({variant}: CostResultRow) {
  return waits.find(({name}) => variant.replace(/-\d+$/, "") === name)!;
}

function describe(row: CostResultRow): string {
  const {label, microseconds, microsecondsP10: p10, microsecondsP90: p90} = row;
  const bounds = `p10 ${formatMicroseconds(p10!)}, p90 ${formatMicroseconds(p90!)}`;
  return `${label}, ${ranOn(row)}: ${formatMicroseconds(microseconds!)} (${bounds})`;
}

function nameShare(share: ReportedShare): string {
  return `${shortDevice(share.device)}, reported: all but GPU time over ${formatCount(share.dispatches)} dispatches, ${formatMicroseconds(shareOf(share))}`;
}

function legend(marks: Mark[], reported: ReportedShare | null): HTMLElement {
  const shown = waits.filter((wait) => marks.some(({row}) => waitOf(row) === wait));
  const records = [...new Map(marks.map((mark) => [mark.row.sourceFile, mark])).values()];
  return html`<div class="plot-legend">
    ${records.map(
      ({row, colour, symbol}) =>
        html`<span
          >${symbolIcon(symbol, colour)} ${row.sourceFile === null ? "Yours" : "Recorded"}, ${ranOn(row)}</span
        >`
    )}
    ${
      reported
        ? html`<span
            >${symbolIcon(placeSymbol(reported.device), colours.recorded, "none")} Reported,
            ${shortDevice(reported.device)}: no probe</span
          >`
        : null
    }
    ${shown.map(({dash, label}) => html`<span>${lineIcon("currentColor", dash)} ${label}</span>`)}
  </div>`;
}
