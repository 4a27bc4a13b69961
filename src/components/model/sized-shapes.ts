import type {Shape} from "./shape.js";

/**
 * Other models whose sizes are compared with Phi-3-mini's: hidden size, layers, heads, FFN and vocabulary as their
 * `config.json` publishes them. Only what follows from the sizes is right for them here: Qwen2 has biases, Llama scales its
 * rotations, and both share the embedding with the LM head.
 */
export const sizedShapes = {
  "qwen2-0.5b": {
    id: "qwen2-0.5b",
    label: "Qwen2-0.5B-sized, 24 layers",
    hidden: 896,
    layers: 24,
    heads: 14,
    kvHeads: 2,
    headDim: 64,
    ffn: 4864,
    vocabulary: 151936,
    ropeTheta: 1e6,
    epsilon: 1e-6,
    context: 256
  },
  "llama-1b": {
    id: "llama-1b",
    label: "Llama-3.2-1B-sized, 16 layers",
    hidden: 2048,
    layers: 16,
    heads: 32,
    kvHeads: 8,
    headDim: 64,
    ffn: 8192,
    vocabulary: 128256,
    ropeTheta: 5e5,
    epsilon: 1e-5,
    context: 256
  }
} satisfies Record<string, Shape>;

/**
 * The widths of the original's sweep that none of these models has: hidden size, heads and the ratio of the FFN as its
 * page has them (abgnydn/webgpu-fusion-max@8563a6e, src/bench.html, `CONFIGS` and `makeConfig`), one layer each. Its FFN is
 * two matrices with GELU; that of the stages here has a third, of gates.
 */
export const sweptWidths = {
  "width-768": sweptWidth(768, 12),
  "width-1024": sweptWidth(1024, 16),
  "width-1792": sweptWidth(1792, 16)
};

function sweptWidth(hidden: number, heads: number): Shape {
  return {
    id: `width-${hidden}`,
    label: `Width ${hidden.toLocaleString("en-GB")}, 1 layer`,
    hidden,
    layers: 1,
    heads,
    kvHeads: heads,
    headDim: hidden / heads,
    ffn: 4 * hidden,
    vocabulary: 512,
    ropeTheta: 10000,
    epsilon: 1e-5,
    context: 256
  };
}
