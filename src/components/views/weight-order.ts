import {html, svg} from "htl";
import {ladder} from "../lab/tiling.js";

/** One way to lay weights and to deal them to invocations. */
interface Picture {
  title: string;
  caption: string;
  /** Which way memory runs. */
  order: "down" | "across";
  /** Where invocation i loads first: its row and its column. */
  place(i: number): [row: number, column: number];
}

const rung = (variant: string) => ladder.findIndex((row) => row.variant === variant) + 1;

const invocations = 8;
const square = 20;

const pictures: readonly Picture[] = [
  {
    title: `Rungs 1 to ${rung("row-order") - 1}`,
    caption: "Input by input: neighbours' weights lie side by side, eight to a word, and the next ones a column on.",
    order: "down",
    place: (i) => [i, 0]
  },
  {
    title: `Rungs ${rung("row-order")} to ${rung("shared-by-4") - 1}`,
    caption: "Row by row, a row each: neighbours' weights lie a whole row apart.",
    order: "across",
    place: (i) => [i, 0]
  },
  {
    title: `From rung ${rung("teams")} on`,
    caption: "Row by row, a row together: neighbours' groups lie side by side.",
    order: "across",
    place: (i) => [0, i]
  }
];

/** Where eight neighbouring invocations load first, and how weights follow each other in memory, in three pictures. */
export function weightOrder(width: number): HTMLElement {
  return html`<div class="weight-order" style="display: flex; flex-wrap: wrap; gap: 1rem 2rem; max-width: ${width}px;">
    ${pictures.map(
      ({title, caption, ...picture}) =>
        html`<figure style="margin: 0; width: ${invocations * square + 30}px;">
          ${draw(picture, `${title}. ${caption}`)}
          <figcaption><strong>${title}.</strong> ${caption}</figcaption>
        </figure>`
    )}
  </div>`;
}

function draw({order, place}: Pick<Picture, "order" | "place">, label: string): SVGElement {
  const size = invocations * square;
  const margin = 16;
  const indices = Array.from({length: invocations}, (_, i) => i);
  const cells = indices.flatMap((row) => indices.map((column) => [row, column] as const));
  const arrow =
    order === "down" ? `M6,${margin} v${size} l-3,-6 m3,6 l3,-6` : `M${margin},6 h${size} l-6,-3 m6,3 l-6,3`;
  return svg`<svg role="img" aria-label="${label}" width="${size + margin + 2}" height="${size + margin + 2}" style="display: block; color: var(--theme-foreground);">
    <path d="${arrow}" fill="none" stroke="currentColor" stroke-width="1.5"></path>
    <g transform="translate(${margin},${margin})">
      ${cells.map(
        ([row, column]) =>
          svg`<rect x="${column * square}" y="${row * square}" width="${square}" height="${square}" fill="none" stroke="var(--theme-foreground-faint)" stroke-width="0.5"></rect>`
      )}
      ${indices.map((i) => {
        const [row, column] = place(i);
        return svg`<g>
          <rect x="${column * square + 1}" y="${row * square + 1}" width="${square - 2}" height="${square - 2}" fill="var(--theme-foreground)"></rect>
          <text x="${(column + 0.5) * square}" y="${(row + 0.72) * square}" text-anchor="middle" font-size="12" font-family="var(--sans-serif, sans-serif)" fill="var(--theme-background)">${i}</text>
        </g>`;
      })}
    </g>
  </svg>`;
}
