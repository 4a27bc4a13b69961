import {rollup} from "d3";
import {html} from "htl";
import type {CostResultRow} from "../lab/cost-row.js";
import {createSvg, drawCell, drawTitle} from "./core-diagram.js";
import type {Svg} from "./core-diagram.js";
import {formatBandwidth, formatCount, formatPercent, formatQuantity} from "./format.js";
import {reachOf, readRows, type ReadRow} from "./reach.js";
import {ranOn} from "./recorded.js";

export interface MemoryDiagramOptions {
  /** The rows of one record. */
  rows: readonly CostResultRow[];
  cores: number;
  /** In pixels. */
  width?: number;
}

const chip = 104;
const memoryWidth = 76;
const gap = 6;
const titleHeight = 22;
const captionHeight = 18;
const blockHeight = titleHeight + chip + captionHeight + 18;

/**
 * What the memory of a GPU sees of one workgroup, of some and of the most: which cores have one, and how much of what
 * memory delivers to all of them it delivers then. Null where no record has both.
 */
export function memoryDiagram({rows, cores, width = 640}: MemoryDiagramOptions): HTMLElement | null {
  const shown = chooseReads(rows, cores);
  if (!shown) return null;
  const most = shown.at(-1)!;
  const svg = createSvg(width, shown.length * blockHeight, describe(shown, most, cores));
  shown.forEach((row, i) => drawRead(svg, i * blockHeight, row, most, cores, width));
  return html`<figure class="core-diagram memory-diagram">
    ${svg.node()}
    <figcaption>
      Left, the ${formatCount(cores)} cores of the ${ranOn(most)}; filled, those that have a workgroup, as if each had
      one before any has two. The channel to memory is as high as the most that the device was seen to read,
      ${formatBandwidth(most.bytesPerSecond.median)}; filled, what these workgroups read of it. Drawn from the record.
    </figcaption>
  </figure>`;
}

/** The best read of one workgroup, of some that have a core each, of the most of those, and of all on record. */
export function chooseReads(rows: readonly CostResultRow[], cores: number): ReadRow[] | null {
  const reach = reachOf(rows);
  if (!reach || reach.all.workgroups === 1) return null;
  const between = [
    ...rollup(
      readRows(rows).filter(
        ({workgroups}) => workgroups > 1 && workgroups <= cores && workgroups < reach.all.workgroups
      ),
      (reads) => reads.reduce((a, b) => (a.bytesPerSecond.median >= b.bytesPerSecond.median ? a : b)),
      ({workgroups}) => workgroups
    ).values()
  ].sort((a, b) => a.workgroups - b.workgroups);
  const some = between[Math.floor((between.length - 1) / 2)];
  return [...new Set([reach.one, some, between.at(-1), reach.all].filter((row) => row !== undefined))];
}

function drawRead(svg: Svg, top: number, row: ReadRow, most: ReadRow, cores: number, width: number): void {
  const part = row.bytesPerSecond.median / most.bytesPerSecond.median;
  drawTitle(svg, top, title(row));
  const from = top + titleHeight;
  const columns = Math.ceil(Math.sqrt(cores));
  const cell = chip / Math.ceil(cores / columns);
  const busy = Math.min(row.workgroups, cores);
  for (let core = 0; core < cores; ++core) {
    const [x, y] = [(core % columns) * cell, Math.floor(core / columns) * cell];
    drawCell(svg, core < busy ? "busy" : "idle", x, from + y, cell - 1, cell - 1);
  }
  const [left, right] = [columns * cell + gap, width - memoryWidth - gap];
  drawCell(svg, "idle", left, from, right - left, chip);
  const height = Math.max(1, part * chip);
  drawCell(svg, "busy", left, from + (chip - height) / 2, right - left, height);
  drawCell(svg, "idle", width - memoryWidth, from, memoryWidth, chip);
  drawText(svg, width - memoryWidth / 2, from + chip / 2 + 4, "memory", "middle");
  const below = from + chip + captionHeight - 4;
  drawText(svg, 0, below, `${formatCount(busy)} of ${formatQuantity(cores, "core")}`, "start");
  drawText(svg, width, below, `${formatBandwidth(row.bytesPerSecond.median)}, ${formatPercent(part)}`, "end");
}

function drawText(svg: Svg, x: number, y: number, text: string, anchor: "start" | "middle" | "end"): void {
  svg.append("text").attr("x", x).attr("y", y).attr("text-anchor", anchor).text(text);
}

function title({workgroups, workgroupSize}: ReadRow): string {
  return `${workgroups === 1 ? "one workgroup" : formatQuantity(workgroups, "workgroup")} of ${formatCount(workgroupSize)}`;
}

function describe(shown: readonly ReadRow[], most: ReadRow, cores: number): string {
  const list = shown.map((row) => {
    const {median} = row.bytesPerSecond;
    const busy = Math.min(row.workgroups, cores);
    const part = formatPercent(median / most.bytesPerSecond.median);
    return `${title(row)} on ${formatCount(busy)} of ${formatQuantity(cores, "core")}: ${formatBandwidth(median)}, ${part} of the most`;
  });
  return `What memory sees. ${list.join("; ")}.`;
}
