import type {Shape} from "../model/shape.js";

/** What an operation deals out, and to whom: rows of a matrix to teams, or pieces of work to each of these. */
export interface Work {
  by: "rows" | "teams" | "invocations" | "workgroups";
  count: number;
}

/** One operation of a layer: a kernel, and how much it has to do. */
export interface Operation {
  /** File in `kernels/`. */
  path: string;
  work: Work;
}

/**
 * The operations of each stage of a layer that consists of several, in order, by the path of the stage's kernel: what a
 * framework launches that knows operators and not the model. The other stages are one operation each.
 */
export function stageOperations({hidden, heads, kvHeads, headDim, ffn, context}: Shape): Record<string, Operation[]> {
  return {
    "staged/qkv_rope.wgsl": [
      operation("query_product", "rows", heads * headDim),
      operation("key_product", "rows", kvHeads * headDim),
      operation("value_product", "rows", kvHeads * headDim),
      operation("rotate_queries", "invocations", (heads * headDim) / 2),
      operation("rotate_keys", "invocations", (kvHeads * headDim) / 2)
    ],
    "staged/attention.wgsl": [
      operation("append_cache", "invocations", (kvHeads * headDim) / 4),
      operation("scores", "invocations", 4 * heads * context),
      operation("softmax", "workgroups", heads),
      operation("weigh_values", "teams", (heads * headDim) / 4)
    ],
    "staged/o_proj.wgsl": [
      operation("o_product", "rows", hidden),
      operation("add_attention", "invocations", hidden / 8)
    ],
    "staged/gate_up.wgsl": [
      operation("gate_product", "rows", ffn),
      operation("up_product", "rows", ffn),
      operation("silu", "invocations", ffn / 8),
      operation("multiply", "invocations", ffn / 8)
    ],
    "staged/down.wgsl": [operation("down_product", "rows", hidden), operation("add_ffn", "invocations", hidden / 8)]
  };
}

function operation(name: string, by: Work["by"], count: number): Operation {
  return {path: `unfused/${name}.wgsl`, work: {by, count}};
}
