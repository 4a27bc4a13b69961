import * as Plot from "@observablehq/plot";
import {max} from "d3";
import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {formatMilliseconds, formatQuantity} from "./format.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, background, fontSize, isNarrow, type PlotElement} from "./plot-frame.js";
import {ranOn} from "./recorded.js";

/** One program and setting at several numbers of layers. */
export interface LayerSeries {
  label: string;
  rows: readonly ResultRow[];
}

interface Point {
  label: string;
  layers: number;
  milliseconds: number;
  /** What it ran on. */
  place: string;
}

/** Milliseconds of one token in one layer, for each row. */
export function layerTimes({label, rows}: LayerSeries): Point[] {
  return rows.map((row) => {
    const {id, layers, millisecondsPerToken} = row;
    if (layers === null || millisecondsPerToken === null) throw new Error(`row ${id} has no layers or no time`);
    return {label, layers, milliseconds: millisecondsPerToken / layers, place: ranOn(row)};
  });
}

/** Whether the last point is clearly below the one before, so that a label above the last would lie on the line. */
function falls(line: readonly Point[]): boolean {
  return line.length > 1 && line.at(-1)!.milliseconds < 0.9 * line.at(-2)!.milliseconds;
}

/**
 * Time of one token in one layer against the layers of the run. One workgroup does a layer after another, so a series
 * of one program and one setting is flat.
 */
export function layerTimePlot({series, width = 640}: {series: readonly LayerSeries[]; width?: number}): HTMLElement {
  const lines = series.map(layerTimes);
  const points = lines.flat();
  const narrow = isNarrow(width);
  const plot = Plot.plot({
    width,
    height: narrow ? 300 : 320,
    marginTop: 30,
    marginRight: narrow ? 16 : 190,
    marginBottom: 38,
    marginLeft: 44,
    style: `font-size: ${fontSize}px; overflow: visible;`,
    x: {type: "log", base: 2, domain: [0.9, 36], ticks: [1, 8, 32], tickFormat: String, label: "Layers in the run →"},
    y: {
      domain: [0, 1.1 * max(points, ({milliseconds}) => milliseconds)!],
      grid: true,
      label: "↑ Time of a token in a layer (ms)"
    },
    marks: [
      Plot.ruleY([0]),
      Plot.line(points, {x: "layers", y: "milliseconds", z: "label", stroke: colours.recorded, strokeOpacity: 0.7}),
      Plot.dot(points, {
        x: "layers",
        y: "milliseconds",
        r: 4,
        symbol: {value: ({place}: Point) => placeSymbol(place), scale: null},
        stroke: colours.recorded,
        strokeWidth: 1.5,
        fill: background,
        title: ({label, layers, milliseconds}: Point) =>
          `${label}\n${formatQuantity(layers, "layer")}\n${formatMilliseconds(milliseconds)} a layer`,
        tip: true
      }),
      ...lines.map((line) => {
        const atStart = narrow && falls(line);
        return Plot.text([line.at(atStart ? 0 : -1)!], {
          x: "layers",
          y: "milliseconds",
          text: "label",
          textAnchor: narrow && !atStart ? "end" : "start",
          dx: narrow ? (atStart ? -4 : 4) : 9,
          dy: narrow ? -12 : 0
        });
      })
    ]
  }) as unknown as PlotElement;
  const list = points.map(
    ({label, layers, milliseconds}) =>
      `${label}, ${formatQuantity(layers, "layer")}: ${formatMilliseconds(milliseconds)}`
  );
  asImage(plot, `Time of one token in one layer, by the number of layers in the run. ${list.join("; ")}.`);
  return html`<figure class="layer-time-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot}
    <figcaption>
      Recorded milliseconds of one token, divided by the layers of the run. Marks are hollow: no output was checked.
    </figcaption>
  </figure>`;
}
