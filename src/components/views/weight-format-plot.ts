import * as Plot from "@observablehq/plot";
import {group, max, min, symbolStar, type SymbolType} from "d3";
import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {runRows, weightFormatExperiment, type ResultRow} from "../lab/result-row.js";
import type {Roofline} from "../lab/results-table.js";
import {shapes, weightBytesPerToken, weightFormats, type Shape, type WeightFormat} from "../model/shape.js";
import {formatBandwidth, formatNumber, formatQuantity, formatRate} from "./format.js";
import type {LabelRequest} from "./labels.js";
import {colours} from "./palette.js";
import {placeSymbol} from "./place-symbol.js";
import {asImage, background, drawLabels, fontSize, isNarrow, textMeasure, type PlotElement} from "./plot-frame.js";
import {provenance} from "./provenance.js";
import {lineIcon, symbolIcon} from "./rate-plot.js";
import {inBrowser, ranOn, shortDevice} from "./recorded.js";

export interface WeightFormatPlotOptions {
  /** Every row on file. */
  rows: readonly ResultRow[];
  /** The run just made on this page. */
  yours?: RunRecord | null;
  rooflines: readonly Roofline[];
  /** Pixels. */
  width?: number;
}

/** What is on file of the original's kernels and has a time, and what their weights were in memory. */
export const reported: Readonly<Record<string, WeightFormat>> = {
  "2026-03-31_int4/qwen2-0.5b-1-layer": "int4",
  "2026-03-31_int4/qwen2-0.5b-24-layers": "int4",
  "2026-03-31_int4/phi-3-mini-1-layer": "int4",
  "2026-03-31_int4/phi-3-mini-8-layers": "int4",
  "2026-03-31_int4/phi-3-mini-32-layers": "int4",
  "m2-pro-reported/int4-on-the-fly-1-layer": "int4",
  "m2-pro-reported/int4-on-the-fly-8-layers": "int4",
  "m2-pro-reported/int4-on-the-fly-32-layers": "int4",
  "m2-pro-reported/predequant-1-layer": "float32",
  "m2-pro-reported/predequant-8-layers": "float32",
  "m2-pro-reported/predequant-32-layers-chunked": "float32",
  "replication-h200/headless-int4-qwen2-1-layer": "int4",
  "replication-h200/headless-fast-1-layer": "int4",
  "replication-h200/headless-fast-8-layers": "int4"
};

const marginLeft = 54;

/** Its panels stand apart from those of Phi-3's width. */
const narrowModel = "Qwen2";

const launches = [
  "staged",
  "one workgroup",
  "one workgroup, 16 tokens in a dispatch",
  "one workgroup, several dispatches"
] as const;

type Launch = (typeof launches)[number];

/** A row as a mark. */
export interface FormatPoint {
  row: ResultRow;
  /** "8 layers", one panel of the plot. */
  panel: string;
  format: WeightFormat;
  launch: Launch;
  origin: "recorded" | "yours";
}

/** A point as it is drawn. */
interface Mark extends FormatPoint {
  symbol: SymbolType;
  /** In pixels. */
  radius: number;
  /** Pixels to the right: launches of one workgroup are nearly as fast as each other, and each is to be seen. */
  shift: number;
}

/** The speed that a device's read bandwidth allows with weights in a format. */
export interface FormatLimit {
  panel: string;
  format: WeightFormat;
  tokensPerSecond: number;
  /** "H200", or "yours". */
  device: string;
}

/** The newest record of each shape, in Node where there is one, what is on file of the original's kernels, and the reader's own run. */
export function formatPoints(rows: readonly ResultRow[], yours: RunRecord | null): FormatPoint[] {
  const ours = rows.filter(({experiment, software}) => experiment === weightFormatExperiment && !software);
  const newest = [...group(ours, ({shapeId}) => shapeId).values()].flatMap((shape) => {
    const chosen = shape.find((row) => !inBrowser(row)) ?? shape[0]!;
    return shape.filter(({sourceFile}) => sourceFile === chosen.sourceFile);
  });
  const others = rows.filter(({id}) => id in reported);
  return [
    ...[...newest, ...others].flatMap((row) => point(row, "recorded")),
    ...(yours ? runRows(yours, null) : []).flatMap((row) => point(row, "yours"))
  ];
}

function point(row: ResultRow, origin: FormatPoint["origin"]): FormatPoint[] {
  if (row.tokensPerSecond === null || row.layers === null || row.awaited) return [];
  return [
    {row, panel: panelOf(row), format: reported[row.id] ?? row.weightFormat ?? "int4", launch: launchOf(row), origin}
  ];
}

/** What is reported of the original in several dispatches stands in the line of its one workgroup. */
function launchOf({id, factoring, dispatchesPerToken}: ResultRow): Launch {
  if (factoring === "staged") return "staged";
  if (dispatchesPerToken !== null && dispatchesPerToken < 1) return launches[2];
  return factoring === "chunked" && !(id in reported) ? launches[3] : "one workgroup";
}

/** Limits of the devices that a panel has marks of, at its own shape. */
export function formatLimits(
  points: readonly FormatPoint[],
  rooflines: readonly Roofline[],
  yours: RunRecord | null
): FormatLimit[] {
  const panels = [...new Set(points.map(({panel}) => panel))];
  return panels.flatMap((panel) => {
    const here = points.filter((point) => point.panel === panel);
    const shape = here.map(({row}) => shapeOf(row)).find((shape) => shape !== undefined);
    if (!shape) return [];
    const recorded = rooflines.filter(({device}) =>
      here.some(({row, origin}) => origin === "recorded" && row.device === device)
    );
    const own =
      yours?.roofline && here.some(({origin}) => origin === "yours") ? [{...yours.roofline, device: "yours"}] : [];
    return [...recorded, ...own].flatMap(({device, readBandwidthBytesPerSecond}) =>
      weightFormats.map((format) => ({
        panel,
        format,
        tokensPerSecond: readBandwidthBytesPerSecond / weightBytesPerToken(shape, format),
        device: shortDevice(device)
      }))
    );
  });
}

/** A row of a Phi-3-sized model is put beside Phi-3-mini of as many layers. Qwen2-sized layers are like none here. */
function shapeOf({shapeId, layers}: ResultRow): Shape | undefined {
  if (shapeId === "qwen2-sized") return undefined;
  const all: readonly Shape[] = Object.values(shapes);
  return (
    all.find(({id}) => id === shapeId) ??
    all.find((shape) => shape.layers === layers && shape.hidden === shapes["phi3-mini"].hidden)
  );
}

function panelOf({shapeId, layers}: ResultRow): string {
  if (shapeId === "tiny") return "tiny";
  return `${shapeId?.startsWith(narrowModel.toLowerCase()) ? `${narrowModel}, ` : ""}${formatQuantity(layers!, "layer")}`;
}

/** Decoding speed by what the weights are in memory: a panel for each number of layers, a line for each design. */
export function weightFormatPlot({rows, yours = null, rooflines, width = 640}: WeightFormatPlotOptions): HTMLElement {
  const points = formatPoints(rows, yours);
  const limits = formatLimits(points, rooflines, yours);
  const marks = withSymbols(points);
  const panels = [...new Set(points.map(({panel}) => panel))].sort((a, b) => order(a) - order(b));
  const small = panels.filter((panel) => order(panel) < 1);
  const parts = isNarrow(width) && small.length > 0 ? [small, panels.filter((panel) => order(panel) >= 1)] : [panels];
  const devices = [...new Set(limits.map(({device}) => device))];
  const bandwidths = rooflines
    .filter(({device}) => devices.includes(shortDevice(device)))
    .map(
      ({device, basis, readBandwidthBytesPerSecond}) =>
        `${shortDevice(device)} ${formatBandwidth(readBandwidthBytesPerSecond)}, ${basis}`
    );
  return html`<figure class="weight-format-plot" style="max-width: ${width}px; margin-inline: 0;">
    <div class="plot-legend">
      ${legend(marks).map(({symbol, colour, text}) => html`<span>${symbolIcon(symbol, colour)} ${text}</span>`)}
      ${Object.entries(dashes).map(([launch, dash]) => html`<span>${lineIcon("currentColor", dash)} ${launch}</span>`)}
      <span>Small, to the right: ${launches[2].replace("one workgroup, ", "")}</span>
      ${points.some(({launch}) => launch === launches[3]) ? html`<span>Small, to the left: several dispatches a token</span>` : ""}
      <span
        ><span style="color: ${colours.limit};" aria-hidden="true">╌╌</span> Limit: read bandwidth over weight
        bytes</span
      >
      <span>Solid: output verified. Hollow: not verified.</span>
    </div>
    ${parts.filter(({length}) => length > 0).map((part) => draw(part, marks, limits, width))}
    <figcaption>
      A panel for each number of layers, on one logarithmic axis; without a name, of Phi-3's width. Limits:
      ${bandwidths.join("; ")}${devices.includes("yours") ? "; yours, measured" : ""}. Hollow marks are the original's
      kernels, as reported or run again. They have no LM head, and their float32 at 32 layers is four dispatches.
    </figcaption>
  </figure>`;
}

/** The lines of each design. */
const dashes = {staged: "2 3", "one workgroup": "none"} as const;

function withSymbols(points: readonly FormatPoint[]): Mark[] {
  return points.map((point) => {
    const symbol = point.origin === "yours" ? symbolStar : placeSymbol(ranOn(point.row));
    const shift = point.launch === launches[2] ? 9 : point.launch === launches[3] ? -9 : 0;
    return {...point, symbol, radius: shift === 0 ? 5 : 2.8, shift};
  });
}

function legend(marks: readonly Mark[]) {
  const entries = marks.map(({row, origin, symbol}) => ({
    symbol,
    colour: colours[origin],
    text: origin === "yours" ? "Yours" : `Recorded, ${shortDevice(ranOn(row))}`
  }));
  return [...new Map(entries.map((entry) => [entry.text, entry])).values()];
}

/** These panels, on the axis of all of them. */
function draw(
  panels: readonly string[],
  allPoints: readonly Mark[],
  allLimits: readonly FormatLimit[],
  width: number
): PlotElement {
  const narrow = isNarrow(width);
  const [points, limits] = [allPoints, allLimits].map((marks) => marks.filter(({panel}) => panels.includes(panel))) as [
    Mark[],
    FormatLimit[]
  ];
  const speeds = [
    ...allPoints.flatMap(({row}) => [
      row.tokensPerSecondP10 ?? row.tokensPerSecond!,
      row.tokensPerSecondP90 ?? row.tokensPerSecond!
    ]),
    ...allLimits.map(({tokensPerSecond}) => tokensPerSecond)
  ];
  const withLimits = panels.find((panel) => limits.some((limit) => limit.panel === panel));
  const domain: [number, number] = [min(speeds)! / 1.7, max(speeds)! * 1.7];
  const identity = <T>(value: (point: T) => unknown) => ({value, scale: null});
  const place = {fx: "panel", x: "format"} as const;
  const speed = ({row}: FormatPoint) => row.tokensPerSecond;
  const series = [
    ...group(byFormat(points), ({row, panel, launch, origin}) =>
      [row.sourceFile, panel, launch, origin].join()
    ).values()
  ];
  const plot = Plot.plot({
    width,
    height: narrow ? (withLimits ? 400 : 260) : 420,
    marginTop: 40,
    marginBottom: 40,
    marginLeft,
    marginRight: 14,
    style: `font-size: ${fontSize}px; overflow: visible;`,
    fx: {domain: panels, label: null, padding: narrow ? 0.06 : 0.1},
    x: {
      domain: weightFormats,
      label: "Weights in memory",
      tickFormat: narrow || panels.length > 4 ? (format: string) => format.replace("float", "f") : undefined,
      padding: 0.6
    },
    y: {
      type: "log",
      domain,
      grid: true,
      ticks: [0.1, 1, 10, 100, 1000, 10000, 100000].filter((tick) => tick >= domain[0] && tick <= domain[1]),
      tickFormat: formatNumber,
      label: "↑ Tokens per second (tok/s)"
    },
    marks: [
      Plot.frame({strokeOpacity: 0.15}),
      Plot.line(limits, {
        ...place,
        y: "tokensPerSecond",
        z: "device",
        stroke: colours.limit,
        strokeWidth: 1.5,
        strokeDasharray: "6 4"
      }),
      series
        .filter(({length}) => length > 1)
        .map((line) =>
          Plot.line(line, {
            ...place,
            y: speed,
            stroke: colours[line[0]!.origin],
            strokeOpacity: 0.6,
            strokeWidth: 1,
            dx: line[0]!.shift,
            strokeDasharray: line[0]!.launch === "staged" ? dashes.staged : dashes["one workgroup"]
          })
        ),
      [...group(points, ({shift}) => shift)].map(([dx, marks]) => [
        Plot.ruleX(
          marks.filter(({row}) => row.tokensPerSecondP10 !== null),
          {
            ...place,
            dx,
            y1: ({row}: FormatPoint) => row.tokensPerSecondP10,
            y2: ({row}: FormatPoint) => row.tokensPerSecondP90,
            stroke: identity(({origin}: FormatPoint) => colours[origin]),
            strokeWidth: 1.5
          }
        ),
        Plot.dot(marks, {
          ...place,
          dx,
          y: speed,
          r: "radius",
          symbol: identity(({symbol}: Mark) => symbol),
          stroke: identity(({row, origin}: FormatPoint) => (row.verified ? background : colours[origin])),
          fill: identity(({row, origin}: FormatPoint) => (row.verified ? colours[origin] : background)),
          strokeWidth: 1.2,
          title: tooltip,
          tip: true
        })
      ])
    ],
    r: {type: "identity"}
  }) as unknown as PlotElement;
  addLabels(
    plot,
    panels,
    points,
    limits.filter(({panel}) => panel === withLimits),
    narrow
  );
  const list = points.map(
    ({row, panel, format, launch}) =>
      `${panel}, ${format}, ${launch}, ${ranOn(row)}: ${formatRate(row.tokensPerSecond!)}`
  );
  asImage(plot, `Decoding speed by weight format. ${list.join("; ")}.`);
  return plot;
}

/** Names the limits, and where there is room each mark has its figure: verified ones first, a token a dispatch before several. */
function addLabels(
  plot: PlotElement,
  panels: readonly string[],
  points: readonly Mark[],
  limits: readonly FormatLimit[],
  narrow: boolean
): void {
  const measure = textMeasure();
  const [fx, x, y] = (["fx", "x", "y"] as const).map((name) => plot.scale(name)!) as [
    Plot.Scale,
    Plot.Scale,
    Plot.Scale
  ];
  const ordered = points.toSorted(
    (a, b) => Number(b.row.verified) - Number(a.row.verified) || launches.indexOf(a.launch) - launches.indexOf(b.launch)
  );
  for (const panel of panels) {
    const start = fx.apply(panel) as number;
    const request = (text: string, format: WeightFormat, speed: number, radius: number, shift = 0): LabelRequest => ({
      text,
      x: start - marginLeft + (x.apply(format) as number) + shift,
      y: y.apply(speed) as number,
      radius,
      width: measure(text)
    });
    const requests = [
      ...limits
        .filter((limit) => limit.panel === panel && limit.format === "int4")
        .map(({device, format, tokensPerSecond}) => request(device, format, tokensPerSecond, 4)),
      ...ordered
        .filter((point) => point.panel === panel)
        .map(({row, format, radius, shift}) =>
          request(narrow ? "" : formatNumber(row.tokensPerSecond!), format, row.tokensPerSecond!, radius + 1, shift)
        )
    ];
    drawLabels(plot, requests, start + fx.bandwidth!, start);
  }
}

function byFormat(points: readonly Mark[]): Mark[] {
  return points.toSorted((a, b) => weightFormats.indexOf(a.format) - weightFormats.indexOf(b.format));
}

/** Panels by their layers, `tiny` and the narrow model, below one, first. */
function order(panel: string): number {
  const layers = Number.parseInt(panel.replace(/^\D*/, ""));
  if (panel === "tiny") return 0;
  return panel.startsWith(narrowModel) ? layers / 100 : layers;
}

function tooltip({row, format, launch}: FormatPoint): string {
  const {tokensPerSecondP10: p10, tokensPerSecondP90: p90} = row;
  const verdict = provenance[row.id]?.verdict;
  return [
    row.label,
    ranOn(row),
    `weights in ${format}, ${launch}`,
    formatRate(row.tokensPerSecond!) + (p10 && p90 ? ` (p10 ${formatRate(p10)}, p90 ${formatRate(p90)})` : ""),
    ...(verdict ? [`on record as: ${verdict}`] : []),
    row.verified ? "output verified" : "output not verified",
    row.source
  ].join("\n");
}
