import {scaleLinear} from "d3";
import {durationOf, layerDuration, scheduleLayer} from "../model-of-cost/layer-schedule.js";
import type {Shape} from "../model/shape.js";
import {coreDiagram, createSvg, drawBarrier, drawCell, drawLanes, drawSide, drawTitle} from "./core-diagram.js";
import type {DiagramDevice, DiagramOptions, DrawnDevice, Svg} from "./core-diagram.js";
import {formatCount, formatQuantity} from "./format.js";

const margin = {left: 62, right: 10};
const lanesHeight = 56;
const titleHeight = 28;
const namesHeight = 74;
const submitsHeight = 34;
const blockHeight = titleHeight + lanesHeight + submitsHeight;
/** Core 1 of a large GPU would be too thin to see. */
const leastHeight = 3;

/** A way to launch the layers of a token, drawn in order. */
interface Way {
  title: string;
  dispatches: number;
  /** Pixels between two dispatches. */
  gap: number;
  /** Dispatches of each submit. */
  perSubmit: number;
}

/**
 * The cores of a GPU while one workgroup decodes: stage after stage through a layer, and layer after layer through a
 * token, in one dispatch and in several, by how the CPU submits them. The reader chooses the device.
 */
export function chunksDiagram(
  shape: Shape,
  dispatches: number,
  devices: readonly DiagramDevice[],
  options: DiagramOptions = {}
): HTMLElement {
  const caption =
    "Time runs to the right. A row is a core of the GPU; filled, it has work, and core 1 is drawn three pixels high at " +
    "least. Above: one layer, its stages as wide as what they read, with a workgroup barrier between two. Below: all " +
    `${formatCount(shape.layers)} layers; a bracket is a dispatch, a triangle a submit. Pauses are not to scale.`;
  const draw = (device: DrawnDevice, width: number) => drawAll(shape, dispatches, device, width);
  return coreDiagram("chunks-diagram", devices, options, draw, caption);
}

function drawAll(shape: Shape, dispatches: number, device: DrawnDevice, width: number): SVGSVGElement {
  const {label, cores} = device;
  const count = formatQuantity(dispatches, "dispatch", "dispatches");
  const ways: Way[] = [
    {title: "one dispatch", dispatches: 1, gap: 0, perSubmit: 1},
    {title: `${count} in one submit`, dispatches, gap: 2, perSubmit: dispatches},
    {title: `${count}, ${formatQuantity(dispatches, "submit")}, one wait`, dispatches, gap: 4, perSubmit: 1},
    {title: `${count}, the CPU waits for each`, dispatches, gap: 16, perSubmit: 1}
  ];
  const top = titleHeight + lanesHeight + namesHeight;
  const described = ways.map(({title}) => `${title}: core 1 works, ${formatCount(cores - 1)} are idle`).join("; ");
  const svg = createSvg(width, top + ways.length * blockHeight, `${label}, ${formatCount(cores)} cores. ${described}.`);
  drawLayer(svg, shape, device, width);
  ways.forEach((way, i) => drawWay(svg, top + i * blockHeight, way, shape.layers, cores, width));
  return svg.node()!;
}

function drawLayer(svg: Svg, shape: Shape, {cores, plan}: DrawnDevice, width: number): void {
  const schedule = scheduleLayer(shape, "fused", {cores, device: plan});
  const lane = scaleLinear([0, cores], [0, lanesHeight]);
  const time = scaleLinear([0, layerDuration(schedule)], [margin.left, width - margin.right]);
  drawTitle(svg, 0, "one layer, stage after stage on one core");
  drawCell(svg, "idle", margin.left, titleHeight, width - margin.right - margin.left, lanesHeight);
  let from = 0;
  for (const [i, stage] of schedule.stages.entries()) {
    const [x, end] = [time(from), time(from + durationOf(stage))];
    drawCell(svg, "busy", x, titleHeight, end - x, Math.max(lane(1), leastHeight));
    if (i > 0) drawBarrier(svg, x, titleHeight, lanesHeight);
    if (end - x >= 7) {
      svg
        .append("text")
        .attr("transform", `translate(${(x + end) / 2 + 4},${titleHeight + lanesHeight + 10}) rotate(-45)`)
        .attr("text-anchor", "end")
        .text(stage.name.replace(/^rms_norm_.*/, "rms_norm"));
    }
    from += durationOf(stage);
  }
  drawLanes(svg, titleHeight, lane, margin.left, width - margin.right);
}

function drawWay(
  svg: Svg,
  top: number,
  {title, dispatches, gap, perSubmit}: Way,
  layers: number,
  cores: number,
  width: number
): void {
  const lanes = top + titleHeight;
  const right = width - margin.right;
  const lane = scaleLinear([0, cores], [0, lanesHeight]);
  const each = (right - margin.left - gap * (dispatches - 1)) / dispatches;
  const perDispatch = layers / dispatches;
  drawTitle(svg, top, title);
  drawCell(svg, "idle", margin.left, lanes, right - margin.left, lanesHeight);
  for (let i = 0; i < dispatches; ++i) {
    const x = margin.left + i * (each + gap);
    drawCell(svg, "busy", x, lanes, each, Math.max(lane(1), leastHeight));
    for (let layer = 1; layer < perDispatch; ++layer) {
      drawBarrier(svg, x + (layer * each) / perDispatch, lanes, Math.max(lane(1), leastHeight));
    }
    svg
      .append("path")
      .attr("d", `M${x + 0.5},${lanes - 2}v-4H${x + each - 0.5}v4`)
      .attr("fill", "none")
      .attr("stroke", "currentColor");
    const submitted = gap >= 10 ? x : margin.left + i * 9;
    if (i % perSubmit === 0) {
      svg
        .append("path")
        .attr("d", `M${submitted},${lanes + lanesHeight + 14}l4,-8l4,8z`)
        .attr("fill", "currentColor");
    }
  }
  drawLanes(svg, lanes, lane, margin.left, right);
  drawSide(svg, margin.left, lanes + lanesHeight + 14, "submits");
}
