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
import {isNarrow} from "./plot-frame.js";

const margin = {left: 58, right: 10};
const lanesHeight = 84;
const titleHeight = 44;
/** Of a character of a name, which is slanted. */
const nameHeight = 4.6;
/** Pixels between two dispatches, and below which a stage has no name. */
const gap = 2;
const leastNamed = 4;
/** Pixels between two names, which are slanted. */
const leastApart = 13;
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
    "are: workgroups, or rows that a team takes together. A core takes one piece after another, as many bytes in the " +
    "same time as any other, and nothing else takes time.";
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
  const heights = blocks.map((block) => heightOf(block, width));
  const svg = createSvg(width, sum(heights), describe(label, blocks));
  blocks.forEach((block, i) => drawBlock(svg, sum(heights.slice(0, i)), block, cores, width));
  return svg.node()!;
}

function heightOf({schedule}: Block, width: number): number {
  const longest = Math.max(...schedule.stages.map((stage) => nameOf(stage, width).length));
  return Math.ceil(titleHeight + lanesHeight + 26 + nameHeight * longest); // whole pixels, for the thinnest rows
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
  let named = -Infinity;
  for (const [i, stage] of stages.entries()) {
    const stageWidth = time(durationOf(stage));
    drawCell(svg, "idle", x, lanes, stageWidth, lanesHeight);
    let from = x;
    for (const {cores, duration} of stage.rounds) {
      drawCell(svg, "busy", from, lanes, time(duration), Math.max(leastBusy, lane(cores)));
      from += time(duration);
    }
    if (separate) drawDispatch(svg, lanes, x, x + stageWidth, false);
    else if (i > 0) drawBarrier(svg, x, lanes, lanesHeight);
    const middle = x + stageWidth / 2;
    if (stageWidth >= leastNamed && middle - named >= leastApart) {
      drawName(svg, middle, lanes + lanesHeight, nameOf(stage, width));
      named = middle;
    }
    x += stageWidth + (separate ? gap : 0);
  }
  drawLanes(svg, lanes, lane, margin.left, right);
}

/** Below its stage, slanted: attention is narrower than its name. */
function drawName(svg: Svg, x: number, y: number, name: string): void {
  svg
    .append("text")
    .attr("transform", `translate(${x + 4},${y + 10}) rotate(-45)`)
    .attr("text-anchor", "end")
    .text(name);
}

/** What a stage or an operation is called, and how many pieces it has where there is room. */
function nameOf({name, pieces}: ScheduledStage, width: number): string {
  const short = name.replace(/^rms_norm_.*/, "rms_norm");
  const counted = pieces > 1 && !(isNarrow(width) && /_product$/.test(name));
  return counted ? `${short} ${formatCount(pieces)}` : short;
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
