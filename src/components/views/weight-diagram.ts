import {html} from "htl";
import {matrixNames} from "../model/weights.js";
import {bytesPerWeight, groupSize, layerMatrices, matrixBytes, weightFormats} from "../model/shape.js";
import type {Shape} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import {createSvg, drawTitle, type Svg} from "./core-diagram.js";
import {formatBytes, formatNumber, formatQuantity} from "./format.js";

const perWord = 8;
const left = 64;
const rowHeight = 30;
const headHeight = 46;

/**
 * How a group of int4 weights lies in memory: eight nibbles to a word, and one scale for all of its words. The nibbles
 * are the first of a run's own synthetic weights.
 */
export function groupDiagram(shape: Shape, width = 640): HTMLElement {
  const words = new Uint32Array(shape.hidden / perWord);
  const scales = new Float64Array(shape.hidden / groupSize);
  const weights = syntheticWeights(shape);
  weights.readWords(matrixNames.qkv(0), 0, words);
  weights.readScales(matrixNames.qkv(0), 0, scales);
  const group = [...words.subarray(0, groupSize / perWord)].map(nibblesOf);
  const scale = scales[0]!;
  const used = Math.min(width, 560);
  const cell = Math.floor((used - left) / perWord);
  const scaleTop = headHeight + group.length * rowHeight + 8;
  const svg = createSvg(used, scaleTop + 74, describeGroup(group, scale));
  drawTitle(
    svg,
    0,
    used < 420 ? "Four bits a weight, the lowest first" : "Eight weights to a word, the lowest four bits first"
  );
  const narrow = cell < 42;
  svg
    .append("text")
    .attr("y", 40)
    .text(narrow ? "from bit" : "bits");
  for (let j = 0; j < perWord; ++j)
    centred(svg, left + (j + 0.5) * cell, 40, narrow ? String(4 * j) : `${4 * j}–${4 * j + 3}`);
  group.forEach((nibbles, w) => {
    const top = headHeight + w * rowHeight;
    svg
      .append("text")
      .attr("y", top + 19)
      .text(`word ${w}`);
    nibbles.forEach((nibble, j) => drawBox(svg, left + j * cell, top, cell, String(nibble)));
  });
  drawBox(svg, left, scaleTop, perWord * cell, `${formatNumber(scale)}, a float16 for all ${groupSize}`);
  svg
    .append("text")
    .attr("y", scaleTop + 19)
    .text("scale");
  const [first] = group[0]!;
  const lines = [
    `Weight 0 is (${first} − 7) · ${formatNumber(scale)} = ${formatNumber((first! - 7) * scale).replace("-", "−")}.`,
    `${groupSize} weights take ${4 * group.length} + 2 bytes: ${bytesPerWeight.int4} a weight.`
  ];
  lines.forEach((line, i) =>
    svg
      .append("text")
      .attr("y", scaleTop + 48 + 18 * i)
      .text(line)
  );
  return html`<figure class="core-diagram weight-group">
    ${svg.node()}
    <figcaption>
      The first ${groupSize} weights of a row: ${formatQuantity(group.length, "word")} of eight nibbles, and their
      scale. The scales of a matrix lie together, behind its words. The numbers are those of the synthetic weights.
    </figcaption>
  </figure>`;
}

const barHeight = 26;
const barBlock = 56;

/** What a token reads of each weight format, matrix by matrix, as bars on one scale of bytes. */
export function weightBytesBars(shape: Shape, width = 640): HTMLElement {
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  const matrices = [
    ...Object.entries({qkv, o_proj: o, gate_up: gateUp, down}).map(([name, size]) => ({
      name,
      size,
      times: shape.layers
    })),
    {name: "lm_head", size: {rows: shape.vocabulary, columns: shape.hidden}, times: 1}
  ];
  const bars = weightFormats.map((format) => {
    let from = 0;
    const parts = matrices.map(({name, size, times}) => {
      const bytes = times * matrixBytes(size, format);
      from += bytes;
      return {name, bytes, from: from - bytes};
    });
    return {format, parts, bytes: from};
  });
  const most = Math.max(...bars.map(({bytes}) => bytes));
  const label = bars.map(({format, bytes, parts}) => {
    const list = parts.map(({name, bytes}) => `${name} ${formatBytes(bytes)}`).join(", ");
    return `${format} ${formatBytes(bytes)}: ${list}`;
  });
  const used = Math.min(width, 640);
  const svg = createSvg(used, bars.length * barBlock, `Weight bytes that a token reads. ${label.join("; ")}.`);
  bars.forEach(({format, parts, bytes}, i) => {
    const top = i * barBlock;
    drawTitle(svg, top, `${format}: ${formatBytes(bytes)} a token`);
    for (const {name, bytes: part, from} of parts) {
      const [x, end] = [(from / most) * used, ((from + part) / most) * used];
      drawBox(svg, x, top + 20, end - x, end - x > 7 * name.length + 6 ? name : "", barHeight);
    }
  });
  return html`<figure class="core-diagram weight-bytes">
    ${svg.node()}
    <figcaption>
      What a token of ${shape.label} reads of its weights, in the order of a layer:
      ${matrices.map(({name}) => name).join(", ")}, for all layers together. Drawn from the shape, one scale for all
      bars.
    </figcaption>
  </figure>`;
}

/** The eight weights of a word, the lowest bits first. */
export function nibblesOf(word: number): number[] {
  return Array.from({length: perWord}, (_, j) => (word >>> (4 * j)) & 15);
}

function drawBox(svg: Svg, x: number, y: number, width: number, text: string, height = rowHeight - 3) {
  svg
    .append("rect")
    .attr("x", x + 0.5)
    .attr("y", y + 0.5)
    .attr("width", Math.max(width - 2, 1))
    .attr("height", height)
    .attr("fill", "var(--theme-foreground-faintest)")
    .attr("stroke", "var(--theme-foreground-faint)");
  centred(svg, x + width / 2 - 1, y + height / 2 + 4, text);
}

function centred(svg: Svg, x: number, y: number, text: string): void {
  svg.append("text").attr("x", x).attr("y", y).attr("text-anchor", "middle").text(text);
}

function describeGroup(group: readonly number[][], scale: number): string {
  const words = group.map((nibbles, w) => `word ${w}: ${nibbles.join(", ")}`).join("; ");
  return `A group of ${groupSize} int4 weights. ${words}. Scale of all: ${formatNumber(scale)}. A weight is nibble minus 7, times the scale.`;
}
