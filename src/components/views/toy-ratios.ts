import * as Plot from "@observablehq/plot";
import {extent, symbolStar, type SymbolType} from "d3";
import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {Results} from "../lab/results-table.js";
import {formatCount, formatNumber} from "./format.js";
import {colours} from "./palette.js";
import {asImage, background, frame, isNarrow, type PlotElement} from "./plot-frame.js";
import {placeSymbol} from "./place-symbol.js";
import {lineIcon, symbolIcon} from "./rate-plot.js";
import {cite, shortDevice} from "./recorded.js";
import {compareSizes, formatRatio, launches, sizeCurves, type Ratio, type SizeComparison} from "./size-curve.js";
import {hiddenScale, ticksBetween} from "./toy-plot.js";

/** What one dispatch is compared with. */
type Other = "staged" | "unfused";

const others: readonly Other[] = ["unfused", "staged"];

/** How many times as fast one dispatch is, by hidden size, in one place. */
export interface RatioCurve {
  ranOn: string;
  origin: "recorded" | "yours";
  other: Other;
  /** The smallest size first. */
  points: ({hidden: number} & Ratio)[];
}

/**
 * The curves of every runtime on record, then the reader's own; those that compare nothing are left out.
 * @param equal by which part two figures may differ and count as equal
 */
export function ratioCurves(rows: readonly ResultRow[], yours: readonly RunRecord[], equal: number): RatioCurve[] {
  const places = [
    ...sizeCurves(rows).map((curves) => ({curves, origin: "recorded" as const})),
    ...sizeCurves(yours.flatMap((record) => runRows(record, null))).map((curves) => ({
      curves,
      origin: "yours" as const
    }))
  ];
  return places.flatMap(({curves, origin}) => {
    const sizes = compareSizes(curves, equal);
    return others
      .map((other) => ({ranOn: curves.ranOn, origin, other, points: ratiosOf(sizes, other)}))
      .filter(({points}) => points.length > 0);
  });
}

function ratiosOf(sizes: readonly SizeComparison[], other: Other): RatioCurve["points"] {
  return sizes.flatMap(({hidden, [other]: ratio}) => (ratio === null ? [] : [{hidden, ...ratio}]));
}

export interface RatioOptions {
  curves: readonly RatioCurve[];
  /** What a report says of the same comparison at all these sizes together. */
  reported: Results["speedups"][number];
  /** The hidden sizes that the report is of: the least and the most. */
  sizes: readonly [number, number];
  /** Pixels. */
  width?: number;
}

interface Mark extends Ratio {
  hidden: number;
  curve: RatioCurve;
  colour: string;
  symbol: SymbolType;
}

/** Of a line by what it compares with, in the order of `others`. */
const dashes = ["none", "6 3"];

/** How many times as fast one dispatch is over hidden size, and what a report says of it, as bands. */
export function toyRatioPlot({curves, reported, sizes, width = 640}: RatioOptions): HTMLElement {
  const [recordedPlaces, lines] = [placesOf(curves), curves.map(marksOf)];
  const bands = bandsOf(reported);
  const marks = lines.flat();
  const [low, high] = extent([
    ...marks.flatMap(({least, most}) => [least, most]),
    ...bands.flatMap(({range}) => range)
  ]) as [number, number];
  const domain: [number, number] = [low / 1.5, high * 1.5];
  const identity = (value: "colour" | "symbol") => ({value, scale: null});
  const plot = Plot.plot({
    ...frame(width),
    x: hiddenScale(isNarrow(width) ? 320 : 340),
    y: {
      type: "log",
      base: 2, // base 10 would leave some ticks without a label
      domain,
      grid: true,
      ticks: ticksBetween(...domain),
      tickFormat: formatNumber,
      label: "↑ One dispatch, times as fast as many"
    },
    marks: [
      Plot.rect(bands, {
        x1: sizes[0],
        x2: sizes[1],
        y1: ({range}: Band) => range[0],
        y2: ({range}: Band) => range[1],
        fill: colours.recorded,
        fillOpacity: 0.1,
        stroke: colours.recorded,
        strokeDasharray: "2 3",
        title: ({text}: Band) => text,
        tip: true
      }),
      Plot.text(bands, {
        x: sizes[0],
        y: ({range}: Band) => Math.sqrt(range[0] * range[1]),
        text: ({text, short}: Band) => (isNarrow(width) ? short : text),
        textAnchor: "start",
        dx: 8,
        stroke: background,
        strokeWidth: 3,
        fill: "currentColor"
      }),
      Plot.ruleY([1], {stroke: "currentColor", strokeWidth: 1.2}),
      lines.map((line) =>
        Plot.line(line, {
          x: "hidden",
          y: "ratio",
          stroke: line[0]!.colour,
          strokeWidth: 1.2,
          strokeOpacity: 0.7,
          strokeDasharray: dashOf(line[0]!.curve)
        })
      ),
      Plot.ruleX(marks, {x: "hidden", y1: "least", y2: "most", stroke: identity("colour"), strokeWidth: 1.5}),
      Plot.dot(marks, {
        x: "hidden",
        y: "ratio",
        r: 4,
        symbol: identity("symbol"),
        stroke: identity("colour"),
        fill: identity("colour"),
        title: describe,
        tip: true
      })
    ]
  }) as unknown as PlotElement;
  asImage(
    plot,
    `One dispatch against many, by hidden size. ${[...marks.map(describe), ...bands.map(({text}) => text)].join("; ")}.`
  );
  return html`<figure class="toy-ratio-plot" style="max-width: ${width}px; margin-inline: 0;">
    ${plot}
    <div class="plot-legend">
      ${others.map((other) => html`<span>${lineIcon("currentColor", dashOf({other}))} against ${launches[other]}</span>`)}
      ${recordedPlaces.map(
        (place) => html`<span>${symbolIcon(placeSymbol(place), colours.recorded)} Recorded, ${place}</span>`
      )}
      ${
        curves.some(({origin}) => origin === "yours")
          ? html`<span>${symbolIcon(symbolStar, colours.yours)} Yours</span>`
          : null
      }
    </div>
    <figcaption>
      Marks: one program’s three designs on one GPU, the fastest row of each, by medians. Their bars go from the 10th
      percentile of one dispatch over the 90th of the other to the 90th over the 10th. Above the line, one dispatch is
      the faster one. Bands: what was reported of the ${shortDevice(reported.device)}, for all sizes together, with
      another program, against a dispatch for each operation. A band does not say which ratio is of which size.
    </figcaption>
  </figure>`;
}

interface Band {
  range: readonly [number, number];
  text: string;
  short: string;
}

function bandsOf({device, parallel, singleThread}: RatioOptions["reported"]): Band[] {
  const band = (range: readonly [number, number], how: string, short: string): Band => {
    const times = `${formatNumber(range[0])} to ${formatNumber(range[1])} times`;
    return {
      range,
      text: `${shortDevice(device)}, reported, ${how}: ${times}`,
      short: `${short}: ${times.replace(/ times$/, "")}`
    };
  };
  return [
    band(parallel as [number, number], "one dispatch, parallel", "M2 Pro, parallel"),
    band(singleThread as [number, number], "one dispatch, single thread", "M2 Pro, single thread")
  ];
}

function marksOf(curve: RatioCurve): Mark[] {
  const [colour, symbol] =
    curve.origin === "yours" ? [colours.yours, symbolStar] : [colours.recorded, placeSymbol(curve.ranOn)];
  return curve.points.map((point) => ({...point, curve, colour, symbol}));
}

function dashOf({other}: Pick<RatioCurve, "other">): string {
  return dashes[others.indexOf(other)]!;
}

function placesOf(curves: readonly RatioCurve[]): string[] {
  return [...new Set(curves.filter(({origin}) => origin === "recorded").map(({ranOn}) => ranOn))];
}

function describe({curve: {ranOn, origin, other}, ...mark}: Mark): string {
  return `${origin === "yours" ? "yours" : ranOn}, ${formatCount(mark.hidden)} wide, against ${launches[other]}: ${formatRatio(mark)}`;
}

/** The same as a table, a line for each comparison; a reported one has a range for all sizes. */
export function toyRatioTable({curves, reported}: Pick<RatioOptions, "curves" | "reported">): HTMLElement {
  const sizes = [...new Set(curves.flatMap(({points}) => points.map(({hidden}) => hidden)))].sort((a, b) => a - b);
  const device = shortDevice(reported.device);
  return html`<div class="scrolls" role="region" aria-label="One dispatch against many, by hidden size" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">One dispatch, times as fast as</th>
          <th scope="col" style="min-width: 7em;">Where</th>
          ${sizes.map((size) => html`<th scope="col" class="number">${formatCount(size)} wide</th>`)}
        </tr>
      </thead>
      <tbody>
        ${curves.map(
          ({other, ranOn, origin, points}) =>
            html`<tr>
              <th scope="row">${launches[other]}</th>
              <td class="${origin}">${origin === "yours" ? `Yours, ${ranOn}` : ranOn}</td>
              ${sizes.map((size) => {
                const point = points.find(({hidden}) => hidden === size);
                return html`<td class="number">${point ? formatRatio(point).replace(/ times$/, "") : "–"}</td>`;
              })}
            </tr>`
        )}
        ${bandsOf(reported).map(
          ({range}, i) =>
            html`<tr>
              <th scope="row">${launches.unfused}${i === 0 ? "" : ", by a dispatch of a single thread"}</th>
              <td class="recorded">
                ${device}, reported<br />${cite({source: reported.citation, sourceUrl: reported.sourceUrl})}
              </td>
              <td class="number" colspan="${Math.max(1, sizes.length)}">
                ${formatNumber(range[0])} to ${formatNumber(range[1])}, all sizes together
              </td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
