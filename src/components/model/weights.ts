import {layerMatrices, type MatrixSize, type Shape} from "./shape.js";

/** Quantised matrices by their MLC names, without the suffixes `.q_weight` and `.q_scale`. */
export const matrixNames = {
  embedding: "transformer.embd",
  lmHead: "lm_head",
  qkv: (layer: number) => `transformer.h.${layer}.mixer.qkv_proj`,
  o: (layer: number) => `transformer.h.${layer}.mixer.out_proj`,
  gateUp: (layer: number) => `transformer.h.${layer}.mlp.gate_up_proj`,
  down: (layer: number) => `transformer.h.${layer}.mlp.down_proj`
};

/** Norm vectors by their MLC names. */
export const normNames = {
  attention: (layer: number) => `transformer.h.${layer}.ln.weight`,
  ffn: (layer: number) => `transformer.h.${layer}.post_attention_layernorm.weight`,
  final: "transformer.norm.weight"
};

/**
 * A model's weights on the CPU, in the q4f16_1 form: little-endian u32 words of eight nibbles, element 0
 * lowest, `(nibble − 7) · scale`, rows of the output contiguous, one float16 scale per 32 columns.
 */
export interface WeightSource {
  /** Fills `words` with row `row` of a matrix: columns / 8 words. */
  readWords(matrix: string, row: number, words: Uint32Array): void;
  /** Fills `scales` with the scales of row `row`: columns / 32 values, exact float16 values. */
  readScales(matrix: string, row: number, scales: Float64Array): void;
  /** Fills `values` with a norm vector: `hidden` exact float16 values. */
  readNorm(norm: string, values: Float64Array): void;
}

/** Every matrix of a shape with its size, in the order of MLC's manifest. */
export function modelMatrices(shape: Shape): Map<string, MatrixSize> {
  const ends = {rows: shape.vocabulary, columns: shape.hidden};
  const sizes = new Map<string, MatrixSize>([[matrixNames.embedding, ends]]);
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  for (let layer = 0; layer < shape.layers; ++layer) {
    sizes.set(matrixNames.qkv(layer), qkv);
    sizes.set(matrixNames.o(layer), o);
    sizes.set(matrixNames.gateUp(layer), gateUp);
    sizes.set(matrixNames.down(layer), down);
  }
  return sizes.set(matrixNames.lmHead, ends);
}

/** Every norm vector of a shape. */
export function modelNorms(shape: Shape): string[] {
  const layers = Array.from({length: shape.layers}, (_, layer) => [normNames.attention(layer), normNames.ffn(layer)]);
  return [...layers.flat(), normNames.final];
}
