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
import {ranOn, shortDevice} from "./recorded.js";
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

/** What the plot shows: a row with both figures. */
type Drawn = ResultRow & {dispatchesPerToken: number; tokensPerSecond: number};

export interface ChunksData {
  /** One workgroup in one and more dispatches of one run, by how they are submitted; the reader's own first. */
  series: Drawn[][];
  /** What is on file of one workgroup and as many layers; of several dispatches a token, one, or less than one. */
  reported: Drawn[];
  /** Launching stage by stage, of the same runs and reports. */
  staged: Drawn[];
}

/** The rows that belong in the plot: the newest record of a shape, reports of as many layers, and the reader's run. */
export function chunksData({rows, yours = null, shape = "phi3-mini"}: Omit<ChunksPlotOptions, "width">): ChunksData {
  const drawn = (some: readonly ResultRow[]) =>
    some.filter((row): row is Drawn => row.dispatchesPerToken !== null && row.tokensPerSecond !== null);
  // Comparable with the recorded points where it is of their shape, however it was submitted.
  const live = (yours ? runRows(yours, null) : []).map((row) => ({...row, spectrum: row.shapeId === shape}));
  const measured = drawn([...live, ...chunkRecords(rows, shape).flat()]);
  const ours = measured.filter(({factoring}) => isOneKernel(factoring as Factoring));
  const whole = drawn(rows.filter(({spectrum, kind}) => spectrum && kind === "recorded"));
  const reported = shape === "phi3-mini" ? whole.filter(isRecordedDesign) : drawn(reportsOf(rows, shape));
  const devices = new Set(reported.map(({device}) => device));
  return {
    series: [...group(ours, ({sourceFile, awaited, apart}) => `${sourceFile} ${awaited} ${apart}`).values()].map(
      (line) => [...line].sort((a, b) => a.dispatchesPerToken - b.dispatchesPerToken)
    ),
    reported,
    staged: [
      ...measured.filter(({factoring}) => factoring === "staged"),
      ...whole.filter(
        ({id, device}) => shape === "phi3-mini" && id === "m2-pro-reported/staged-measured" && devices.has(device)
      )
    ]
  };
}

function isRecordedDesign({dispatchesPerToken, dispatchesClaimed, engine}: Drawn): boolean {
  return dispatchesPerToken <= 32 && !dispatchesClaimed && engine === "webgpu-fusion-max";
}

/** Of the recorded design and as many layers; fused is one dispatch, where nothing says that it had several tokens. */
function reportsOf(rows: readonly ResultRow[], shape: ShapeId): ResultRow[] {
  const {layers, hidden} = shapes[shape];
  return rows
    .filter((row) => row.kind === "recorded" && recordedHidden[row.shapeId ?? ""] === hidden && row.layers === layers)
    .filter(({engine, factoring}) => engine === "webgpu-fusion-max" && factoring === "fused")
    .map((row) => ({...row, dispatchesPerToken: row.dispatchesPerToken ?? 1}));
}

/**
 * Decoding speed of one workgroup over the dispatches of a token, recorded and live, with launching stage by stage as a
 * line. Both axes are logarithmic. Every point is also a row of the results table.
 */
export function chunksPlot({rows, shape = "phi3-mini", yours = null, width = 640}: ChunksPlotOptions): HTMLElement {
  const {series, reported, staged} = chunksData({rows, shape, yours});
  const recorded = [...series.flat(), ...reported].filter((row) => !isLive(row));
  const devices = [...new Set(recorded.map(deviceOf))];
  const point = (row: Drawn) =>
    isLive(row) ? livePoint(row, row.dispatchesPerToken) : recordedPoint(row, row.dispatchesPerToken);
  const lines = series.map((line) => line.map(point));
  const dash = ([first]: Point[]) => (first!.row.awaited ? "2 4" : first!.row.apart ? "7 3" : null);
  const points = [...lines.flat(), ...reported.map(point)];
  const several = reported.filter(({dispatchesPerToken}) => dispatchesPerToken < 1);
  const narrow = isNarrow(width);
  const plot = Plot.plot({
    ...frame(width),
    x: {
      type: "log",
      base: 2,
      domain: [0.8 * min([1, ...points.map(({x}) => x)])!, narrow ? 60 : 50],
      ticks: [...several.map(({dispatchesPerToken}) => dispatchesPerToken), 1, 2, 4, 8, 16, 32],
      tickFormat: (count: number) => (count < 1 ? `1/${formatCount(1 / count)}` : String(count)),
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
  const labelled = (row: Drawn) =>
    narrow ? formatRate(row.tokensPerSecond) : `${text(row)}: ${formatRate(row.tokensPerSecond)}`;
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
      ...reported.map((row) => ({text: labelled(row), point: point(row)}))
    ],
    width
  );
  const list = [...series.flat(), ...reported, ...staged].map((row) => {
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
      ${shape === "phi3-mini" ? "whole Phi-3-mini or Phi-3-sized models of 32 layers" : `${label}${reported.length > 0 ? `, and hollow the original's kernels with as many layers of this width` : ""}`},
      one token at a time${several.length > 0 ? ", or, left of 1, several tokens in a dispatch" : ""}. Bars span p10 to
      p90.
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
  return count < 1 ? `${formatCount(1 / count)} tokens a dispatch` : formatQuantity(count, "dispatch", "dispatches");
}
