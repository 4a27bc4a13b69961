import {scaleLinear} from "d3";
import {
  busyShare,
  durationOf,
  layerDuration,
  scheduleLayer,
  type LayerSchedule,
  type ScheduledStage
} from "../model-of-cost/layer-schedule.js";
import type {Shape} from "../model/shape.js";
import {coreDiagram, createSvg, drawBarrier, drawCell, drawLanes, drawTitle} from "./core-diagram.js";
import type {DiagramDevice, DiagramOptions, Svg} from "./core-diagram.js";
import {formatCount, formatNumber} from "./format.js";

const margin = {left: 58, right: 10};
const lanesHeight = 96;
const titleHeight = 38;
const namesHeight = 78;
const blockHeight = titleHeight + lanesHeight + namesHeight;
/** Pixels between two dispatches, and below which a stage has no name. */
const gap = 2;
const leastNamed = 7;

/** A factoring of a layer, drawn in its own scale of time. */
interface Block {
  title: string;
  /** What comes of it. */
  finding: string;
  schedule: LayerSchedule;
  /** Stages are dispatches of their own. */
  separate: boolean;
}

/**
 * Which cores of a GPU are busy while a layer is decoded, over time, in one dispatch of one workgroup, in a dispatch for
 * each stage, and in one dispatch of as many workgroups as there are cores. The reader chooses the device.
 */
export function busyCores(shape: Shape, devices: readonly DiagramDevice[], options: DiagramOptions = {}): HTMLElement {
  const caption =
    `One layer of ${shape.label.replace(/,.*/, "")}, attention over ${formatCount(shape.context / 2)} positions. Time ` +
    "runs to the right, and each picture has a scale of its own. A row is a core; filled, it has work. Drawn from the " +
    "plan that the kernels are launched by, with WebGPU's default limits, as if a core took one piece of work after " +
    "another and nothing else took time.";
  const draw = (device: DiagramDevice, width: number) => drawAll(shape, device, width);
  return coreDiagram("busy-cores", devices, options, draw, caption);
}

function drawAll(shape: Shape, {label, cores}: DiagramDevice, width: number): SVGSVGElement {
  const one = scheduleLayer(shape, "fused", {cores});
  const all = scheduleLayer(shape, "fused", {cores, workgroups: cores});
  const staged = scheduleLayer(shape, "staged", {cores});
  const times = (schedule: LayerSchedule) => formatNumber(layerDuration(one) / layerDuration(schedule));
  const share = (schedule: LayerSchedule) => `${formatNumber(100 * busyShare(schedule, cores))}\u00a0% of the cores`;
  const blocks: Block[] = [
    {title: "one dispatch, one workgroup", finding: `${share(one)} busy`, schedule: one, separate: false},
    {
      title: "a dispatch for each stage",
      finding: `${share(staged)} busy on average, ${times(staged)} times as fast`,
      schedule: staged,
      separate: true
    },
    {
      title: `one dispatch, ${formatCount(cores)} workgroups`,
      finding: `${share(all)} busy on average, ${times(all)} times as fast`,
      schedule: all,
      separate: false
    }
  ];
  const height = blocks.length * blockHeight;
  const svg = createSvg(width, height, describe(label, blocks));
  blocks.forEach((block, i) => drawBlock(svg, i * blockHeight, block, cores, width));
  return svg.node()!;
}

function drawBlock(
  svg: Svg,
  top: number,
  {title, finding, schedule, separate}: Block,
  cores: number,
  width: number
): void {
  const {stages} = schedule;
  const lanes = top + titleHeight;
  const lane = scaleLinear([0, cores], [0, lanesHeight]);
  const gaps = separate ? gap * (stages.length - 1) : 0;
  const right = width - margin.right;
  const time = scaleLinear([0, layerDuration(schedule)], [0, right - margin.left - gaps]);
  drawTitle(svg, top, title);
  svg
    .append("text")
    .attr("y", top + 30)
    .text(finding);
  let x = margin.left;
  for (const [i, stage] of stages.entries()) {
    const stageWidth = time(durationOf(stage));
    drawCell(svg, "idle", x, lanes, stageWidth, lanesHeight);
    let from = x;
    for (const {cores, duration} of stage.rounds) {
      drawCell(svg, "busy", from, lanes, time(duration), lane(cores));
      from += time(duration);
    }
    if (!separate && i > 0) drawBarrier(svg, x, lanes, lanesHeight);
    if (stageWidth >= leastNamed) drawName(svg, x + stageWidth / 2, lanes + lanesHeight, stage);
    x += stageWidth + (separate ? gap : 0);
  }
  drawLanes(svg, lanes, lane, margin.left, right);
}

/** Below its stage, slanted: attention is narrower than its name. */
function drawName(svg: Svg, x: number, y: number, {name, pieces}: ScheduledStage): void {
  svg
    .append("text")
    .attr("transform", `translate(${x + 4},${y + 10}) rotate(-45)`)
    .attr("text-anchor", "end")
    .text([name.replace(/^rms_norm_.*/, "rms_norm"), pieces > 1 ? formatCount(pieces) : ""].join(" ").trim());
}

function describe(label: string, blocks: readonly Block[]): string {
  const list = blocks.map(({title, finding, schedule: {stages}}) => {
    const each = stages.map(({name, rounds}) => {
      const busy = rounds.map(({cores}) => formatCount(cores)).join(" then ");
      return `${name} on ${busy}`;
    });
    return `${title}: ${finding}. Cores busy: ${each.join(", ")}`;
  });
  return `${label}. ${list.join(". ")}.`;
}
