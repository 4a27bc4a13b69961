import * as Plot from "@observablehq/plot";
import {greatest, group, max, min, symbolStar, type SymbolType} from "d3";
import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {formatNumber, formatQuantity, formatRate} from "./format.js";
import type {ReportedRung} from "./ladder.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, background, fontSize, isNarrow, textMeasure, type PlotElement} from "./plot-frame.js";
import {symbolIcon} from "./rate-plot.js";
import {ranOn, shapeLabel} from "./recorded.js";

export interface AblationPlotOptions {
  /** What the rows are called, in order: labels of the experiment's variants. Rows with another one are left out. */
  labels: readonly string[];
  /** The rows of one record on file, of one from each runtime of a device, or none. */
  recorded: readonly ResultRow[];
  /** What others reported of one of the labels, as a hollow mark of its own. */
  reported?: readonly ReportedRung[];
  /** The run just made on this page. */
  yours?: RunRecord | null;
  /**
   * The label of the row that the others of its record are shown in per cent of, on a linear axis; a run without that
   * row has no marks then. By default the axis is of tokens per second, and logarithmic.
   */
  percentOf?: string;
  /** Pixels. */
  width?: number;
}

interface Mark {
  label: string;
  row: ResultRow;
  tokensPerSecond: number;
  /** Where the mark and the ends of its bar are on the axis. */
  at: number;
  low: number;
  high: number;
  colour: string;
  symbol: SymbolType;
  fill: string;
}

const margin = {top: 28, bottom: 36};

/** Decoding speed of each ablation, a line for each, recorded and live. Every mark is also a row of the results table. */
export function ablationPlot({
  labels,
  recorded,
  reported = [],
  yours = null,
  percentOf,
  width = 640
}: AblationPlotOptions): HTMLElement {
  const own = yours ? runRows(yours, null) : [];
  const mark = (row: ResultRow, colour: string, symbol: SymbolType) => {
    const rows = row.sourceFile === null ? own : recorded.filter(({sourceFile}) => sourceFile === row.sourceFile);
    return markOf(row, percentOf === undefined ? 1 : percentBase(rows, percentOf), {colour, symbol});
  };
  const devices = [...new Set(recorded.map(ranOn))];
  const reports = reported.filter(({label}) => labels.includes(label));
  const marks = [
    ...recorded.flatMap((row) => mark(row, colours.recorded, placeSymbol(ranOn(row)))),
    ...reports.flatMap(({label, row}) =>
      mark(row, colours.recorded, placeSymbol(ranOn(row))).map((mark) => ({...mark, label, fill: background}))
    ),
    ...own.flatMap((row) => mark(row, colours.yours, symbolStar))
  ].filter(({label}) => labels.includes(label));
  if (marks.length === 0) {
    return html`<p class="ablation-plot">
      No record of this experiment is on file yet. Run it, and the plot shows what each choice gives on your device.
    </p>`;
  }
  const shown = labels.filter((label) => marks.some((mark) => mark.label === label));
  const entries = [
    ...devices.map((device) => ({
      icon: symbolIcon(placeSymbol(device), colours.recorded),
      text: `Recorded, ${device}`
    })),
    ...[...new Set(reports.map(({row}) => row.device))].map((device) => ({
      icon: symbolIcon(placeSymbol(device), colours.recorded, "none"),
      text: `Reported, ${device}, not verified`
    })),
    ...(yours ? [{icon: symbolIcon(symbolStar, colours.yours), text: `Yours, ${yours.shape.label}`}] : [])
  ];
  return html`<figure class="ablation-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${draw(marks, shown, width, percentOf)}
    <div class="plot-legend">${entries.map(({icon, text}) => html`<span>${icon} ${text}</span>`)}</div>
    <figcaption>
      Medians, with bars from p10 to p90,
      ${percentOf === undefined ? "on a logarithmic axis" : `in per cent of “${percentOf}” in the same run`}. The figure
      of a line is the highest speed measured.
      ${
        percentOf !== undefined && own.length > 0 && percentBase(own, percentOf) === null
          ? `Your run has no figure of “${percentOf}”, so its rows are in the table only.`
          : ""
      }
      ${recorded.length > 0 ? `Recorded: ${shapeLabel(recorded[0]!)}, ${[...new Set(recorded.map(({date}) => date))].join(" and ")}.` : ""}
      ${reports.map(({label, row, inferred}) => `Hollow at “${label}”${inferred ? ", where it very likely belongs" : ""}: ${describeReport(row)}`).join(" ")}
    </figcaption>
  </figure>`;
}

/** @param base tokens per second that are 1 on the axis; null where there are none, and so no mark */
function markOf(row: ResultRow, base: number | null, look: Pick<Mark, "colour" | "symbol">): Mark[] {
  const {label, tokensPerSecond, tokensPerSecondP10, tokensPerSecondP90} = row;
  if (tokensPerSecond === null || base === null) return [];
  const onAxis = (speed: number | null) => (speed ?? tokensPerSecond) / base;
  const [low, high] = [onAxis(tokensPerSecondP10), onAxis(tokensPerSecondP90)];
  return [{label, row, tokensPerSecond, at: tokensPerSecond / base, low, high, ...look, fill: look.colour}];
}

/** A hundredth of the speed of the row with this label. */
function percentBase(rows: readonly ResultRow[], label: string): number | null {
  const {tokensPerSecond = null} = rows.find((row) => row.label === label) ?? {};
  return tokensPerSecond === null ? null : tokensPerSecond / 100;
}

/** "Fused, int4 unpacked on the fly, 1 layer, as its authors wrote it down: another program, …" */
function describeReport({label, engine, factoring, layers}: ResultRow): string {
  const differs =
    factoring === "fused"
      ? `${formatQuantity(layers!, "layer")} of another architecture with as many weights, without an LM head`
      : "another program";
  return `${label} (${engine}), as its authors wrote it down. It is ${differs}, and its output was not checked.`;
}

/** Labels stand to the left of their lines where that leaves the axis room, else above. */
function draw(marks: Mark[], labels: readonly string[], width: number, percentOf?: string): PlotElement {
  const narrow = isNarrow(width);
  const beside = 14 + max(labels.map(textMeasure()))!;
  const above = narrow || beside > 0.4 * width;
  const [least, most] = [min(marks, ({low}) => low)!, max(marks, ({high}) => high)!];
  const inPercent = percentOf !== undefined;
  const domain: [number, number] = inPercent
    ? [10 * Math.floor((least - 1) / 10), Math.max(102, most + 1)]
    : [least / 1.4, most * 1.2];
  const identity = (value: keyof Mark) => ({value, scale: null});
  const figures = figuresOf(marks);
  const usual = inPercent ? marks.find(({label}) => label === percentOf)?.row.workgroups : undefined;
  const figure = ({fastest: {tokensPerSecond, row}, reported}: Figure) =>
    formatRate(tokensPerSecond) +
    (narrow || row.workgroups === null || row.workgroups === usual
      ? ""
      : `, ${formatQuantity(row.workgroups, "workgroup")}`) +
    (reported ? `; reported ${formatRate(reported.tokensPerSecond)}` : "");
  // The rows at the right end of the axis have the workgroups of the first one, and nothing reported.
  const widest = figures.map(({label, at, fastest}) =>
    inPercent ? formatRate(fastest.tokensPerSecond) : figure({label, at, fastest})
  );
  const plot = Plot.plot({
    width,
    height: margin.top + margin.bottom + labels.length * (above ? 36 : 24),
    marginTop: margin.top,
    marginRight: 14 + max(widest.map(textMeasure()))!,
    marginBottom: margin.bottom,
    marginLeft: above ? 12 : beside,
    style: `font-size: ${fontSize}px; overflow: visible;`,
    x: {
      domain,
      grid: true,
      tickFormat: formatNumber,
      ...(inPercent
        ? {ticks: narrow ? 4 : 8, label: "Speed (% of the first row) →"}
        : {type: "log", ticks: ticksWithin(domain), label: "Tokens per second (tok/s) →"})
    },
    y: {domain: labels, label: null, axis: above ? null : "left", tickSize: 0},
    marks: [
      above ? Plot.text(labels, {x: domain[0], y: String, text: String, textAnchor: "start", dy: -11}) : null,
      Plot.ruleY(labels, {y: String, strokeOpacity: 0.12}),
      inPercent ? Plot.ruleX([100], {strokeOpacity: 0.5}) : null,
      Plot.ruleY(marks, {
        y: "label",
        x1: "low",
        x2: "high",
        stroke: identity("colour"),
        strokeWidth: 1.5
      }),
      Plot.dot(marks, {
        y: "label",
        x: "at",
        r: 4,
        symbol: identity("symbol"),
        stroke: identity("colour"),
        fill: identity("fill"),
        strokeWidth: 1.6,
        title: ({row}: Mark) => `${row.label}\n${ranOn(row)}\n${formatRate(row.tokensPerSecond!)}\n${row.source}`,
        tip: true
      }),
      Plot.text(figures, {
        y: "label",
        x: "at",
        text: figure,
        textAnchor: "start",
        dx: 9
      })
    ]
  }) as unknown as PlotElement;
  const list = marks.map(({label, row, tokensPerSecond}) => `${label}, ${ranOn(row)}: ${formatRate(tokensPerSecond)}`);
  asImage(plot, `Decoding speed by what was changed. ${list.join("; ")}.`);
  return plot;
}

/** Powers of ten, or twice and five times them too where fewer than three of them fit. */
function ticksWithin([least, most]: [number, number]): number[] {
  const inside = (tick: number) => tick >= least && tick <= most;
  const tens = [0.1, 1, 10, 100, 1000, 10000, 100000];
  const ticks = tens.filter(inside);
  return ticks.length < 3 ? tens.flatMap((ten) => [ten, 2 * ten, 5 * ten]).filter(inside) : ticks;
}

/** What is written beside the rightmost mark of a line; the other marks are in the tooltip and the table. */
interface Figure {
  label: string;
  at: number;
  fastest: Mark;
  reported?: Mark;
}

/** The highest speed of each line, of those measured here where there are any, and what is reported beside them. */
function figuresOf(marks: readonly Mark[]): Figure[] {
  return [...group(marks, ({label}) => label)].map(([label, line]) => {
    const reported = line.find(({fill}) => fill === background);
    const measured = line.filter((mark) => mark !== reported);
    const fastest = greatest(measured, (a, b) => a.tokensPerSecond - b.tokensPerSecond);
    const at = max(line, ({at}) => at)!;
    return fastest ? {label, at, fastest, ...(reported && {reported})} : {label, at, fastest: reported!};
  });
}
