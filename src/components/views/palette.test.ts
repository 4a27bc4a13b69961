import {rgb} from "d3";
import {expect, it} from "vitest";
import {fallbacks} from "./palette.js";

it.each(Object.entries(fallbacks))("%s is told from a light and from a dark background", (_, colour) => {
  for (const background of ["#ffffff", "#161616"]) expect(contrast(colour, background)).toBeGreaterThanOrEqual(3);
});

/** WCAG 2's contrast ratio. */
function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const {r, g, b} = rgb(colour);
  const linear = (c: number) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
}
