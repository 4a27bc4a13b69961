import {max, scaleLinear, sum} from "d3";
import {html} from "htl";
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
import {
  coreDiagram,
  createSvg,
  drawBarrier,
  drawCell,
  drawDispatch,
  drawLanes,
  drawTitle,
  fontSize
} from "./core-diagram.js";
import type {DiagramDevice, DiagramOptions, DrawnDevice, Svg} from "./core-diagram.js";
import {formatCount, formatNumber, formatPercent, formatQuantity} from "./format.js";

const margin = {left: 66, right: 10};
const lanesHeight = 84;
const titleHeight = 80;
/** Of a character of a name, which is slanted. */
const nameHeight = 4.6;
/** Of the line from a stage to its name. */
const leaderHeight = 10;
/** Pixels between two brackets, and a tick of time from the next, where there is room. */
const gap = 2;
const tickWidth = 70;
/** Pixels between two names, which are slanted, where there is room. */
const leastApart = 15;
/** One core of very many is still to be seen. */
const leastBusy = 2;

/** A factoring of a layer. */
interface Block {
  title: string;
  /** What comes of it. */
  finding: string;
  schedule: LayerSchedule;
  /** In that of one workgroup. */
  duration: number;
}

/**
 * Which cores of a GPU are busy while a layer is decoded, over time, in each factoring; the fused one with one workgroup
 * and with as many as there are cores. The reader chooses the device.
 */
export function busyCores(shape: Shape, devices: readonly DiagramDevice[], options: DiagramOptions = {}): HTMLElement {
  const choice = (options.choice ??= {device: 0});
  const caption =
    `One layer of ${shape.label.replace(/,.*/, "")}, attention over ${formatCount(shape.context / 2)} positions. Time ` +
    "runs to the right, in parts of what one workgroup takes for the layer. With the same scale for all, the longest of " +
    "those that have more than one workgroup fills the picture, and one workgroup goes on beyond its edge. A row is a core; filled, it has work. A bracket above " +
    "the rows is a dispatch, and a dashed one goes on beyond the layer. A number behind a name is how many pieces there " +
    "are: workgroups, or rows that a team takes together. A dashed line between two stages is a barrier, or where " +
    "several workgroups of a dispatch wait for each other; each norms for itself, and waits for nobody after it. A core takes one piece after another, as many bytes in the same time as " +
    "any other, and nothing else takes time. Where a stage is too thin to be seen, its name still says where it is.";
  const draw = (device: DrawnDevice, width: number) => drawAll(shape, device, width, choice.scale ?? "same");
  const controls = (redraw: () => void) => {
    const option = (scale: "same" | "own", label: string) =>
      html`<label
        ><input
          type="radio"
          name="busy-cores-scale"
          value="${scale}"
          checked=${(choice.scale ?? "same") === scale}
          onchange=${() => {
            choice.scale = scale;
            redraw();
          }}
        />
        ${label}</label
      >`;
    return html`<fieldset>
      <legend>Scale of time</legend>
      ${option("same", "the same for all")} ${option("own", "each its own")}
    </fieldset>`;
  };
  return coreDiagram("busy-cores", devices, options, draw, caption, controls);
}

function drawAll(shape: Shape, {label, cores, plan}: DrawnDevice, width: number, scale: "same" | "own"): SVGSVGElement {
  const schedule = (factoring: Factoring, workgroups = 1) =>
    scheduleLayer(shape, factoring, {cores, workgroups, device: plan});
  const one = schedule("fused");
  const block = (title: string, schedule: LayerSchedule): Block => {
    const times = layerDuration(one) / layerDuration(schedule);
    const share = `${formatPercent(busyShare(schedule, cores))} of the cores busy`;
    return {
      title,
      schedule,
      duration: 1 / times,
      finding: times === 1 ? share : `${share}, ${formatNumber(times)} times as fast`
    };
  };
  const blocks = [
    block("fused: one dispatch, one workgroup", one),
    block(`fused: one dispatch, ${formatQuantity(cores, "workgroup")}`, schedule("fused", cores)),
    block("chunked: a dispatch a layer, one workgroup", schedule("chunked")),
    block("staged: a dispatch for each stage", schedule("staged")),
    block("unfused: a dispatch for each operation", schedule("unfused"))
  ];
  const several = blocks.filter(({schedule: {workgroups}}) => workgroups !== 1);
  const common = max(several, ({duration}) => duration)!;
  const heights = blocks.map(heightOf);
  const svg = createSvg(width, sum(heights), describe(label, blocks));
  blocks.forEach((block, i) =>
    drawBlock(svg, sum(heights.slice(0, i)), block, {cores, width, span: scale === "same" ? common : block.duration})
  );
  return svg.node()!;
}

function heightOf({schedule}: Block): number {
  const longest = Math.max(...schedule.stages.map((stage) => nameOf(stage).length));
  return Math.ceil(titleHeight + lanesHeight + leaderHeight + 26 + nameHeight * longest); // whole pixels, for the thinnest rows
}

/** @param span the time that the width has, in that of one workgroup; what is later is not drawn */
function drawBlock(
  svg: Svg,
  top: number,
  {title, finding, schedule, duration}: Block,
  {cores, width, span}: {cores: number; width: number; span: number}
): void {
  const {dispatch} = schedule;
  const separate = dispatch === "stage";
  const lanes = top + titleHeight;
  const lane = scaleLinear([0, cores], [0, lanesHeight]);
  const right = width - margin.right;
  const time = scaleLinear([0, (layerDuration(schedule) / duration) * span], [margin.left, right]).clamp(true);
  const goesOn = duration > span * 1.0001;
  drawTitle(svg, top, title);
  const on = goesOn ? `, ${formatNumber(duration / span)} times as long as shown` : "";
  drawText(svg, top + 29, finding + on);
  drawTime(svg, top, right, span);
  if (!separate) drawDispatch(svg, lanes, margin.left, time(layerDuration(schedule)), goesOn || dispatch === "token");
  const middles: number[] = [];
  const drawn: ScheduledStage[] = [];
  let from = 0;
  for (const [i, stage] of schedule.stages.entries()) {
    const [x, end] = [time(from), time(from + durationOf(stage))];
    if (goesOn && x >= right) break;
    drawCell(svg, "idle", x, lanes, end - x, lanesHeight);
    for (const {cores, duration} of stage.rounds) {
      const [x, end] = [time(from), time(from + duration)];
      drawCell(svg, "busy", x, lanes, end - x, Math.max(leastBusy, lane(cores)));
      from += duration;
    }
    if (separate) drawDispatch(svg, lanes, x, Math.max(x, end - gap), false);
    else if (i > 0 && !schedule.stages[i - 1]!.repeated) drawBarrier(svg, x, lanes, lanesHeight);
    middles.push((x + end) / 2);
    drawn.push(stage);
  }
  const end = right - 4;
  const apart = Math.min(leastApart, (end - margin.left) / Math.max(1, drawn.length - 1));
  const places = spread(middles, apart, end);
  const size = (fontSize * apart) / leastApart; // smaller where they are closer, so that none lies on another
  drawn.forEach((stage, i) => drawName(svg, middles[i]!, places[i]!, lanes + lanesHeight, nameOf(stage), size));
  drawLanes(svg, lanes, lane, margin.left, time(layerDuration(schedule)));
}

function drawText(svg: Svg, y: number, text: string, x = 0, anchor = "start"): void {
  svg.append("text").attr("x", x).attr("y", y).attr("text-anchor", anchor).text(text);
}

/** The axis of time between a picture's finding and its rows. */
function drawTime(svg: Svg, top: number, right: number, span: number): void {
  drawText(svg, top + 45, "Time (% of the layer by one workgroup)");
  const axis = scaleLinear([0, 100 * span], [margin.left, right]);
  for (const tick of axis.ticks(Math.max(2, Math.floor((right - margin.left) / tickWidth)))) {
    const x = axis(tick);
    svg
      .append("path")
      .attr("d", `M${x},${top + 64}v4`)
      .attr("stroke", "currentColor");
    drawText(svg, top + 61, `${formatNumber(tick)}\u00a0%`, x, x > right - 14 ? "end" : "middle");
  }
}

/** Places as near to those wanted, which ascend, as they can be: so far apart, and the last no further than `end`. */
export function spread(wanted: readonly number[], apart: number, end: number): number[] {
  const places: number[] = [];
  for (const place of wanted) places.push(Math.max(place, (places.at(-1) ?? -Infinity) + apart));
  return places.map((place, i) => Math.min(place, end - apart * (places.length - 1 - i)));
}

/** Below its stage, slanted, and at the end of a line where others leave it no room: most are narrower than their names. */
function drawName(svg: Svg, from: number, x: number, y: number, name: string, size: number): void {
  svg
    .append("path")
    .attr("d", `M${from},${y + 1}L${x},${y + leaderHeight}`)
    .attr("stroke", "currentColor")
    .attr("stroke-width", 0.5);
  svg
    .append("text")
    .attr("transform", `translate(${x + 4},${y + leaderHeight + 10}) rotate(-45)`)
    .attr("text-anchor", "end")
    .attr("font-size", size)
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
