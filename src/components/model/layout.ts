import {groupSize, layerMatrices, matrixBytes, type MatrixSize, type Shape, type WeightFormat} from "./shape.js";
import {matrixNames, normNames} from "./weights.js";

/** One tensor inside a blob: a matrix's nibbles or scales, or a norm vector. */
export interface BlobTensor {
  /** As MLC has it, with the suffix `.q_weight` or `.q_scale` for the two halves of a matrix, `.weight` for floats. */
  name: string;
  /** In bytes, a multiple of 16. */
  offset: number;
  bytes: number;
}

/** Tensors of a layer, or of the two ends of the model, packed for one binding. */
export interface BlobLayout {
  tensors: BlobTensor[];
  /** A multiple of 256, so that a blob can be bound on its own. */
  bytes: number;
}

/** qkv, o, gate/up and down with their scales, and both norms of one layer. */
export function layerLayout(shape: Shape, layer: number, format: WeightFormat = "int4"): BlobLayout {
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  return pack([
    ...matrixTensors(matrixNames.qkv(layer), qkv, format),
    ...matrixTensors(matrixNames.o(layer), o, format),
    ...matrixTensors(matrixNames.gateUp(layer), gateUp, format),
    ...matrixTensors(matrixNames.down(layer), down, format),
    {name: normNames.attention(layer), bytes: 2 * shape.hidden},
    {name: normNames.ffn(layer), bytes: 2 * shape.hidden}
  ]);
}

/** Embedding, always int4, LM head and the final norm. */
export function endsLayout(shape: Shape, format: WeightFormat = "int4"): BlobLayout {
  const size = {rows: shape.vocabulary, columns: shape.hidden};
  return pack([
    ...matrixTensors(matrixNames.embedding, size, "int4"),
    ...matrixTensors(matrixNames.lmHead, size, format),
    {name: normNames.final, bytes: 2 * shape.hidden}
  ]);
}

/** Where each vector of kernels/lib/activations.wgsl starts, in words, and how many words there are together. */
export function activationLayout({hidden, heads, kvHeads, headDim, ffn, vocabulary, context}: Shape) {
  const sizes = {
    residual: hidden,
    normed: hidden,
    attentionResidual: hidden,
    ffnResidual: hidden,
    qkv: (heads + 2 * kvHeads) * headDim,
    attended: heads * headDim,
    activated: ffn,
    logits: vocabulary,
    /**
     * Four words for each workgroup of the LM head: a dispatch of its own has no more of them than rows, and one dispatch
     * of a token no more than elements of the residual (`mostWorkgroups`), which may be more than rows.
     */
    bests: 4 * Math.max(vocabulary, hidden),
    /** These three are between the operations of a stage, where each is a dispatch of its own. */
    projected: hidden,
    gateUp: 2 * ffn,
    scores: heads * context
  };
  let words = 0;
  const starts = Object.fromEntries(
    Object.entries(sizes).map(([name, size]) => {
      const start = words;
      words += size;
      return [name, start];
    })
  ) as Record<keyof typeof sizes, number>;
  return {...starts, words};
}

/** Floats of one layer's keys and values. */
export function layerCacheFloats({kvHeads, headDim, context}: Shape): number {
  return 2 * kvHeads * headDim * context;
}

/** Values for the overrides that kernels/lib/model.wgsl and the stages declare. */
export function shapeConstants(shape: Shape, format: WeightFormat = "int4"): Record<string, number> {
  const layer = layerLayout(shape, 0, format);
  const ends = endsLayout(shape, format);
  const activations = activationLayout(shape);
  const matrix = (override: string, {tensors}: BlobLayout, name: string) => {
    const expanded = tensors.find((tensor) => tensor.name === `${name}.weight`);
    return {
      [`${override}_words`]: (expanded ?? find(tensors, `${name}.q_weight`)).offset / 16,
      [`${override}_scales`]: expanded ? 0 : find(tensors, `${name}.q_scale`).offset / 2
    };
  };
  const norm = ({tensors}: BlobLayout, name: string) => find(tensors, name).offset / 2;
  return {
    hidden: shape.hidden,
    layers: shape.layers,
    heads: shape.heads,
    kv_heads: shape.kvHeads,
    head_dim: shape.headDim,
    ffn: shape.ffn,
    vocabulary: shape.vocabulary,
    context: shape.context,
    epsilon: shape.epsilon,
    layer_vectors: layer.bytes / 16,
    residual_at: activations.residual,
    normed_at: activations.normed,
    attention_residual_at: activations.attentionResidual,
    ffn_residual_at: activations.ffnResidual,
    qkv_at: activations.qkv,
    attended_at: activations.attended,
    activated_at: activations.activated,
    logits_at: activations.logits,
    bests_at: activations.bests,
    projected_at: activations.projected,
    gate_up_at: activations.gateUp,
    scores_at: activations.scores,
    ...matrix("qkv", layer, matrixNames.qkv(0)),
    ...matrix("o", layer, matrixNames.o(0)),
    ...matrix("gate_up", layer, matrixNames.gateUp(0)),
    ...matrix("down", layer, matrixNames.down(0)),
    ...matrix("embedding", ends, matrixNames.embedding),
    ...matrix("lm_head", ends, matrixNames.lmHead),
    attention_norm: norm(layer, normNames.attention(0)),
    ffn_norm: norm(layer, normNames.ffn(0)),
    final_norm: norm(ends, normNames.final)
  };
}

function matrixTensors(name: string, size: MatrixSize, format: WeightFormat): Omit<BlobTensor, "offset">[] {
  if (format !== "int4") return [{name: `${name}.weight`, bytes: matrixBytes(size, format)}];
  const {rows, columns} = size;
  return [
    {name: `${name}.q_weight`, bytes: (rows * columns) / 2},
    {name: `${name}.q_scale`, bytes: (2 * rows * columns) / groupSize}
  ];
}

function pack(tensors: Omit<BlobTensor, "offset">[]): BlobLayout {
  let end = 0;
  const placed = tensors.map((tensor) => {
    const offset = Math.ceil(end / 16) * 16;
    end = offset + tensor.bytes;
    return {...tensor, offset};
  });
  return {tensors: placed, bytes: Math.ceil(end / 256) * 256};
}

function find(tensors: BlobTensor[], name: string): BlobTensor {
  const tensor = tensors.find((candidate) => candidate.name === name);
  if (!tensor) throw new Error(`no ${name} in this blob`);
  return tensor;
}
