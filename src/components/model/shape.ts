import {sizedShapes, sweptWidths} from "./sized-shapes.js";

/**
 * The shape of a decoder-only transformer with RMSNorm, rotary embeddings and a SwiGLU feed-forward
 * network (Phi-3, Llama, Qwen2). Everything else about size follows from these numbers.
 */
export interface Shape {
  id: string;
  label: string;
  /** Width of the residual stream, a multiple of 32. */
  hidden: number;
  layers: number;
  /** Query heads. */
  heads: number;
  /** Key and value heads; `heads` is a multiple of it. */
  kvHeads: number;
  /** A multiple of 16, 128 at most. */
  headDim: number;
  /** Width of the feed-forward network, a multiple of 32. */
  ffn: number;
  vocabulary: number;
  ropeTheta: number;
  /** RMSNorm's epsilon. */
  epsilon: number;
  /** Positions the KV cache holds. */
  context: number;
}

/** Weights that share one float16 scale (q4f16_1). */
export const groupSize = 32;

/**
 * What the layers' matrices and the LM head are in memory: q4f16_1, or its weights expanded to floats beforehand
 * (expanded-weights.ts). The embedding, of which a token reads one row, and the norms are the same in all.
 */
export const weightFormats = ["int4", "float16", "float32"] as const;

export type WeightFormat = (typeof weightFormats)[number];

const phi3Mini: Shape = {
  id: "phi3-mini",
  label: "Phi-3-mini, 32 layers",
  hidden: 3072,
  layers: 32,
  heads: 32,
  kvHeads: 32,
  headDim: 96,
  ffn: 8192,
  vocabulary: 32064,
  ropeTheta: 10000,
  epsilon: 1e-5,
  context: 256
};

/**
 * Layers of a model's own, to compare with those of another, under a vocabulary so small that the LM head hardly
 * counts: those of the models themselves, of 32,064 to 151,936 tokens, read as much as one to nine layers.
 */
const fewTokens = {vocabulary: 512};
const oneLayer = {layers: 1, ...fewTokens};

/** A model of two layers with heads of 32 whose weights may fit in the cache of one core. */
function toy(hidden: number): Shape {
  return {
    ...phi3Mini,
    id: `toy-${hidden}`,
    label: `Toy, 2 layers of ${hidden}`,
    hidden,
    layers: 2,
    heads: hidden / 32,
    kvHeads: hidden / 32,
    headDim: 32,
    ffn: 3 * hidden,
    vocabulary: 512
  };
}

/** Shapes an experiment can be run at, smallest first. `tiny` is the fixture `phi3-tiny`. */
export const shapes = {
  "toy-32": toy(32),
  "toy-64": toy(64),
  "toy-128": toy(128),
  tiny: {
    ...phi3Mini,
    id: "tiny",
    label: "Tiny, 2 layers of 192",
    hidden: 192,
    layers: 2,
    heads: 2,
    kvHeads: 2,
    ffn: 512,
    vocabulary: 512
  },
  "toy-256": toy(256),
  "width-768": sweptWidths["width-768"],
  "qwen2-0.5b-1-layer": {
    ...sizedShapes["qwen2-0.5b"],
    ...oneLayer,
    id: "qwen2-0.5b-1-layer",
    label: "Qwen2-0.5B-sized, 1 layer"
  },
  "width-1024": sweptWidths["width-1024"],
  "qwen2-0.5b-24-layers": {...sizedShapes["qwen2-0.5b"], ...fewTokens, id: "qwen2-0.5b-24-layers"},
  "width-1792": sweptWidths["width-1792"],
  "llama-1b-1-layer": {
    ...sizedShapes["llama-1b"],
    ...oneLayer,
    id: "llama-1b-1-layer",
    label: "Llama-3.2-1B-sized, 1 layer"
  },
  "phi3-sized-1-layer": {
    ...phi3Mini,
    ...oneLayer,
    id: "phi3-sized-1-layer",
    label: "Phi-3-mini-sized, 1 layer"
  },
  "phi3-mini-1-layer": {...phi3Mini, id: "phi3-mini-1-layer", label: "Phi-3-mini, 1 layer", layers: 1},
  "phi3-mini-8-layers": {...phi3Mini, id: "phi3-mini-8-layers", label: "Phi-3-mini, 8 layers", layers: 8},
  "phi3-mini": phi3Mini
} satisfies Record<string, Shape>;

export type ShapeId = keyof typeof shapes;

/** Four invocations of `attention`, each with eight vectors of four, share a head (kernels/stages/attention.wgsl). */
const mostHeadDim = 128;

/** @throws {Error} naming the rule, when the kernels cannot run this shape. */
export function checkShape(shape: Shape): Shape {
  const {hidden, ffn, heads, kvHeads, headDim} = shape;
  const fail = (rule: string) => {
    throw new Error(`shape ${shape.id}: ${rule}`);
  };
  for (const key of ["hidden", "layers", "heads", "kvHeads", "headDim", "ffn", "vocabulary", "context"] as const) {
    if (!Number.isInteger(shape[key]) || shape[key] < 1) fail(`${key} is ${shape[key]}, not a positive integer`);
  }
  if (hidden % groupSize) fail(`hidden size ${hidden} is not a multiple of ${groupSize}, the quantisation group`);
  if (ffn % groupSize) fail(`FFN size ${ffn} is not a multiple of ${groupSize}, the quantisation group`);
  if ((heads * headDim) % groupSize)
    fail(`heads × head dim = ${heads * headDim} is not a multiple of ${groupSize}, the quantisation group`);
  if (headDim % 16) {
    fail(`head dim ${headDim} is not a multiple of 16: four invocations share a head by vectors of four`);
  }
  if (headDim > mostHeadDim) {
    fail(`head dim ${headDim} is more than ${mostHeadDim}: an invocation of attention holds eight vectors of four`);
  }
  if (heads % kvHeads) fail(`${heads} query heads cannot share ${kvHeads} KV heads evenly`);
  return shape;
}

/** Output rows and input columns of one quantised matrix. */
export interface MatrixSize {
  rows: number;
  columns: number;
}

/** The four matrices of a layer, in the order they are used. */
export function layerMatrices(shape: Shape): Record<"qkv" | "o" | "gateUp" | "down", MatrixSize> {
  const {hidden, heads, kvHeads, headDim, ffn} = shape;
  return {
    qkv: {rows: (heads + 2 * kvHeads) * headDim, columns: hidden},
    o: {rows: hidden, columns: heads * headDim},
    gateUp: {rows: 2 * ffn, columns: hidden},
    down: {rows: hidden, columns: ffn}
  };
}

/** Bytes of a weight, its share of the group's scale included. */
export const bytesPerWeight: Record<WeightFormat, number> = {int4: 1 / 2 + 2 / groupSize, float16: 2, float32: 4};

/** Bytes of a matrix: in q4f16_1 half a byte a weight and two bytes a group. */
export function matrixBytes({rows, columns}: MatrixSize, format: WeightFormat = "int4"): number {
  return rows * columns * bytesPerWeight[format];
}

/**
 * Weight bytes one decoded token must read: every layer's matrices and the LM head, not the embedding
 * (one row of it) and not the norms (under 0.1 %). 2,093,838,336 for `phi3-mini` in int4.
 */
export function weightBytesPerToken(shape: Shape, format: WeightFormat = "int4"): number {
  const layer = Object.values(layerMatrices(shape)).reduce((sum, size) => sum + matrixBytes(size, format), 0);
  return shape.layers * layer + matrixBytes({rows: shape.vocabulary, columns: shape.hidden}, format);
}
