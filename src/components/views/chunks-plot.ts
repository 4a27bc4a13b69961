import * as Plot from "@observablehq/plot";
import {group, min} from "d3";
import {html} from "htl";
import {isOneKernel, type Factoring} from "../decode/plan.js";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {shapes, type ShapeId} from "../model/shape.js";
import {chunkRecords} from "./chunks-answer.js";
import {formatCount, formatQuantity, formatRate} from "./format.js";
import {colours} from "./palette.js";
import {asImage, frame, isNarrow, type PlotElement} from "./plot-frame.js";
import {addLabels, isLive, legend, livePoint, pointMarks, recordedPoint, speedScale, type Point} from "./rate-plot.js";
import {newestRecords, ranOn, shortDevice} from "./recorded.js";
import {recordedHidden} from "./weight-time-plot.js";

export interface ChunksPlotOptions {
  /** Rows of the results table; `chunksData` says which of them are drawn. */
  rows: readonly ResultRow[];
  /** Of what is drawn: the whole model by default. */
  shape?: ShapeId;
  /** The run just made on this page. */
  yours?: RunRecord | null;
  /** Pixels. */
  width?: number;
}

/** What the plot shows: a row with a speed; some reports do not state their dispatches. */
type Drawn = ResultRow & {tokensPerSecond: number};

export interface ChunksData {
  /** One workgroup in one and more dispatches of one run, by how they are submitted; the reader's own first. */
  series: Drawn[][];
  /** What else is on file of one workgroup and as many layers: reports, and runs of several tokens in a dispatch. */
  others: Drawn[];
  /** Launching stage by stage, of the same runs and reports. */
  staged: Drawn[];
}

/** The rows that belong in the plot: the newest records of a shape, reports of as many layers, and the reader's run. */
export function chunksData({rows, yours = null, shape = "phi3-mini"}: Omit<ChunksPlotOptions, "width">): ChunksData {
  const drawn = (some: readonly ResultRow[]) => some.filter((row): row is Drawn => row.tokensPerSecond !== null);
  // Comparable with the recorded points where it is of their shape, however it was submitted.
  const live = (yours ? runRows(yours, null) : []).map((row) => ({...row, spectrum: row.shapeId === shape}));
  const measured = drawn([...live, ...chunkRecords(rows, shape).flat()]);
  const ours = measured.filter(({factoring}) => isOneKernel(factoring as Factoring));
  const reports = drawn(reportsOf(rows, shape));
  const devices = new Set(reports.map(({device}) => device));
  return {
    series: [...group(ours, ({sourceFile, awaited, apart}) => `${sourceFile} ${awaited} ${apart}`).values()].map(
      (line) => line.toSorted((a, b) => dispatchesOf(a) - dispatchesOf(b))
    ),
    others: [...reports, ...drawn(tokensAtOnce(rows, shape))],
    staged: [
      ...measured.filter(({factoring}) => factoring === "staged"),
      ...drawn(rows).filter(
        ({id, device}) => shape === "phi3-mini" && id === "m2-pro-reported/staged-measured" && devices.has(device)
      )
    ]
  };
}

/** Of the recorded design and as many layers, but not the claim of one dispatch. */
function reportsOf(rows: readonly ResultRow[], shape: ShapeId): ResultRow[] {
  const {layers, hidden} = shapes[shape];
  return rows
    .filter((row) => row.kind === "recorded" && recordedHidden[row.shapeId ?? ""] === hidden && row.layers === layers)
    .filter(({engine, factoring}) => engine === "webgpu-fusion-max" && isOneKernel(factoring as Factoring))
    .filter((row) => !row.dispatchesClaimed);
}

/** The newest runs of the same kernel with several tokens in a dispatch, beside the reports of such. */
function tokensAtOnce(rows: readonly ResultRow[], shape: ShapeId): ResultRow[] {
  const runs = rows.filter(({kind, software, shapeId}) => kind === "run" && !software && shapeId === shape);
  return newestRecords(
    runs
      .filter(
        ({factoring, workgroups, dispatchesPerToken}) =>
          factoring === "fused" && workgroups === 1 && dispatchesPerToken! < 1
      )
      .filter(({weightFormat, arithmetic}) => weightFormat === "int4" && arithmetic === "float32")
  );
}

/** Where a row stands: at one dispatch where a report does not say, as in the programs that fit such reports. */
function dispatchesOf({dispatchesPerToken}: Drawn): number {
  return dispatchesPerToken ?? 1;
}

/**
 * Decoding speed of one workgroup over the dispatches of a token, recorded and live, with launching stage by stage as a
 * line. Both axes are logarithmic. Every point is also a row of the results table.
 */
export function chunksPlot({rows, shape = "phi3-mini", yours = null, width = 640}: ChunksPlotOptions): HTMLElement {
  const {series, others, staged} = chunksData({rows, shape, yours});
  const recorded = [...series.flat(), ...others].filter((row) => !isLive(row));
  const devices = [...new Set(recorded.map(deviceOf))];
  const point = (row: Drawn) =>
    isLive(row) ? livePoint(row, dispatchesOf(row)) : recordedPoint(row, dispatchesOf(row));
  const lines = series.map((line) => line.map(point));
  const dash = ([first]: Point[]) => (first!.row.awaited ? "2 4" : first!.row.apart ? "7 3" : null);
  const points = [...lines.flat(), ...others.map(point)];
  const several = others.filter((row) => dispatchesOf(row) < 1);
  const narrow = isNarrow(width);
  const plot = Plot.plot({
    ...frame(width),
    x: {
      type: "log",
      base: 2,
      domain: [0.8 * min([1, ...points.map(({x}) => x)])!, narrow ? 60 : 50],
      ticks: [...new Set(several.map(dispatchesOf)), 1, 2, 4, 8, 16, 32],
      tickFormat: formatCount,
      label: "Dispatches per token, of one workgroup each →"
    },
    y: speedScale(
      points,
      staged.map(({tokensPerSecond}) => tokensPerSecond)
    ),
    marks: [
      Plot.ruleY(staged, {
        y: "tokensPerSecond",
        stroke: (row: ResultRow) => (isLive(row) ? colours.yours : colours.recorded),
        strokeWidth: 1.25
      }),
      lines
        .filter(dash)
        .map((line) => Plot.line(line, {x: "x", y: "y", stroke: line[0]!.colour, strokeDasharray: dash(line)!})),
      pointMarks(
        points,
        lines.filter((line) => dash(line) === null)
      )
    ]
  }) as unknown as PlotElement;
  const owner = (row: ResultRow) => (isLive(row) ? "Yours" : deviceOf(row));
  const text = (row: Drawn) =>
    `${owner(row)}, ${row.awaited ? "the CPU waits" : row.apart ? "submits apart" : launch(row)}`;
  const labelled = (row: Drawn) => {
    const rate = formatRate(row.tokensPerSecond);
    if (!narrow) return `${text(row)}: ${rate}`;
    return row.dispatchesPerToken === null || dispatchesOf(row) < 1 ? `${launch(row)}: ${rate}` : rate;
  };
  addLabels(
    plot,
    [
      ...staged.map((row) => ({
        text: `${text(row)}${narrow ? "" : `: ${formatRate(row.tokensPerSecond)}`}`,
        tokensPerSecond: row.tokensPerSecond
      })),
      ...lines.flatMap((line) =>
        line.map((point) => ({
          text: point === line.at(-1) || (point === line[0] && line === lines[0]) ? labelled(point.row as Drawn) : "",
          point
        }))
      ),
      ...others.map((row) => ({text: labelled(row), point: point(row)}))
    ],
    width
  );
  const list = [...series.flat(), ...others, ...staged].map((row) => {
    return `${owner(row)}, ${launch(row)}${row.awaited ? ", awaited" : row.apart ? ", submitted apart" : ""}: ${formatRate(row.tokensPerSecond)}`;
  });
  const {label} = shapes[shape];
  asImage(plot, `Decoding speed of one workgroup over the dispatches of a token, ${label}. ${list.join("; ")}.`);
  const live = series.flat().filter(isLive);
  const awaitedLine = html`<span><span aria-hidden="true">┈┈</span> The CPU waits for each dispatch</span>`;
  const stagedLine = html`<span><span aria-hidden="true">──</span> A dispatch for each stage, on all cores</span>`;
  const apartLine = html`<span
    ><span aria-hidden="true">╌╌</span> Each dispatch in a submit of its own, one wait</span
  >`;
  const keys = [
    ...(series.some(([first]) => first!.apart) ? [apartLine] : []),
    ...(series.some(([first]) => first!.awaited) ? [awaitedLine] : []),
    ...(staged.length > 0 ? [stagedLine] : [])
  ];
  const sources = [...new Set([...recorded, ...staged.filter((row) => !isLive(row))].map(({source}) => source))];
  return html`<figure class="chunks-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot} ${legend(devices, live, keys, {hasLimits: false})}
    <figcaption>
      Recorded:
      ${shape === "phi3-mini" ? "whole Phi-3-mini or Phi-3-sized models of 32 layers" : `${label}${others.some(({kind}) => kind === "recorded") ? `, and hollow the original's kernels with as many layers of this width` : ""}`},
      one token at a time${several.length > 0 ? ", or, left of 1, several tokens in a dispatch" : ""}.
      ${others.some(({dispatchesPerToken}) => dispatchesPerToken === null) ? "Where a report does not state its dispatches, the mark is at 1, as in the program that fits it." : ""}
      Bars span p10 to p90.
      ${live.some(({spectrum}) => !spectrum) ? "Your run is of another shape: do not compare its height with the recorded points." : ""}
      Sources: ${sources.join("; ")}.
    </figcaption>
  </figure>`;
}

function deviceOf(row: ResultRow): string {
  return shortDevice(ranOn(row));
}

/** "4 dispatches", and "16 tokens a dispatch" of a sixteenth. */
function launch({dispatchesPerToken: count}: Drawn): string {
  if (count === null) return "dispatches not stated";
  return count < 1 ? `${formatCount(1 / count)} tokens a dispatch` : formatQuantity(count, "dispatch", "dispatches");
}
