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
