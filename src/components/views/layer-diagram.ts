import {create, scaleLinear, type Selection} from "d3";
import {html} from "htl";
import {scheduleLayer, type ScheduledStage} from "../model-of-cost/layer-schedule.js";
import type {Shape} from "../model/shape.js";
import {formatBytes, formatCount} from "./format.js";

/** A GPU to draw: a workgroup runs on one of its cores. */
export interface DiagramDevice {
  label: string;
  cores: number;
}

/** Which of the devices is shown, by its place; kept outside, so that a figure drawn anew for another width shows it. */
export interface DeviceChoice {
  device: number;
}

const fontSize = 11;
const margin = {left: 74, right: 10};
const lanesHeight = 114;
/** From one factoring's title to the next one's. */
const blockHeight = lanesHeight + 66;
const namesHeight = 52;
/** For a stage that reads next to no weights. */
const leastWidth = 13;

/**
 * Which cores of a GPU get a workgroup in each stage of one layer, in one dispatch and in a dispatch for each stage.
 * The reader chooses the device. A stage is as wide as what it reads.
 */
export function layerDiagram(
  shape: Shape,
  devices: readonly DiagramDevice[],
  {width = 640, choice = {device: 0}}: {width?: number; choice?: DeviceChoice} = {}
): HTMLElement {
  const picture = html`<div></div>`;
  const draw = (index: number) => {
    choice.device = index;
    const device = devices[index]!;
    picture.replaceChildren(drawLayer(shape, device, width));
  };
  const choices = devices.map(
    (device, index) =>
      html`<label
        ><input type="radio" name="diagram-device" checked=${index === choice.device} onchange=${() => draw(index)} />
        ${device.label}, ${formatCount(device.cores)} cores</label
      >`
  );
  draw(choice.device);
  const stages = stagesOf(shape, "staged");
  return html`<figure class="layer-diagram">
    <fieldset>
      <legend>Cores of</legend>
      ${choices}
    </fieldset>
    ${picture}
    <figcaption>
      One layer of ${shape.label.replace(/,.*/, "")}. A column is a stage, as wide as what it reads of
      ${formatBytes(stages.reduce((sum, {bytes}) => sum + bytes, 0))}: weights, and keys and values of
      ${formatCount(shape.context / 2)} positions. A row is a core of the GPU. Filled: the core gets a workgroup. Below
      each column: how many workgroups there are. Drawn from the plan that the kernels on this page are launched by, on
      a device with WebGPU's default limits.
    </figcaption>
  </figure>`;
}

function stagesOf(shape: Shape, factoring: "fused" | "staged"): ScheduledStage[] {
  return scheduleLayer(shape, factoring, {cores: 1}).stages;
}

type Svg = Selection<SVGSVGElement, undefined, null, undefined>;

function drawLayer(shape: Shape, {label, cores}: DiagramDevice, width: number): SVGSVGElement {
  const [fused, staged] = [stagesOf(shape, "fused"), stagesOf(shape, "staged")];
  const height = 2 * blockHeight + namesHeight;
  const svg = create("svg:svg")
    .attr("width", width)
    .attr("height", height)
    .attr("viewBox", `0 0 ${width} ${height}`)
    .attr("font-size", fontSize)
    .attr("fill", "currentColor")
    .attr("role", "img")
    .attr("aria-label", describe(label, cores, fused, staged)) as unknown as Svg;
  const columns = layOut(staged, width - margin.left - margin.right);
  drawBlock(svg, 0, "fused: one dispatch for all layers", fused, columns, cores, false);
  drawBlock(svg, blockHeight, `staged: ${staged.length} dispatches a layer`, staged, columns, cores, true);
  drawNames(svg, staged, columns);
  return svg.node()!;
}

interface Column {
  x: number;
  width: number;
}

/** Columns as wide as the bytes, after each got the least width. */
function layOut(stages: readonly ScheduledStage[], width: number): Column[] {
  const total = stages.reduce((sum, {bytes}) => sum + bytes, 0);
  const rest = width - leastWidth * stages.length;
  let x = margin.left;
  return stages.map(({bytes}) => {
    const column = {x, width: leastWidth + (rest * bytes) / total};
    x += column.width;
    return column;
  });
}

function drawBlock(
  svg: Svg,
  top: number,
  title: string,
  stages: readonly ScheduledStage[],
  columns: readonly Column[],
  cores: number,
  separate: boolean
): void {
  const lanes = top + 34;
  const lane = scaleLinear([0, cores], [0, lanesHeight]);
  const end = columns.at(-1)!.x + columns.at(-1)!.width;
  svg
    .append("text")
    .attr("y", top + 14)
    .attr("font-weight", 600)
    .attr("font-size", fontSize + 1)
    .text(title);
  const brackets = separate ? columns : [{x: margin.left, width: end - margin.left}];
  for (const {x, width} of brackets) {
    const [from, to] = separate ? [x + 1.5, x + width - 1.5] : [x - 8, x + width + 8];
    const path = separate
      ? `M${from},${lanes - 4}v-4H${to}v4`
      : // Open at both ends: the dispatch began before this layer and goes on after it.
        `M${from},${lanes - 8}H${to}`;
    const line = svg.append("path").attr("d", path).attr("fill", "none").attr("stroke", "currentColor");
    if (!separate) line.attr("stroke-dasharray", `4 4 ${width} 4 4`);
  }
  stages.forEach(({pieces}, index) => {
    const {x, width} = columns[index]!;
    const gap = separate ? 1.5 : 0;
    const busy = lane(Math.min(pieces, cores));
    const cell = (className: string, y: number, height: number) =>
      svg
        .append("rect")
        .attr("class", className)
        .attr("x", x + gap)
        .attr("y", y)
        .attr("width", width - 2 * gap)
        .attr("height", height);
    cell("idle", lanes, lanesHeight);
    cell("busy", lanes, busy);
    svg
      .append("text")
      .attr("x", x + width / 2)
      .attr("y", lanes + lanesHeight + 14)
      .attr("text-anchor", "middle")
      .attr("font-variant-numeric", "tabular-nums")
      .text(formatCount(pieces));
    if (!separate && index > 0) {
      svg.append("path").attr("class", "barrier").attr("d", `M${x},${lanes}v${lanesHeight}`);
    }
  });
  if (lane(1) >= 4) {
    for (let core = 1; core < cores; ++core) {
      svg
        .append("path")
        .attr("class", "lane")
        .attr("d", `M${margin.left},${lanes + lane(core)}H${end}`);
    }
  }
  const side = (y: number, text: string) =>
    svg
      .append("text")
      .attr("x", margin.left - 8)
      .attr("y", y)
      .attr("text-anchor", "end")
      .text(text);
  side(lanes + 9, "core 1");
  side(lanes + lanesHeight, `core ${formatCount(cores)}`);
  side(lanes + lanesHeight + 14, "workgroups");
}

/** Below the last block, slanted: three of the columns are narrower than any name. */
function drawNames(svg: Svg, stages: readonly ScheduledStage[], columns: readonly Column[]): void {
  stages.forEach(({name}, index) => {
    const {x, width} = columns[index]!;
    svg
      .append("text")
      .attr("transform", `translate(${x + width / 2 + 4},${2 * blockHeight - 8}) rotate(-45)`)
      .attr("text-anchor", "end")
      .attr("font-family", "var(--monospace)")
      .text(name.replace(/^rms_norm_.*/, "rms_norm"));
  });
}

function describe(
  label: string,
  cores: number,
  fused: readonly ScheduledStage[],
  staged: readonly ScheduledStage[]
): string {
  const busy = (stages: readonly ScheduledStage[]) =>
    stages
      .map(({name, pieces}) => {
        const cells = `${formatCount(Math.min(pieces, cores))} of ${formatCount(cores)} cores`;
        return `${name} ${formatCount(pieces)} workgroups on ${cells}`;
      })
      .join(", ");
  return `${label}. One dispatch: ${busy(fused)}. A dispatch for each stage: ${busy(staged)}.`;
}
