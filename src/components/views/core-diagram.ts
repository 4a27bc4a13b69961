import {create, type ScaleLinear, type Selection} from "d3";
import {html} from "htl";
import {formatCount} from "./format.js";

/** A GPU to draw: a workgroup runs on one of its cores. */
export interface DiagramDevice {
  label: string;
  cores: number;
}

/** Which of the devices is shown, by its place; kept outside, so that a figure drawn anew for another width shows it. */
interface DeviceChoice {
  device: number;
}

/** What a diagram of cores may be told by its page. */
export interface DiagramOptions {
  /** In pixels. */
  width?: number;
  choice?: DeviceChoice;
}

export type Svg = Selection<SVGSVGElement, undefined, null, undefined>;

const fontSize = 11;

/** A figure with a picture of one device's cores. The reader chooses the device. */
export function coreDiagram(
  name: string,
  devices: readonly DiagramDevice[],
  {width = 640, choice = {device: 0}}: DiagramOptions,
  draw: (device: DiagramDevice, width: number) => SVGSVGElement,
  caption: string
): HTMLElement {
  const picture = html`<div></div>`;
  const show = (index: number) => {
    choice.device = index;
    picture.replaceChildren(draw(devices[index]!, width));
  };
  const choices = devices.map(
    ({label, cores}, index) =>
      html`<label
        ><input
          type="radio"
          name="${`${name}-device`}"
          checked=${index === choice.device}
          onchange=${() => show(index)}
        />
        ${label}, ${formatCount(cores)} cores</label
      >`
  );
  show(choice.device);
  return html`<figure class="${`core-diagram ${name}`}">
    <fieldset>
      <legend>Cores of</legend>
      ${choices}
    </fieldset>
    ${picture}
    <figcaption>${caption}</figcaption>
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

/** Where all workgroups wait before the next stage. */
export function drawBarrier(svg: Svg, x: number, top: number, height: number): void {
  svg.append("path").attr("class", "barrier").attr("d", `M${x},${top}v${height}`);
}
