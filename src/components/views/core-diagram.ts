import {create, type ScaleLinear, type Selection} from "d3";
import {html} from "htl";
import type {PlanDevice} from "../model-of-cost/layer-schedule.js";
import {formatCount} from "./format.js";

/** A GPU to draw: a workgroup runs on one of its cores. */
export interface DiagramDevice {
  label: string;
  /** Null where nobody but the reader can say it. */
  cores: number | null;
  /** What decides the plan. */
  plan: PlanDevice;
  /** Whose limits those are: the end of "Drawn from the plan that the kernels are launched by, …". */
  limits: string | Node;
}

/** A device whose cores are known. */
export type DrawnDevice = DiagramDevice & {cores: number};

/**
 * Which of the devices is shown, by its place, and how many cores the reader's has; kept outside, so that a figure drawn
 * anew for another width shows it.
 */
export interface DeviceChoice {
  device: number;
  /** Of the device whose cores are not known. */
  cores?: number;
  /** Of pictures that each have a span of time: one scale for all, or each its own. */
  scale?: "same" | "own";
}

/** What a diagram of cores may be told by its page. */
export interface DiagramOptions {
  /** In pixels. */
  width?: number;
  choice?: DeviceChoice;
}

export type Svg = Selection<SVGSVGElement, undefined, null, undefined>;

/** Pixels. */
export const fontSize = 11;

/** Cores of a GPU of which nobody has said them yet, and the most that can be drawn. */
const unknownCores = 16;
const mostCores = 512;

/**
 * A figure with a picture of one device's cores. The reader chooses the device, and says how many cores their own has:
 * WebGPU does not.
 * @param caption begins the caption; whose limits the plan has ends it
 * @param controls more for the reader to choose; it is given what draws the picture anew
 */
export function coreDiagram(
  name: string,
  devices: readonly DiagramDevice[],
  {width = 640, choice = {device: 0}}: DiagramOptions,
  draw: (device: DrawnDevice, width: number) => SVGSVGElement,
  caption: string,
  controls: (redraw: () => void) => Node | null = () => null
): HTMLElement {
  const picture = html`<div></div>`;
  const words = html`<figcaption></figcaption>`;
  const show = (index: number) => {
    choice.device = index;
    const device = devices[index]!;
    const drawn = {...device, cores: device.cores ?? choice.cores ?? unknownCores};
    picture.replaceChildren(draw(drawn, width));
    words.replaceChildren(`${caption} Drawn from the plan that the kernels are launched by, `, device.limits, ".");
  };
  const choices = devices.map(({label, cores}, index) => {
    const button = html`<input
      type="radio"
      name="${`${name}-device`}"
      checked=${index === choice.device}
      onchange=${() => show(index)}
    />` as HTMLInputElement;
    if (cores !== null) return html`<label>${button} ${label}, ${formatCount(cores)} cores</label>`;
    const wrong = html`<span id="${`${name}-cores-wrong`}" class="wrong" role="status"></span>`;
    const count = html`<input
      type="number"
      required
      aria-describedby="${`${name}-cores-wrong`}"
      name="${`${name}-cores`}"
      min="1"
      max="${mostCores}"
      value="${choice.cores ?? unknownCores}"
      oninput=${({target}: {target: HTMLInputElement}) => {
        const valid = target.checkValidity();
        target.setAttribute("aria-invalid", String(!valid));
        wrong.textContent = valid
          ? ""
          : ` A whole number from 1 to ${mostCores}, please; the picture stays at ${choice.cores ?? unknownCores}.`;
        if (!valid) return;
        choice.cores = target.valueAsNumber;
        button.checked = true;
        show(index);
      }}
    />`;
    return html`<span
      ><label class="yours">${button} ${label}</label>
      <label>with ${count} cores (WebGPU does not say)</label>${wrong}</span
    >`;
  });
  if (choice.device >= devices.length) choice.device = 0;
  show(choice.device);
  return html`<figure class="${`core-diagram ${name}`}">
    <fieldset>
      <legend>Cores of</legend>
      ${choices}
    </fieldset>
    ${controls(() => show(choice.device))} ${picture} ${words}
  </figure>`;
}

/** An empty picture, for a screen reader `label`. */
export function createSvg(width: number, height: number, label: string): Svg {
  return create("svg:svg")
    .attr("width", width)
    .attr("height", height)
    .attr("viewBox", `0 0 ${width} ${height}`)
    .attr("font-size", fontSize)
    .attr("fill", "currentColor")
    .attr("role", "img")
    .attr("aria-label", label) as unknown as Svg;
}

/** A factoring's name, at the top of what is drawn of it. */
export function drawTitle(svg: Svg, top: number, title: string): void {
  svg
    .append("text")
    .attr("y", top + 14)
    .attr("font-weight", 600)
    .attr("font-size", fontSize + 1)
    .text(title);
}

/** A stage on some of the cores, "busy" or "idle". */
export function drawCell(svg: Svg, className: string, x: number, y: number, width: number, height: number): void {
  svg.append("rect").attr("class", className).attr("x", x).attr("y", y).attr("width", width).attr("height", height);
}

/**
 * Lines between the cores' rows, from `left` to `right`, where there is room, and the numbers of the first and the last.
 * @param lane from cores to pixels below `top`
 */
export function drawLanes(svg: Svg, top: number, lane: ScaleLinear<number, number>, left: number, right: number): void {
  const [cores, height] = [lane.domain()[1]!, lane.range()[1]!];
  for (let core = 1; lane(1) >= 4 && core < cores; ++core) {
    svg
      .append("path")
      .attr("class", "lane")
      .attr("d", `M${left},${top + lane(core)}H${right}`);
  }
  drawSide(svg, left, top + 9, "core 1");
  drawSide(svg, left, top + height, `core ${formatCount(cores)}`);
}

/** Beside the rows, which begin at `left`. */
export function drawSide(svg: Svg, left: number, y: number, text: string): void {
  svg
    .append("text")
    .attr("x", left - 8)
    .attr("y", y)
    .attr("text-anchor", "end")
    .text(text);
}

/** Above the rows, from where a dispatch begins to where it ends; dashed where it goes on beyond. */
export function drawDispatch(svg: Svg, top: number, from: number, to: number, goesOn: boolean): void {
  const path = goesOn ? `M${from - 8},${top - 6}H${to + 8}` : `M${from},${top - 2}v-4H${to}v4`;
  const line = svg.append("path").attr("class", "dispatch").attr("d", path).attr("fill", "none");
  line.attr("stroke", "currentColor");
  if (goesOn) line.attr("stroke-dasharray", `4 4 ${to - from} 4 4`);
}

/** Where all workgroups wait before the next stage. */
export function drawBarrier(svg: Svg, x: number, top: number, height: number): void {
  svg.append("path").attr("class", "barrier").attr("d", `M${x},${top}v${height}`);
}
