import {scaleLinear, sum} from "d3";
import type {Factoring} from "../decode/plan.js";
import {
  busyShare,
  durationOf,
  layerDuration,
  scheduleLayer,
  type LayerSchedule,
  type ScheduledStage
} from "../model-of-cost/layer-schedule.js";
import type {Shape} from "../model/shape.js";
import {coreDiagram, createSvg, drawBarrier, drawCell, drawDispatch, drawLanes, drawTitle} from "./core-diagram.js";
import type {DiagramDevice, DiagramOptions, DrawnDevice, Svg} from "./core-diagram.js";
import {formatCount, formatNumber, formatQuantity} from "./format.js";

const margin = {left: 66, right: 10};
const lanesHeight = 84;
const titleHeight = 44;
/** Of a character of a name, which is slanted. */
const nameHeight = 4.6;
/** Of the line from a stage to its name. */
const leaderHeight = 10;
/** Pixels between two dispatches. */
const gap = 2;
/** Pixels between two names, which are slanted, where there is room. */
const leastApart = 15;
/** One core of very many is still to be seen. */
const leastBusy = 2;

/** A factoring of a layer, drawn in its own scale of time. */
interface Block {
  title: string;
  /** What comes of it. */
  finding: string;
  schedule: LayerSchedule;
}

/**
 * Which cores of a GPU are busy while a layer is decoded, over time, in each factoring; the fused one with one workgroup
 * and with as many as there are cores. The reader chooses the device.
 */
export function busyCores(shape: Shape, devices: readonly DiagramDevice[], options: DiagramOptions = {}): HTMLElement {
  const caption =
    `One layer of ${shape.label.replace(/,.*/, "")}, attention over ${formatCount(shape.context / 2)} positions. Time ` +
    "runs to the right, and each picture has a scale of its own. A row is a core; filled, it has work. A bracket above " +
    "the rows is a dispatch, and a dashed one goes on beyond the layer. A number behind a name is how many pieces there " +
    "are: workgroups, or rows that a team takes together. A dashed line between two stages is a barrier, or where " +
    "several workgroups of a dispatch wait for each other; each norms for itself, and waits for nobody after it. A core takes one piece after another, as many bytes in the same time as " +
    "any other, and nothing else takes time. Where a stage is too thin to be seen, its name still says where it is.";
  const draw = (device: DrawnDevice, width: number) => drawAll(shape, device, width);
  return coreDiagram("busy-cores", devices, options, draw, caption);
}

function drawAll(shape: Shape, {label, cores, plan}: DrawnDevice, width: number): SVGSVGElement {
  const schedule = (factoring: Factoring, workgroups = 1) =>
    scheduleLayer(shape, factoring, {cores, workgroups, device: plan});
  const one = schedule("fused");
  const block = (title: string, schedule: LayerSchedule): Block => {
    const times = layerDuration(one) / layerDuration(schedule);
    const share = `${formatNumber(100 * busyShare(schedule, cores))}\u00a0% of the cores busy`;
    return {title, schedule, finding: times === 1 ? share : `${share}, ${formatNumber(times)} times as fast`};
  };
  const blocks = [
    block("fused: one dispatch, one workgroup", one),
    block(`fused: one dispatch, ${formatQuantity(cores, "workgroup")}`, schedule("fused", cores)),
    block("chunked: a dispatch a layer, one workgroup", schedule("chunked")),
    block("staged: a dispatch for each stage", schedule("staged")),
    block("unfused: a dispatch for each operation", schedule("unfused"))
  ];
  const heights = blocks.map(heightOf);
  const svg = createSvg(width, sum(heights), describe(label, blocks));
  blocks.forEach((block, i) => drawBlock(svg, sum(heights.slice(0, i)), block, cores, width));
  return svg.node()!;
}

function heightOf({schedule}: Block): number {
  const longest = Math.max(...schedule.stages.map((stage) => nameOf(stage).length));
  return Math.ceil(titleHeight + lanesHeight + leaderHeight + 26 + nameHeight * longest); // whole pixels, for the thinnest rows
}

function drawBlock(svg: Svg, top: number, {title, finding, schedule}: Block, cores: number, width: number): void {
  const {stages, dispatch} = schedule;
  const separate = dispatch === "stage";
  const lanes = top + titleHeight;
  const lane = scaleLinear([0, cores], [0, lanesHeight]);
  const gaps = separate ? gap * (stages.length - 1) : 0;
  const right = width - margin.right;
  const time = scaleLinear([0, layerDuration(schedule)], [0, right - margin.left - gaps]);
  drawTitle(svg, top, title);
  svg
    .append("text")
    .attr("y", top + 29)
    .text(finding);
  if (!separate) drawDispatch(svg, lanes, margin.left, right, dispatch === "token");
  let x = margin.left;
  const middles: number[] = [];
  for (const [i, stage] of stages.entries()) {
    const stageWidth = time(durationOf(stage));
    drawCell(svg, "idle", x, lanes, stageWidth, lanesHeight);
    let from = x;
    for (const {cores, duration} of stage.rounds) {
      drawCell(svg, "busy", from, lanes, time(duration), Math.max(leastBusy, lane(cores)));
      from += time(duration);
    }
    if (separate) drawDispatch(svg, lanes, x, x + stageWidth, false);
    else if (i > 0 && !stages[i - 1]!.repeated) drawBarrier(svg, x, lanes, lanesHeight);
    middles.push(x + stageWidth / 2);
    x += stageWidth + (separate ? gap : 0);
  }
  const end = right - 4;
  const apart = Math.min(leastApart, (end - margin.left) / (stages.length - 1));
  const places = spread(middles, apart, end);
  stages.forEach((stage, i) => drawName(svg, middles[i]!, places[i]!, lanes + lanesHeight, nameOf(stage)));
  drawLanes(svg, lanes, lane, margin.left, right);
}

/** Places as near to those wanted, which ascend, as they can be: so far apart, and the last no further than `end`. */
export function spread(wanted: readonly number[], apart: number, end: number): number[] {
  const places: number[] = [];
  for (const place of wanted) places.push(Math.max(place, (places.at(-1) ?? -Infinity) + apart));
  return places.map((place, i) => Math.min(place, end - apart * (places.length - 1 - i)));
}

/** Below its stage, slanted, and at the end of a line where others leave it no room: most are narrower than their names. */
function drawName(svg: Svg, from: number, x: number, y: number, name: string): void {
  svg
    .append("path")
    .attr("d", `M${from},${y + 1}L${x},${y + leaderHeight}`)
    .attr("stroke", "currentColor")
    .attr("stroke-width", 0.5);
  svg
    .append("text")
    .attr("transform", `translate(${x + 4},${y + leaderHeight + 10}) rotate(-45)`)
    .attr("text-anchor", "end")
    .text(name);
}

/** What a stage or an operation is called, and how many pieces it has. */
function nameOf({name, pieces}: ScheduledStage): string {
  const short = name.replace(/^rms_norm_.*/, "rms_norm");
  return pieces > 1 ? `${short} ${formatCount(pieces)}` : short;
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
