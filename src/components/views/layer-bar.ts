import * as Plot from "@observablehq/plot";
import {max} from "d3";
import {html} from "htl";
import type {Stage} from "../decode/stages.js";
import {microsecondsPerCall} from "../lab/profile-row.js";
import {formatMicroseconds, formatNumber, formatPercent} from "./format.js";
import {colours} from "./palette.js";
import {asImage, background, fontSize, textMeasure, type PlotElement} from "./plot-frame.js";
import {seriesName, type ProfileSeries} from "./profile-series.js";

/** The dispatches of one layer, in the order they run. */
export const layerDispatches: readonly Stage[] = [
  "rms_norm",
  "qkv_rope",
  "attention",
  "o_proj",
  "rms_norm",
  "gate_up",
  "down"
];

/**
 * What a report calls the kernels that do what the norms of a layer do here, in the same order: one adds the FFN of the
 * layer before and norms, the other adds attention and norms.
 */
const normsThere = ["add_norm_ffn", "add_norm_attention"];

/** How much wider bold text is, at most. */
const bold = 1.15;

/** A dispatch of the layer as a part of the layer's time. */
export interface Segment {
  name: string;
  stage: Stage;
  microseconds: number;
  /** Parts of the layer's time, from 0 to 1. */
  from: number;
  to: number;
  colour: string;
}

/** The layer of a series, dispatch by dispatch; empty where a stage of it has no time. */
export function layerSegments(series: ProfileSeries): Segment[] {
  const times = layerDispatches.map((stage, i) => {
    const row = series.rows.find(({part}) => part === stage);
    const role = normsThere[layerDispatches.slice(0, i).filter((before) => before === "rms_norm").length];
    const kernel = stage === "rms_norm" && row?.kernels.find((kernel) => kernel.role === role);
    return kernel || row ? microsecondsPerCall(kernel || row!)! : NaN;
  });
  const total = times.reduce((sum, time) => sum + time, 0);
  if (!(total > 0)) return [];
  let at = 0;
  return layerDispatches.map((stage, i) => {
    const microseconds = times[i]!;
    const from = at / total;
    at += microseconds;
    return {name: seriesName(series), stage, microseconds, from, to: at / total, colour: colours[series.meaning]};
  });
}

/** One layer of each series as a bar, divided by the time of its seven dispatches. */
export function layerBar(series: readonly ProfileSeries[], width = 640): HTMLElement {
  const layers = series.map(layerSegments).filter((segments) => segments.length > 0);
  if (layers.length === 0) return html`<p>The bars are drawn once a run has measured all stages of a layer.</p>`;
  const measure = textMeasure();
  const plotted = layers.flat();
  const inner = width - 2;
  const labelled = plotted
    .map((segment) => ({...segment, text: label(segment, inner, measure)}))
    .filter(({text}) => text !== "");
  const titles = layers.map((segments) => {
    const {name} = segments[0]!;
    return {name, lines: wrap(`${name}: ${formatMicroseconds(totalOf(segments))} a layer`, inner / bold, measure)};
  });
  const titleHeight = 16 * max(titles, ({lines}) => lines.length)!;
  const identity = (value: "colour") => ({value, scale: null});
  const plot = Plot.plot({
    width,
    height: 4 + (40 + titleHeight) * layers.length,
    margin: 1,
    marginTop: 4,
    style: `font-size: ${fontSize}px; overflow: visible;`,
    x: {domain: [0, 1], axis: null},
    y: {domain: titles.map(({name}) => name), axis: null, padding: 0},
    marks: [
      Plot.barX(plotted, {
        y: "name",
        x1: "from",
        x2: "to",
        insetTop: 6 + titleHeight,
        insetBottom: 6,
        fill: identity("colour"),
        fillOpacity: ({stage}: Segment) => (stage === "rms_norm" || stage === "attention" ? 0.35 : 0.85),
        stroke: background,
        title: describe,
        tip: true
      }),
      Plot.text(titles, {
        y: "name",
        x: 0,
        text: ({lines}: (typeof titles)[number]) => lines.join("\n"),
        textAnchor: "start",
        lineAnchor: "bottom",
        lineHeight: 16 / fontSize,
        dy: titleHeight / 2 - 18,
        fontWeight: 600
      }),
      Plot.text(labelled, {
        y: "name",
        x: ({from, to}: Segment) => (from + to) / 2,
        text: "text",
        dy: titleHeight / 2,
        fill: background
      })
    ]
  }) as unknown as PlotElement;
  asImage(plot, layers.map((segments) => `${segments[0]!.name}: ${segments.map(describe).join(", ")}`).join(". "));
  return html`<figure class="layer-bar" style="max-width: ${width}px; margin-inline: 0;">
    ${plot}
    <figcaption>
      One layer, its seven dispatches from left to right: ${layerDispatches.join(", ")}. Each is as wide as its part of
      the layer's time on that device, so that bars of fast and slow devices are equally long. Pale: dispatches that
      read next to no weights. A norm is drawn as the mean of all norms, where nobody timed them one by one.
    </figcaption>
  </figure>`;
}

/** The name with its part, the part alone or nothing, as fits. */
function label({stage, from, to}: Segment, width: number, measure: (text: string) => number): string {
  const room = (to - from) * width - 8;
  if (stage === "rms_norm" || stage === "attention") return "";
  const part = `${formatNumber(Math.round(100 * (to - from)))}\u00a0%`;
  return [`${stage} ${part}`, part].find((text) => measure(text) <= room) ?? "";
}

/** The words of a text in lines no wider than this; a word that is wider has a line of its own. */
export function wrap(text: string, width: number, measure: (text: string) => number): string[] {
  return text.split(" ").reduce<string[]>((lines, word) => {
    const longer = [...lines.slice(-1), word].join(" ");
    return measure(longer) <= width ? [...lines.slice(0, -1), longer] : [...lines, word];
  }, []);
}

function describe({stage, microseconds, from, to}: Segment): string {
  return `${stage} ${formatMicroseconds(microseconds)} (${formatPercent(to - from)})`;
}

function totalOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, {microseconds}) => sum + microseconds, 0);
}
