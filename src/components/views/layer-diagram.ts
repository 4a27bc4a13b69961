import {scaleLinear} from "d3";
import {scheduleLayer, type PlanDevice, type ScheduledStage} from "../model-of-cost/layer-schedule.js";
import type {Shape} from "../model/shape.js";
import {
  coreDiagram,
  createSvg,
  drawBarrier,
  drawCell,
  drawDispatch,
  drawLanes,
  drawSide,
  drawTitle
} from "./core-diagram.js";
import type {DiagramDevice, DiagramOptions, DrawnDevice, Svg} from "./core-diagram.js";
import {formatBytes, formatCount} from "./format.js";

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
  options: DiagramOptions = {}
): HTMLElement {
  const stages = stagesOf(shape, "staged", devices[0]!.plan);
  const caption =
    `One layer of ${shape.label.replace(/,.*/, "")}. A column is a stage, as wide as what it reads of ` +
    `${formatBytes(stages.reduce((sum, {bytes}) => sum + bytes, 0))}: weights, and keys and values of ` +
    `${formatCount(shape.context / 2)} positions. A row is a core of the GPU. Filled: the core gets a workgroup. ` +
    "Below each column: how many workgroups there are.";
  const draw = (device: DrawnDevice, width: number) => drawLayer(shape, device, width);
  return coreDiagram("layer-diagram", devices, options, draw, caption);
}

function stagesOf(shape: Shape, factoring: "fused" | "staged", device: PlanDevice): ScheduledStage[] {
  return scheduleLayer(shape, factoring, {cores: 1, device}).stages;
}

function drawLayer(shape: Shape, {label, cores, plan}: DrawnDevice, width: number): SVGSVGElement {
  const [fused, staged] = [stagesOf(shape, "fused", plan), stagesOf(shape, "staged", plan)];
  const height = 2 * blockHeight + namesHeight;
  const svg = createSvg(width, height, describe(label, cores, fused, staged));
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
  drawTitle(svg, top, title);
  const dispatches = separate
    ? columns.map(({x, width}) => [x + 1.5, x + width - 1.5] as const)
    : [[margin.left, end] as const];
  // Open at both ends: the dispatch began before this layer and goes on after it.
  for (const [from, to] of dispatches) drawDispatch(svg, lanes - 2, from, to, !separate);
  stages.forEach(({pieces}, index) => {
    const {x, width} = columns[index]!;
    const gap = separate ? 1.5 : 0;
    drawCell(svg, "idle", x + gap, lanes, width - 2 * gap, lanesHeight);
    drawCell(svg, "busy", x + gap, lanes, width - 2 * gap, lane(Math.min(pieces, cores)));
    svg
      .append("text")
      .attr("x", x + width / 2)
      .attr("y", lanes + lanesHeight + 14)
      .attr("text-anchor", "middle")
      .attr("font-variant-numeric", "tabular-nums")
      .text(formatCount(pieces));
    if (!separate && index > 0) drawBarrier(svg, x, lanes, lanesHeight);
  });
  drawLanes(svg, lanes, lane, margin.left, end);
  drawSide(svg, margin.left, lanes + lanesHeight + 14, "workgroups");
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
