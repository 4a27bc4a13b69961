import * as Plot from "@observablehq/plot";
import {max} from "d3";
import {html} from "htl";
import {costOf} from "../model-of-cost/cost-fit.js";
import {formatMicroseconds} from "./format.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, drawLabels, frame, textMeasure, type PlotElement} from "./plot-frame.js";
import type {StageCost} from "./stage-cost.js";

export interface StageCostPlotOptions extends StageCost {
  /** "NVIDIA H200" */
  ranOn: string;
  /** Pixels. */
  width?: number;
}

/** What a dispatch of each stage takes over the least that it can take, and the line of the two numbers. */
export function stageCostPlot({ranOn, times, model, width = 640}: StageCostPlotOptions): HTMLElement {
  const points = times.map(({stage, least, milliseconds}) => ({stage, x: 1000 * least, y: 1000 * milliseconds}));
  const end = 1.12 * max(points, ({x}) => x)!;
  const line = [0, end].map((x) => ({x, y: 1000 * costOf({least: x / 1000, boundaries: 1}, model)}));
  const least = [0, end].map((x) => ({x, y: x}));
  const plot = Plot.plot({
    ...frame(width),
    x: {domain: [0, end], label: "The least that the stage can take (µs) →"},
    y: {grid: true, zero: true, label: "↑ A dispatch of it, measured (µs)"},
    marks: [
      Plot.ruleY([0]),
      Plot.line(least, {x: "x", y: "y", stroke: colours.limit, strokeDasharray: "4 3"}),
      Plot.line(line, {x: "x", y: "y", stroke: colours.predicted, strokeWidth: 1.5}),
      Plot.dot(points, {
        x: "x",
        y: "y",
        r: 4.5,
        symbol: {value: () => placeSymbol(ranOn), scale: null},
        fill: colours.recorded,
        title: ({stage, x, y}: (typeof points)[number]) =>
          `${stage}\nat least ${formatMicroseconds(x)}\nmeasured ${formatMicroseconds(y)}`,
        tip: true
      })
    ]
  }) as unknown as PlotElement;
  const measure = textMeasure();
  const [x, y] = [plot.scale("x")!, plot.scale("y")!];
  const requests = points.map((point) => ({
    text: point.stage,
    ...{x: x.apply(point.x), y: y.apply(point.y)},
    ...{radius: 5.5, width: measure(point.stage)}
  }));
  drawLabels(plot, requests, width);
  const list = points.map(
    ({stage, x, y}) => `${stage}: at least ${formatMicroseconds(x)}, measured ${formatMicroseconds(y)}`
  );
  asImage(plot, `${ranOn}. A dispatch of each stage. ${list.join("; ")}.`);
  return html`<figure class="stage-cost-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot}
    <figcaption>
      ${ranOn}: GPU time of one dispatch of each stage, timed alone, medians. Solid line: by the two numbers of the
      text, fitted to these points. Dashed: the least.
    </figcaption>
  </figure>`;
}
