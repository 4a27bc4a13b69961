/** One deliberate mistake in a kernel's source. */
export interface Mutation {
  /** File in `kernels/`. */
  path: string;
  /** What is then wrong. */
  wrong: string;
  find: string;
  replace: string;
  /** Where the kernel's part with the mistake has something to do: see mutations.gpu.test.ts. */
  on: SubjectName;
}

/**
 * The fixture phi3-tiny, `staged` or `fused`, with all features or without (`portable`), with an input that comes in
 * pieces (`tiles`), with subgroups of a size not known before (`varying`); and synthetic models: of shared KV heads and
 * many positions (`long`), and of layers in three buffers (`split`).
 */
export type SubjectName = "staged" | "portable" | "fused" | "tiles" | "fused tiles" | "varying" | "long" | "split";

/** @throws {Error} unless the text to replace stands in the file exactly once. */
export function mutate(
  sources: Record<string, string>,
  {path, find, replace}: Pick<Mutation, "path" | "find" | "replace">
): Record<string, string> {
  const source = sources[path];
  if (source === undefined) throw new Error(`there is no kernels/${path}`);
  const found = source.split(find).length - 1;
  if (found !== 1) throw new Error(`kernels/${path} has ${found} times, not once: ${find}`);
  return {...sources, [path]: source.replace(find, () => replace)};
}

/** Mistakes that the checks of the kernels must see. The first of each stage is tried with every driver. */
export const mutations: readonly Mutation[] = [
  ...inFile("stages/embedding.wgsl", [
    [
      "neighbouring elements of the row change places",
      "weight_element(matrix, token, i)",
      "weight_element(matrix, token, i ^ 1u)"
    ],
    ["it is always the first token's row", "state[tokens_at + state[position_at]]", "state[tokens_at]"]
  ]),
  ...inFile("stages/rms_norm.wgsl", [
    ["the mean is over one element more", "/ f32(hidden) + epsilon", "/ f32(hidden + 1u) + epsilon"],
    ["epsilon is left out", "/ f32(hidden) + epsilon", "/ f32(hidden)", "long"],
    ["the weight is the next element's", "weights_at + i)", "weights_at + (i ^ 1u))"]
  ]),
  ...inFile("stages/qkv_rope.wgsl", [
    ["the rotation has a sign wrong", "low * turn.x - high * turn.y", "low * turn.x + high * turn.y"],
    ["the rotation is that of the first position", "rotations[position * half_dim + element]", "rotations[element]"],
    ["the query is not scaled", "turned * inverseSqrt(f32(head_dim))", "turned"],
    ["keys are all written to the first position", "* context + position;", "* context;"],
    ["values are all written to the first position", "(context + position)", "context"],
    ["the first head of values is rotated as a key", "head >= heads + kv_heads", "head > heads + kv_heads"]
  ]),
  ...inFile("stages/attention.wgsl", [
    [
      "the causal bound lets one position too few in",
      "min(chunk, position + 1u - first)",
      "min(chunk, max(position, 1u) - first)"
    ],
    [
      "the causal bound lets one position too many in",
      "min(chunk, position + 1u - first)",
      "min(chunk, position + 2u - first)"
    ],
    ["the values are those of the first KV head", "+ kv_head * head_dim;", ";", "long"],
    [
      "the query heads share KV heads in turn, not side by side",
      "head / (heads / kv_heads)",
      "head % kv_heads",
      "long"
    ],
    ["values of earlier chunks are not rescaled", "value *= rescale;", "", "long"],
    ["the weights of earlier chunks are not rescaled", "total * rescale +", "total +", "long"],
    ["only the first chunk is attended to", "first <= position; first += chunk", "first < 1u; first += chunk", "long"]
  ]),
  ...inFile("stages/o_proj.wgsl", [
    ["the scales are one off", "+ o_scales,", "+ o_scales + 1u,"],
    [
      "the residual is not added",
      "activations[residual_at + row + i] += dots[i]",
      "activations[residual_at + row + i] = dots[i]"
    ],
    [
      "the last group of columns is left out",
      "let columns = heads * head_dim;",
      "let columns = heads * head_dim - 32u;"
    ]
  ]),
  ...inFile("stages/gate_up.wgsl", [
    ["the sigmoid has its sign wrong", "x / (1.0 + exp(-x))", "x / (1.0 + exp(x))"],
    ["gate and up change places", "dots.y * silu(dots.x)", "dots.x * silu(dots.y)"],
    ["the ups are one row off", "pair_rows(row, ffn + row)", "pair_rows(row, ffn + row - 1u)"]
  ]),
  ...inFile("stages/down.wgsl", [
    ["the last group of columns is left out", "matrix, ffn, activated_at", "matrix, ffn - 32u, activated_at"],
    ["the weights are 16 bytes off", "blob.start + down_words", "blob.start + down_words + 1u"]
  ]),
  ...inFile("stages/lm_head.wgsl", [
    ["all rows of a team get the first one's logit", "= dots[i];", "= dots[0];"],
    ["the last logit is not written", "if (row + i < vocabulary)", "if (row + i + 1u < vocabulary)"]
  ]),
  ...inFile("stages/argmax.wgsl", [
    ["it is the least logit of each invocation", "logit > best", "logit < best"],
    ["it is the worst of the invocations", "pairs[other].x > pairs[mine].x", "pairs[other].x < pairs[mine].x"],
    [
      "the first token after the prompt is not written",
      "next >= state[prompt_length_at]",
      "next > state[prompt_length_at]"
    ],
    ["the position does not move", "state[position_at] = next;", ""]
  ]),
  ...inFile("lib/int4.wgsl", [
    ["the zero of the nibbles is another", "-1.4375 * sum", "-1.5 * sum"],
    ["the zero of a single weight is another", "(f32(nibble) - 7.0)", "(f32(nibble) - 8.0)"],
    ["two nibbles are the same", "word << 15u", "word << 19u"],
    ["the last nibble is shifted too far", "word >> 9u", "word >> 10u"],
    [
      "the scale is another group's",
      "matrix.scales + row * matrix.row_groups + group",
      "matrix.scales + row * matrix.row_groups + (group ^ 1u)"
    ]
  ]),
  ...inFile("lib/model.wgsl", [
    ["a float16 is always the lower half of its word", "[index & 1u]", "[0u]"],
    ["layers start where the first one does", "* layer_vectors)", "* 0u)", "fused"],
    ["the third buffer is the second", "return weights_2[index];", "return weights_1[index];", "split"],
    [
      "the scales of the third buffer are the second's",
      "return weights_2[index >> 2u][index & 3u];",
      "return weights_1[index >> 2u][index & 3u];",
      "split"
    ]
  ]),
  ...inFile("lib/matvec.wgsl", [
    ["the tile's second half is its first", "tile[(four + 1u) *", "tile[four *"],
    ["a team skips every second group", "group += invocation.lanes", "group += 2u * invocation.lanes"],
    ["the group's sum lacks a column in four", "sum.x + sum.y + sum.z + sum.w;", "sum.x + sum.y + sum.z;"],
    ["every piece of the input is the first", "load_tile(input + first * 32u,", "load_tile(input,", "tiles"],
    [
      "a piece of the input is not loaded again for the next rows",
      "if (fresh || groups > tile_groups)",
      "if (fresh)",
      "fused tiles"
    ]
  ]),
  ...inFile("lib/reduce.wgsl", [
    ["a team's sum is one lane's", "  return subgroupAdd(value);", "  return value;"],
    ["a workgroup's sum is the last team's", "total += scratch[team]", "total = scratch[team]"],
    [
      "a workgroup's maximum is the least of its teams'",
      "total = max(total, scratch[team])",
      "total = min(total, scratch[team])"
    ],
    [
      "a team's sum leaves half the lanes out",
      "var stride = team_lanes / 2u;",
      "var stride = team_lanes / 4u;",
      "portable"
    ],
    [
      "a workgroup's sum loses what it had",
      "scratch[invocation.index] += scratch[invocation.index + stride];\n    }\n  }\n  workgroupBarrier();\n  return scratch[0];",
      "scratch[invocation.index] = scratch[invocation.index + stride];\n    }\n  }\n  workgroupBarrier();\n  return scratch[0];",
      "portable"
    ]
  ]),
  ...inFile("lib/place.wgsl", [
    ["all teams take the rows of the first", "subgroupBroadcastFirst(team)", "0u"],
    [
      "a team of unknown size is taken for another",
      "lanes = subgroupAdd(1u);",
      "lanes = 2u * subgroupAdd(1u);",
      "varying"
    ],
    ["without subgroups teams overlap", "index / team_lanes, index %", "index / (2u * team_lanes), index %", "portable"]
  ]),
  ...inFile("lib/sequence.wgsl", [
    ["the position is one too high", "state[position_at]; }", "state[position_at] + 1u; }"]
  ]),
  ...inFile("staged/qkv_rope.wgsl", [
    ["the cache starts one float late", "Blob(0u, 0u), 0u, current", "Blob(0u, 0u), 1u, current"]
  ]),
  ...inFile("staged/gate_up.wgsl", [["the blob starts 16 bytes late", "Blob(0u, 0u)", "Blob(0u, 1u)"]]),
  ...inFile("fused.wgsl", [
    ["all layers have the cache of the first", "let cache_at = layer *", "let cache_at = 0u *", "fused"],
    [
      "the FFN's norm is the attention's",
      "rms_norm(workgroup, invocation, blob, ffn_norm);",
      "rms_norm(workgroup, invocation, blob, attention_norm);",
      "fused"
    ],
    ["a layer is left out", "layer < layers;", "layer + 1u < layers;", "fused"],
    ["the residual of the FFN is left out", "    down(workgroup, invocation, blob);\n", "", "fused"]
  ])
];

function inFile(path: string, list: [wrong: string, find: string, replace: string, on?: SubjectName][]): Mutation[] {
  return list.map(([wrong, find, replace, on = "staged"]) => ({path, wrong, find, replace, on}));
}
