import * as Plot from "@observablehq/plot";
import {group} from "d3";
import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import {formatCount, formatRate} from "./format.js";
import {asImage, frame, isNarrow, type PlotElement} from "./plot-frame.js";
import {addLabels, isLive, legend, livePoint, pointMarks, recordedPoint, speedScale, type Point} from "./rate-plot.js";
import {ranOn, shortDevice} from "./recorded.js";

export interface WorkgroupSizePlotOptions {
  /** Recorded rows; those of one workgroup whose size is known are drawn. */
  rows: readonly ResultRow[];
  /** The run just made on this page. */
  yours?: RunRecord | null;
  /** Pixels. */
  width?: number;
}

/** A row of one workgroup, by its size. */
export type SizedRow = ResultRow & {workgroupSize: number; tokensPerSecond: number};

/**
 * What one workgroup decodes over its size, recorded and live, both axes logarithmic. The sizes of one run are joined; a
 * figure of a report stands alone, because others are of other kernels.
 */
export function workgroupSizePlot({rows, yours = null, width = 640}: WorkgroupSizePlotOptions): HTMLElement {
  const own = sizedRows(yours ? runRows(yours, null) : []);
  const live = own.map((row) => ({...row, spectrum: row.shapeId === "phi3-mini"})); // comparable with what is recorded
  const recorded = sizedRows(rows);
  const device = (row: ResultRow) => shortDevice(ranOn(row));
  const devices = [...new Set(recorded.map(device))];
  const points = [
    ...live.map((row) => livePoint(row, row.workgroupSize)),
    ...recorded.map((row) => recordedPoint(row, row.workgroupSize))
  ];
  if (points.length === 0) return html`<p class="workgroup-size-plot">No workgroup's speed by its size is on file.</p>`;
  const series = [...group(points, ({row}) => (row.kind === "run" ? row.sourceFile : row.id)).values()];
  const sizes = [...new Set([64, 1024, ...points.map(({x}) => x)])].sort((a, b) => a - b);
  const plot = Plot.plot({
    ...frame(width),
    height: 300,
    x: {
      type: "log",
      base: 2,
      domain: [sizes[0]! / 1.3, sizes.at(-1)! * 1.5],
      ticks: sizes,
      tickFormat: formatCount,
      label: "Invocations of the one workgroup →"
    },
    y: speedScale(points, []),
    marks: pointMarks(points, series)
  }) as unknown as PlotElement;
  asImage(plot, `Decoding speed of one workgroup over its size. ${points.map((point) => name(point)).join("; ")}.`);
  const ends = series.flatMap((line) => (line.length > 1 ? [line.at(-1)!, line[0]!] : line));
  const labels = [...ends, ...points.filter((point) => !ends.includes(point))].map((point) => ({
    text: ends.includes(point) ? name(point, isNarrow(width)) : "",
    point
  }));
  addLabels(plot, labels, width);
  return html`<figure class="workgroup-size-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot} ${legend(devices, live, [], {hasLimits: false})}
    <figcaption>
      Recorded: one workgroup, ${formatCount(32)} layers at the width of Phi-3-mini, one sequence. A line joins the
      sizes of one run. Bars span p10 to p90.
      ${live.some(({spectrum}) => !spectrum) ? "Your run is of another shape: do not compare its height with the recorded points." : ""}
    </figcaption>
  </figure>`;
}

/** The rows of one workgroup that have a size and a figure, the smallest workgroup first. */
export function sizedRows(rows: readonly ResultRow[]): SizedRow[] {
  return rows
    .filter(
      (row): row is SizedRow => row.workgroups === 1 && row.workgroupSize !== null && row.tokensPerSecond !== null
    )
    .sort((a, b) => a.workgroupSize - b.workgroupSize);
}

function name({row, x, y}: Point, narrow = false): string {
  if (narrow) return formatRate(y);
  return `${isLive(row) ? "Yours" : shortDevice(ranOn(row))}, ${formatCount(x)}: ${formatRate(y)}`;
}
