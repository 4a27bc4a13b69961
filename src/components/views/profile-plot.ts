import * as Plot from "@observablehq/plot";
import {max, min, symbolStar, symbolTimes, type SymbolType} from "d3";
import {html} from "htl";
import {arithmetics, type Arithmetic} from "../decode/plan.js";
import {stages} from "../decode/stages.js";
import {bandwidthShare} from "../lab/profile-row.js";
import {formatMilliseconds, formatNumber} from "./format.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, background, fontSize, isNarrow, type PlotElement} from "./plot-frame.js";
import {arithmeticName, fastestSeries, seriesName, type ProfileSeries, type TimedRow} from "./profile-series.js";
import {symbolIcon} from "./rate-plot.js";

/** What a plot of the stages shows: the time of a token, or the part of the read bandwidth that is used meanwhile. */
export type Quantity = "milliseconds" | "share";

export interface ProfilePlotOptions {
  quantity: Quantity;
  /** On record first, then the reader's own. */
  series: readonly ProfileSeries[];
  /** Pixels. */
  width?: number;
}

interface Mark {
  stage: string;
  value: number;
  low: number;
  high: number;
  series: ProfileSeries;
  colour: string;
  symbol: SymbolType;
  /** Solid where the output was verified, hollow where not. */
  fill: string;
  /** Of the kernel of another engine that is a part of the stage; null for the stage itself. */
  kernel: string | null;
}

const margin = {top: 28, bottom: 36};

/**
 * A line for each stage of the model, with a mark for each device. The reader chooses the arithmetic of the rows that
 * this project measured; first it is that of the answer, which is of the fastest. Every mark is also a row of the table.
 */
export function profilePlot({quantity, series, width = 640}: ProfilePlotOptions): HTMLElement {
  const picture = html`<div></div>`;
  const draw = (arithmetic: Arithmetic) =>
    picture.replaceChildren(drawSeries(series.filter((s) => (s.arithmetic ?? arithmetic) === arithmetic)));
  const drawSeries = (shown: readonly ProfileSeries[]) => {
    const marks = marksOf(shown, quantity);
    return marks.length > 0
      ? html`<div>${drawMarks(marks, quantity, width)} ${legend(shown, quantity)}</div>`
      : html`<p>No row on file or of yours has this figure yet.</p>`;
  };
  const known = arithmetics.filter((arithmetic) => series.some((s) => s.arithmetic === arithmetic));
  const own = series.filter(({meaning}) => meaning === "yours");
  const measured = series.filter(({arithmetic}) => arithmetic !== null);
  const first = fastestSeries(own.length > 0 ? own : measured)?.arithmetic ?? arithmetics[0];
  const choices = known.map(
    (arithmetic) =>
      html`<label
        ><input
          type="radio"
          name="${quantity}-arithmetic"
          value="${arithmetic}"
          checked=${arithmetic === first}
          onchange=${() => draw(arithmetic)}
        />
        ${arithmeticName(arithmetic)}</label
      >`
  );
  draw(first);
  return html`<figure class="profile-plot" data-quantity="${quantity}" style="max-width: ${width}px; margin-inline: 0;">
    ${
      known.length > 1
        ? html`<fieldset>
            <legend>Activations in</legend>
            ${choices}
          </fieldset>`
        : null
    }
    ${picture}
    <figcaption>${caption(series, quantity)}</figcaption>
  </figure>`;
}

function marksOf(series: readonly ProfileSeries[], quantity: Quantity): Mark[] {
  return series.flatMap((s) =>
    s.rows.flatMap((row) => {
      const value = valueOf(row, quantity);
      if (!value) return [];
      const {milliseconds, millisecondsP10: p10, millisecondsP90: p90} = row;
      const look = {
        series: s,
        colour: colours[s.meaning],
        symbol: s.meaning === "yours" ? symbolStar : placeSymbol(s.name),
        fill: row.verification === null ? background : colours[s.meaning]
      };
      const kernels = quantity === "milliseconds" ? row.kernels.filter(({milliseconds}) => milliseconds > 0) : [];
      const spread = [p10 ?? milliseconds, p90 ?? milliseconds].map((time) =>
        quantity === "milliseconds" ? time : (value * milliseconds) / time
      );
      return [
        {stage: row.part, value, low: min(spread)!, high: max(spread)!, ...look, kernel: null},
        ...kernels.map(({nameThere, milliseconds: time}) => {
          return {stage: row.part, value: time, low: time, high: time, ...look, symbol: symbolTimes, kernel: nameThere};
        })
      ];
    })
  );
}

/** In milliseconds or per cent; null or zero where there is no mark. */
function valueOf(row: TimedRow, quantity: Quantity): number | null {
  if (quantity === "milliseconds") return row.milliseconds;
  const share = bandwidthShare(row);
  return share === null ? null : 100 * share;
}

function drawMarks(marks: readonly Mark[], quantity: Quantity, width: number): PlotElement {
  const narrow = isNarrow(width);
  const timed = quantity === "milliseconds";
  const say = (value: number) => (timed ? formatMilliseconds(value) : `${formatNumber(value)}\u00a0%`);
  const lines = stages.filter((stage) => marks.some((mark) => mark.stage === stage));
  const domain: [number, number] = timed
    ? [min(marks, ({low}) => low)! / 1.5, max(marks, ({high}) => high)! * 1.3]
    : [0, Math.max(100, max(marks, ({high}) => high)! * 1.02)];
  const decades = [0.001, 0.01, 0.1, 1, 10, 100, 1000];
  // Over many decades, Plot would leave the ticks between them without a label.
  const ticks = decades.flatMap((tick) => (domain[1] < 1000 * domain[0] ? [tick, 3 * tick] : [tick]));
  const identity = (value: keyof Mark) => ({value, scale: null});
  const largest = marks.filter((mark) => marks.every((m) => m.stage !== mark.stage || m.value <= mark.value));
  const plot = Plot.plot({
    width,
    height: margin.top + margin.bottom + lines.length * (narrow ? 38 : 28),
    marginTop: margin.top,
    marginRight: narrow ? 58 : 70,
    marginBottom: margin.bottom,
    marginLeft: narrow ? 12 : 90,
    style: `font-size: ${fontSize}px; overflow: visible;`,
    x: {
      type: timed ? "log" : "linear",
      domain,
      grid: true,
      ...(timed ? {ticks: ticks.filter((tick) => tick >= domain[0] && tick <= domain[1])} : {ticks: 5}),
      tickFormat: formatNumber,
      label: timed ? "Time of a token (ms) →" : "Read bandwidth of the device that is used (%) →"
    },
    y: {domain: lines, label: null, axis: narrow ? null : "left", tickSize: 0},
    marks: [
      narrow ? Plot.text(lines, {x: domain[0], y: String, text: String, textAnchor: "start", dy: -12}) : null,
      Plot.ruleY(lines, {y: String, strokeOpacity: 0.12}),
      timed ? null : Plot.ruleX([100], {stroke: colours.limit, strokeWidth: 1.5, strokeDasharray: "5 3"}),
      Plot.ruleY(marks, {
        y: "stage",
        x1: "low",
        x2: "high",
        stroke: identity("colour"),
        strokeWidth: 1.5
      }),
      Plot.dot(marks, {
        y: "stage",
        x: "value",
        r: {value: ({kernel}: Mark) => (kernel === null ? 4.5 : 3.5), scale: null},
        symbol: identity("symbol"),
        stroke: identity("colour"),
        fill: identity("fill"),
        strokeWidth: 1.6,
        title: (mark: Mark) => `${nameOf(mark)}: ${say(mark.value)}\n${seriesName(mark.series)}`,
        tip: true
      }),
      Plot.text(largest, {
        y: "stage",
        x: "high",
        text: ({value}: Mark) => say(value),
        textAnchor: "start",
        dx: 9
      })
    ]
  }) as unknown as PlotElement;
  const list = marks.map((mark) => `${nameOf(mark)}, ${seriesName(mark.series)}: ${say(mark.value)}`);
  asImage(plot, `${timed ? "Time of a token" : "Read bandwidth used"} by stage. ${list.join("; ")}.`);
  return plot;
}

/** "rms_norm", "rms_norm: addNorm1" */
function nameOf({stage, kernel}: Mark): string {
  return [stage, kernel].filter(Boolean).join(": ");
}

function legend(series: readonly ProfileSeries[], quantity: Quantity): HTMLElement {
  const entries = series
    .filter(({rows}) => rows.some((row) => valueOf(row, quantity)))
    .map((s) => {
      const symbol = s.meaning === "yours" ? symbolStar : placeSymbol(s.name);
      const text = s.meaning === "yours" ? seriesName(s) : `Recorded, ${seriesName(s)}`;
      const fill = isVerified(s) ? colours[s.meaning] : "none";
      return html`<span>${symbolIcon(symbol, colours[s.meaning], fill)} ${text}</span>`;
    });
  const hasParts = quantity === "milliseconds" && series.some(({rows}) => rows.some(({kernels}) => kernels.length > 0));
  return html`<div class="plot-legend">
    ${entries} ${hasParts ? html`<span>${symbolIcon(symbolTimes, colours.recorded)} Part of a sum</span>` : null}
    <span>Solid: output verified. Hollow: not verified.</span>
  </div>`;
}

function isVerified({rows}: ProfileSeries): boolean {
  return rows.every(({verification}) => verification !== null);
}

function caption(series: readonly ProfileSeries[], quantity: Quantity): string {
  const zeros = series.flatMap((s) =>
    s.rows.filter(({milliseconds}) => milliseconds === 0).map(({part}) => `${part} (${s.name})`)
  );
  const figure = "A figure stands beside the largest mark of a line.";
  if (quantity === "share") {
    return `What a stage reads, over its time and the read bandwidth of its device. ${figure} The dashed line is all of that bandwidth.`;
  }
  const without =
    zeros.length > 0 ? ` Without a mark, because their source rounds them to 0: ${zeros.join(", ")}.` : "";
  const divided = series.flatMap((s) =>
    s.rows
      .filter(({kernels}) => kernels.length > 0)
      .map(({part, kernels}) => {
        const each = kernels.map(({nameThere, milliseconds}) => `${nameThere} ${formatMilliseconds(milliseconds)}`);
        return ` A cross is a part of what ${part} (${s.name}) is the sum of: ${new Intl.ListFormat("en-GB").format(each)}.`;
      })
  );
  return `Medians of our rows, with bars from p10 to p90, on a logarithmic axis. ${figure}${divided.join("")}${without}`;
}
