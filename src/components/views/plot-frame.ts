import type * as Plot from "@observablehq/plot";
import {select} from "d3";
import {placeLabels, type LabelRequest, type PlacedLabel} from "./labels.js";

/** The frame that all plots share: their size and text, how they are described, and the labels in them. */

export type PlotElement = SVGSVGElement & Plot.Plot;

export const fontSize = 11;
export const background = "var(--theme-background, Canvas)";
export const margin = {top: 30, right: 12, bottom: 38, left: 44};

/** Too narrow for figures in the labels, and for what follows a colon in a name. */
export function isNarrow(width: number): boolean {
  return width < 480;
}

/** Size and text of a plot this wide, in pixels. */
export function frame(width: number) {
  return {
    width,
    height: Math.round(Math.min(420, Math.max(360, width * 0.65))),
    marginTop: margin.top,
    marginRight: margin.right,
    marginBottom: margin.bottom,
    marginLeft: margin.left,
    style: `font-size: ${fontSize}px; overflow: visible;`
  };
}

/** One image with this description to those who do not see it. */
export function asImage(plot: PlotElement, description: string): void {
  plot.setAttribute("role", "img");
  // Plot labels each group of marks, which the ARIA rules allow on no element without a role.
  for (const group of plot.querySelectorAll<SVGGElement>("g[aria-label]")) {
    group.dataset.marks = group.getAttribute("aria-label")!;
    group.removeAttribute("aria-label");
  }
  plot.setAttribute("aria-label", description);
}

/** The width of a text in a plot, in pixels. */
export function textMeasure(): (text: string) => number {
  const context = document.createElement("canvas").getContext("2d")!;
  context.font = `${fontSize}px system-ui, sans-serif`;
  return (text) => context.measureText(text).width;
}

/**
 * Draws labels where there is room for them, below the tooltips; who does not see the plot has its description.
 * @param width where labels end, in pixels
 * @param left where they may start, clear of the ticks
 * @returns those that are drawn
 */
export function drawLabels(
  plot: PlotElement,
  requests: readonly LabelRequest[],
  width: number,
  left = margin.left - 4
): PlacedLabel[] {
  const frame = {x0: left, y0: 16, x1: width, y1: Number(plot.getAttribute("height")) - margin.bottom};
  const placed = placeLabels(requests, frame, fontSize + 1);
  select(plot)
    .insert("g", ":scope > [data-marks=tip]") // below the tooltips
    .attr("aria-hidden", "true")
    .attr("pointer-events", "none")
    .attr("font-size", fontSize)
    .attr("text-anchor", "start")
    .attr("fill", "currentColor")
    .attr("stroke", background)
    .attr("stroke-width", 3)
    .attr("stroke-linejoin", "round")
    .attr("paint-order", "stroke")
    .selectAll("text")
    .data(placed)
    .join("text")
    .attr("x", (label) => label.x)
    .attr("y", (label) => label.y)
    .attr("dy", "0.35em")
    .text((label) => label.text);
  return placed;
}
