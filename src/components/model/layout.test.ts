import {describe, expect, test} from "vitest";
import {
  activationLayout,
  endsLayout,
  layerCacheFloats,
  layerLayout,
  shapeConstants,
  type BlobLayout
} from "./layout.js";
import {layerMatrices, matrixBytes, shapes, type Shape} from "./shape.js";
import {modelMatrices, modelNorms} from "./weights.js";

/** Scales in odd numbers and tensors that are no multiple of 16 bytes. */
const odd: Shape = {...shapes.tiny, id: "odd", hidden: 96, ffn: 224, vocabulary: 77, heads: 3, kvHeads: 1, headDim: 32};

describe.each([shapes.tiny, shapes["phi3-mini"], odd])("the layout of $id", (shape) => {
  const blobs = (): BlobLayout[] => [
    ...Array.from({length: shape.layers}, (_, layer) => layerLayout(shape, layer)),
    endsLayout(shape)
  ];

  test("has every tensor once, in full", () => {
    const bytes = new Map<string, number>();
    for (const {name, bytes: size} of blobs().flatMap(({tensors}) => tensors)) {
      expect(bytes.has(name), name).toBe(false);
      bytes.set(name, size);
    }
    for (const [name, size] of modelMatrices(shape)) {
      expect(bytes.get(`${name}.q_weight`)! + bytes.get(`${name}.q_scale`)!, name).toBe(matrixBytes(size));
      bytes.delete(`${name}.q_weight`);
      bytes.delete(`${name}.q_scale`);
    }
    for (const norm of modelNorms(shape)) {
      expect(bytes.get(norm), norm).toBe(2 * shape.hidden);
      bytes.delete(norm);
    }
    expect([...bytes.keys()]).toEqual([]);
  });

  test("starts each tensor at a multiple of 16 bytes behind the one before, within the blob", () => {
    for (const {tensors, bytes} of blobs()) {
      let end = 0;
      for (const {name, offset, bytes: size} of tensors) {
        expect(offset % 16, name).toBe(0);
        expect(offset, name).toBeGreaterThanOrEqual(end);
        expect(offset, name).toBeLessThan(end + 16);
        end = offset + size;
      }
      expect(bytes).toBeGreaterThanOrEqual(end);
    }
  });

  test("has blobs of a multiple of 256 bytes, the same for every layer", () => {
    for (const {bytes} of blobs()) expect(bytes % 256).toBe(0);
    const offsets = (layer: number) => layerLayout(shape, layer).tensors.map(({offset}) => offset);
    expect(offsets(shape.layers - 1)).toEqual(offsets(0));
  });

  test("tells the kernels where tensors start: words by 16 bytes, halves by 2", () => {
    const constants = shapeConstants(shape);
    const offsets = new Map(
      [...layerLayout(shape, 0).tensors, ...endsLayout(shape).tensors].map((t) => [t.name, t.offset])
    );
    const matrices = {
      qkv: "transformer.h.0.mixer.qkv_proj",
      o: "transformer.h.0.mixer.out_proj",
      gate_up: "transformer.h.0.mlp.gate_up_proj",
      down: "transformer.h.0.mlp.down_proj",
      embedding: "transformer.embd",
      lm_head: "lm_head"
    };
    for (const [override, name] of Object.entries(matrices)) {
      expect(16 * constants[`${override}_words`]!, name).toBe(offsets.get(`${name}.q_weight`));
      expect(2 * constants[`${override}_scales`]!, name).toBe(offsets.get(`${name}.q_scale`));
    }
    const norms = {
      attention_norm: "transformer.h.0.ln.weight",
      ffn_norm: "transformer.h.0.post_attention_layernorm.weight",
      final_norm: "transformer.norm.weight"
    };
    for (const [override, name] of Object.entries(norms)) expect(2 * constants[override]!).toBe(offsets.get(name));
    expect(16 * constants.layer_vectors!).toBe(layerLayout(shape, 0).bytes);
    for (const [override, value] of Object.entries(constants)) {
      if (override !== "epsilon") expect(Number.isInteger(value), override).toBe(true);
    }
  });

  test("keeps the activations apart", () => {
    const {words, ...starts} = activationLayout(shape);
    const {hidden, heads, kvHeads, headDim, ffn, vocabulary, context} = shape;
    const lengths: Record<keyof typeof starts, number> = {
      residual: hidden,
      normed: hidden,
      attentionResidual: hidden,
      ffnResidual: hidden,
      qkv: (heads + 2 * kvHeads) * headDim,
      attended: heads * headDim,
      activated: ffn,
      logits: vocabulary,
      bests: 4 * Math.max(vocabulary, hidden),
      projected: hidden,
      gateUp: 2 * ffn,
      scores: heads * context
    };
    expect(Object.keys(starts).sort()).toEqual(Object.keys(lengths).sort());
    const ranges = Object.entries(lengths)
      .map(([name, length]) => ({start: starts[name as keyof typeof starts], length}))
      .sort((a, b) => a.start - b.start);
    let end = 0;
    for (const {start, length} of ranges) {
      expect(start).toBeGreaterThanOrEqual(end);
      end = start + length;
    }
    expect(words).toBeGreaterThanOrEqual(end);
  });

  test("tells the kernels where every vector of activations starts", () => {
    const starts = Object.entries(activationLayout(shape)).filter(([name]) => name !== "words");
    const constants = shapeConstants(shape);
    for (const [name, start] of starts) {
      const override = `${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}_at`;
      expect(constants[override], override).toBe(start);
    }
  });

  test("has vectors of a multiple of eight, by which the kernels permute them", () => {
    const {hidden, heads, kvHeads, headDim, ffn} = shape;
    for (const length of [hidden, heads * headDim, (heads + 2 * kvHeads) * headDim, ffn, 2 * ffn])
      expect(length % 8).toBe(0);
  });
});

test("the cache of a layer holds keys and values of its KV heads only", () => {
  expect(layerCacheFloats({...shapes.tiny, heads: 6, kvHeads: 2, headDim: 32, context: 10})).toBe(2 * 2 * 32 * 10);
});

describe.each(["float16", "float32"] as const)("the layout in %s", (format) => {
  const bytes = (tensors: BlobLayout["tensors"]) => Object.fromEntries(tensors.map(({name, bytes}) => [name, bytes]));

  test("has a layer's matrices as floats, and norms as they are", () => {
    const {qkv, o, gateUp, down} = layerMatrices(odd);
    expect(bytes(layerLayout(odd, 1, format).tensors)).toEqual({
      "transformer.h.1.mixer.qkv_proj.weight": matrixBytes(qkv, format),
      "transformer.h.1.mixer.out_proj.weight": matrixBytes(o, format),
      "transformer.h.1.mlp.gate_up_proj.weight": matrixBytes(gateUp, format),
      "transformer.h.1.mlp.down_proj.weight": matrixBytes(down, format),
      "transformer.h.1.ln.weight": 2 * odd.hidden,
      "transformer.h.1.post_attention_layernorm.weight": 2 * odd.hidden
    });
  });

  test("has the LM head as floats, and the embedding in int4", () => {
    const {tensors} = endsLayout(odd, format);
    expect(tensors.slice(0, 2)).toEqual(endsLayout(odd).tensors.slice(0, 2));
    expect(bytes(tensors.slice(2))).toEqual({
      "lm_head.weight": odd.vocabulary * odd.hidden * (format === "float16" ? 2 : 4),
      "transformer.norm.weight": 2 * odd.hidden
    });
  });

  test("tells the kernels where the floats start, by 16 bytes", () => {
    const constants = shapeConstants(odd, format);
    const [qkv, o] = layerLayout(odd, 0, format).tensors;
    expect(constants).toMatchObject({qkv_words: 0, qkv_scales: 0, o_words: o!.offset / 16});
    expect(o!.offset).toBe(qkv!.bytes);
    expect(constants.layer_vectors).toBe(layerLayout(odd, 0, format).bytes / 16);
    expect(constants.embedding_scales).toBe(shapeConstants(odd).embedding_scales);
  });
});
