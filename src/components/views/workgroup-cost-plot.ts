import * as Plot from "@observablehq/plot";
import {symbolCircle, symbolDiamond} from "d3";
import {html} from "htl";
import {formatCount, formatMilliseconds, formatNumber} from "./format.js";
import {colours} from "./palette.js";
import {asImage, frame, isNarrow, type PlotElement} from "./plot-frame.js";
import type {WorkgroupCost} from "./workgroup-cost.js";

/** What the cores spend a token on, by the two numbers of a device, from the bottom up. */
const parts = [
  {part: "alone", what: "what one workgroup takes alone", opacity: 0.9},
  {part: "shared", what: "work that does not divide evenly, or that the memory holds up", opacity: 0.65},
  {part: "slower", what: "work that is slower than of one alone", opacity: 0.42},
  {part: "boundaries", what: "waits for each other", opacity: 0.2}
] as const;

interface Bar {
  workgroups: string;
  part: (typeof parts)[number]["part"];
  /** Core-milliseconds a token. */
  value: number;
}

export interface WorkgroupCostPlotOptions extends WorkgroupCost {
  /** "NVIDIA H200" */
  ranOn: string;
  meaning: "recorded" | "yours";
  /** Pixels. */
  width?: number;
}

/**
 * The time of a token times its workgroups: what all of them together spend on it, measured, and what it is made of by
 * the fitted model. It would be as high everywhere if cores were all that it takes.
 */
export function workgroupCostPlot({ranOn, meaning, width = 640, ...cost}: WorkgroupCostPlotOptions): HTMLElement {
  const {alone, times} = cost;
  const marks = [{workgroups: 1, milliseconds: alone, fitted: true}, ...times].map((time) => ({
    ...time,
    key: formatCount(time.workgroups),
    value: time.workgroups * time.milliseconds
  }));
  const bars = [{workgroups: "1", part: "alone", value: alone} as Bar, ...barsOf(cost)];
  const narrow = isNarrow(width);
  const plot = Plot.plot({
    ...frame(width),
    x: {domain: marks.map(({key}) => key), label: "Workgroups of the one dispatch →", padding: 0.25},
    y: {grid: true, zero: true, label: "↑ Time of a token × workgroups (ms)"},
    marks: [
      Plot.barY(bars, {
        x: "workgroups",
        y: "value",
        fill: colours.predicted,
        fillOpacity: {value: ({part}: Bar) => parts.find((each) => each.part === part)!.opacity, scale: null},
        order: parts.map(({part}) => part),
        z: "part"
      }),
      Plot.ruleY([0]),
      Plot.dot(marks, {
        x: "key",
        y: "value",
        r: narrow ? 3.5 : 4.5,
        symbol: {value: ({fitted}: {fitted: boolean}) => (fitted ? symbolCircle : symbolDiamond), scale: null},
        fill: colours[meaning],
        stroke: "var(--theme-background, Canvas)",
        title: ({key, value, milliseconds}: (typeof marks)[number]) =>
          `${key} workgroups\n${formatMilliseconds(milliseconds)} a token\n${formatNumber(value)} ms of all`,
        tip: true
      })
    ]
  }) as unknown as PlotElement;
  const list = marks.map(({key, milliseconds, value}) => {
    const of = bars.filter(({workgroups}) => workgroups === key);
    const made = of.map(({part, value}) => `${formatNumber(value)} ${parts.find((each) => each.part === part)!.what}`);
    return `${key}: ${formatMilliseconds(milliseconds)} a token, ${formatNumber(value)} ms of all, made of ${made.join(", ")}`;
  });
  asImage(plot, `${ranOn}. Time of a token times workgroups. ${list.join("; ")}.`);
  const dot = (symbol: string) => html`<span aria-hidden="true" class="${meaning}">${symbol}</span>`;
  return html`<figure class="workgroup-cost-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot}
    <div class="plot-legend">
      <span>${dot("●")} measured, and fitted to</span>
      <span>${dot("◆")} measured, and predicted</span>
      ${parts
        .toReversed()
        .map(
          ({what, opacity}) =>
            html`<span
              ><span
                aria-hidden="true"
                style="display: inline-block; width: 0.8em; height: 0.8em; background: ${colours.predicted}; opacity: ${opacity};"
              ></span>
              ${what}</span
            >`
        )}
    </div>
    <figcaption>
      ${ranOn}: one dispatch, the time of a token times its workgroups, medians. Bars: by the two numbers of the text,
      fitted to the discs and to nothing else.
    </figcaption>
  </figure>`;
}

function barsOf({alone, times, model}: WorkgroupCost): Bar[] {
  return times.flatMap(({workgroups, least, boundaries}) => {
    const values = {
      alone,
      shared: workgroups * least - alone,
      slower: workgroups * least * (model.slowdown - 1),
      boundaries: workgroups * boundaries * model.boundary
    };
    return parts.map(({part}) => ({workgroups: formatCount(workgroups), part, value: values[part]}));
  });
}
