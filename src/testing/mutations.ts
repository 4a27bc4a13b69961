/** One deliberate mistake in a kernel's source. */
export interface Mutation {
  /** File in `kernels/`. */
  path: string;
  /** What is then wrong. */
  wrong: string;
  find: string;
  replace: string;
  /** Where the kernel's part with the mistake has something to do: see mutants.ts. */
  on: SubjectName;
}

/**
 * The fixture phi3-tiny, `staged`, `fused` or with a layer in each dispatch (`chunked`), with all features or without
 * (`portable`), with an input that comes in pieces (`tiles`), with subgroups of a size not known before (`varying`),
 * with 16-bit activations (`packed`), by two workgroups that wait for each other (`grid`), and by two with 16-bit
 * activations in registers (`registers`); synthetic models: of shared KV heads and many positions (`long`), of layers
 * in three buffers (`split`) or in four, of which a dispatch binds those of its own (`layers`), with weights in float32 and in float16 and an input in pieces (`expanded`, `halves`), of
 * several tokens in a dispatch of one workgroup (`tokens`), and by two workgroups with token ids of more than 16 bits
 * (`wide`); a roll call of more workgroups than are resident (`crowd`); and by one workgroup in the recorded style
 * (`record`), with a row by itself and a scale for 32 weights (`scales`), with a word at a time (`words`), also from
 * workgroup memory and with the FFN in tiles (`record tiles`), with two loads under way (`loads`), and with queries, keys
 * and values in three passes (`passes`). `unfused` is the model of `long`, an operation a dispatch.
 */
export type SubjectName =
  | "staged"
  | "portable"
  | "fused"
  | "chunked"
  | "tiles"
  | "fused tiles"
  | "varying"
  | "packed"
  | "grid"
  | "registers"
  | "long"
  | "unfused"
  | "split"
  | "expanded"
  | "halves"
  | "layers"
  | "tokens"
  | "wide"
  | "crowd"
  | "record"
  | "scales"
  | "word by word"
  | "words"
  | "record tiles"
  | "loads"
  | "passes";

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
      "weight_element(matrix, token, row)",
      "weight_element(matrix, token, row ^ 1u)"
    ]
  ]),
  ...inFile("stages/rms_norm.wgsl", [
    ["the mean is over one element more", "/ f32(hidden) + epsilon", "/ f32(hidden + 1u) + epsilon"],
    ["epsilon is left out", "/ f32(hidden) + epsilon", "/ f32(hidden)", "long"],
    ["the weights are the next eight's", "weights_at / 8u + i)", "weights_at / 8u + (i ^ 1u))"]
  ]),
  ...inFile("stages/qkv_rope.wgsl", [
    ["the rotation has a sign wrong", "select(-other, other, is_second)", "select(other, -other, is_second)"],
    ["the rotation is that of the first position", "rotations[position * half_dim + mine]", "rotations[mine]"],
    ["the query is not scaled", "inverseSqrt(f32(head_dim))", "1.0"],
    ["the key is scaled too", "head_dim)), head < heads)", "head_dim)), head < heads + kv_heads)"],
    ["the first head of values is rotated as a key", "head >= heads + kv_heads", "head > heads + kv_heads"],
    ["the partner is oneself", "let partner = other_lane(dot, half_slots, invocation);", "let partner = dot;"]
  ]),
  ...inFile("stages/attention.wgsl", [
    [
      "the position itself is not attended to",
      "select(least, dots, at <= position)",
      "select(least, dots, at < position)"
    ],
    ["the position's own key is left out", "dots = dot_own_key(quarter);", ""],
    ["the position's own value is left out", "weight * head[2u * head_vectors + vector] +", ""],
    ["keys are all written to the first position", "cache[keys_at + position * stride + i]", "cache[keys_at + i]"],
    [
      "values are all written to the first position",
      "cache[values_at + position * stride + i]",
      "cache[values_at + i]"
    ],
    [
      "the values of all KV heads lie where those of the first do",
      "keys_at + context * stride;",
      "keys_at + context * stride - kv_head * head_vectors;",
      "long"
    ],
    [
      "the query heads share KV heads in turn, not side by side",
      "kv_head * shared_by + i",
      "i * kv_heads + kv_head",
      "long"
    ],
    [
      "half of the weights are not counted",
      "dot(low_weights + high_weights, vec4f(1.0))",
      "dot(low_weights, vec4f(1.0))"
    ],
    ["bands count as if they had the same largest score", "exp(band_largest[i] - most)", "1.0"],
    ["values of earlier chunks are not rescaled", "sum * rescale +", "sum +", "long"],
    ["the weights of earlier chunks are not rescaled", "total * rescale +", "total +", "long"],
    ["only the first chunk is attended to", "start <= position; start +=", "start < 1u; start +=", "long"]
  ]),
  ...inFile("stages/o_proj.wgsl", [
    ["the scales are one off", "+ o_scales,", "+ o_scales + 1u,"],
    ["two rows of a team change places", "set_residual(shown, row,", "set_residual(shown, row ^ 1u,"],
    ["the residual is not added", "before + dot", "dot"],
    ["the residual of several workgroups is not added", "before + dot", "dot", "grid"]
  ]),
  ...inFile("stages/gate_up.wgsl", [
    ["the sigmoid has its sign wrong", "x / (1.0 + exp(-x))", "x / (1.0 + exp(x))"],
    ["gate and up change places", "up * silu(dot)", "dot * silu(up)"],
    ["the ups are one row off", "Rows(gate, ffn + gate)", "Rows(gate, ffn + gate - 1u)"]
  ]),
  ...inFile("stages/down.wgsl", [
    ["the weights are 16 bytes off", "blob.start + down_words", "blob.start + down_words + 1u"],
    [
      "the residual bears the stamp of the layer before",
      "ffn_residual(), next_stamp)",
      "ffn_residual(), stamp)",
      "grid"
    ]
  ]),
  ...inFile("stages/lm_head.wgsl", [
    ["two logits of a team change places", "store_logit(row, dot)", "store_logit(row ^ 1u, dot)"],
    ["the last logit is not written", "row < vocabulary)", "row + 1u < vocabulary)"],
    ["the best token of a team is its first", "Candidate(dot, row)", "Candidate(dot, first)"],
    ["the best of a team is its last row's", "best = better_of(best, candidates[invocation.team]);", "", "wide"],
    [
      "the best of a workgroup is its last team's",
      "best = better_of(best, candidates[team])",
      "best = candidates[team]"
    ]
  ]),
  ...inFile("stages/argmax.wgsl", [
    [
      "it is the last best, not the best",
      "better_of(candidates[invocation.index], candidates[invocation.index + stride])",
      "candidates[invocation.index + stride]"
    ]
  ]),
  ...inFile("lib/activations.wgsl", [
    ["elements lie elsewhere than they are taken from", "+ element / 8u;", "+ element % (vector.length / 8u);"],
    ["an element is taken twice", "activations[at + 4u * stride]", "activations[at + 3u * stride]"],
    [
      "a word of another workgroup is taken twice",
      "atomicLoad(&activations[at + 3u * stride])",
      "atomicLoad(&activations[at + 2u * stride])",
      "grid"
    ],
    ["the stamp is not checked", "difference.w) & 0xffu)", "difference.w) & 0u)", "grid"],
    ["all exchanges have the same stamp", "1u + exchange % 255u", "1u", "grid"],
    ["memory starts with the first exchange's stamp", "1u + exchange % 255u", "exchange % 255u", "grid"],
    ["words bear another stamp than is waited for", "0xffffff00u) | stamp", "0xffffff00u) | (stamp ^ 1u)", "grid"],
    ["the lower half of a best token is lost", "((best.index & 0xffffu) << 8u)", "0u", "wide"],
    ["the upper half of a best token is lost", "((best.index >> 16u) << 8u)", "0u", "wide"],
    ["the upper half of a best logit is lost", "((bits >> 16u) << 8u)", "0u", "wide"],
    ["a wait in vain poisons nothing", "write_state(poison_at, 1u);", "", "crowd"]
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
    ],
    ["a float16 is always the lower half of its word", ">> (16u * (index & 1u))", ">> 0u"],
    [
      "the last of four loads is the third",
      "weight_word(matrix.slot, at + 3u)",
      "weight_word(matrix.slot, at + 2u)",
      "words"
    ],
    [
      "the high byte of an activation has no sign",
      "dot4I8Packed(even, columns.x)",
      "i32(dot4U8Packed(even, columns.x))",
      "packed"
    ],
    [
      "the low byte of an activation has a sign",
      "dot4U8Packed(even, columns.z)",
      "u32(dot4I8Packed(even, columns.z))",
      "packed"
    ]
  ]),
  ...inFile("lib/model.wgsl", [
    ["layers start where the first one does", "Blob(0u, layer * layer_vectors)", "Blob(0u, 0u)", "fused"],
    ["the third buffer is the second", "return weights_2[index];", "return weights_1[index];", "split"],
    [
      "the scales of the third buffer are the second's",
      "return weights_2[index >> 2u][index & 3u];",
      "return weights_1[index >> 2u][index & 3u];",
      "split"
    ]
  ]),
  ...inFile("lib/matvec.wgsl", [
    ["the tile's second four columns are its first", "tile[stride + group], sum);", "tile[group], sum);"],
    ["a team skips every second group", "tile_count; group += step", "tile_count; group += 2u * step"],
    ["the group's sum lacks a column in four", "four.x + four.y + four.z + four.w", "four.x + four.y + four.z"],
    [
      "every piece of the input is the first",
      "load_tile(input, first, tile_count",
      "load_tile(input, 0u, tile_count",
      "tiles"
    ],
    [
      "a piece of the input is not loaded again for the next rows",
      "if (fresh || groups > tile_groups) {\n      load_tile",
      "if (fresh) {\n      load_tile",
      "fused tiles"
    ],
    [
      "all workgroups take the units of the first",
      "* workgroup.count + workgroup.index;",
      "* workgroup.count;",
      "grid"
    ],
    [
      "several workgroups fold the norm's weights in twice",
      "eight.low * norms.low",
      "eight.low * norms.low * norms.low",
      "grid"
    ],
    [
      "several workgroups norm over one element more",
      "/ f32(hidden) + epsilon",
      "/ f32(hidden + 1u) + epsilon",
      "grid"
    ],
    ["several workgroups do not divide by the root", "sum *= norm_factor;", "", "grid"],
    ["the zero of the nibbles is another in integers", "-7.0 * sum", "-8.0 * sum", "packed"],
    ["the high byte of an activation is a bit too large", "(ac >> 8u) &", "(ac >> 7u) &", "packed"]
  ]),
  ...inFile("lib/columns_in_registers.wgsl", [
    [
      "all groups of a batch have the weights of the first",
      "      batch = without_group(batch, count);\n",
      "",
      "registers"
    ],
    ["squares are each lane's own", "team_add(vec4f(taken_squares), invocation).x", "taken_squares", "registers"],
    ["squares of earlier rows are counted again", "  taken_squares = 0.0;\n", "", "registers"],
    [
      "the norm's weights are folded in twice",
      "eight.low * norms.low",
      "eight.low * norms.low * norms.low",
      "registers"
    ],
    ["the zero of the nibbles is another in integers", "-7.0 * sum", "-8.0 * sum", "registers"],
    ["the scale overlooks eight of the columns", "max(largest_of(c), largest_of(d))", "largest_of(c)", "registers"]
  ]),
  ...inFile("lib/expanded.wgsl", [
    ["a vector of weights is taken for the next", "group_vectors + mine)", "group_vectors + (mine ^ 1u))", "expanded"],
    [
      "columns are those of the next vector",
      "(vector % 8u) * (tile_groups",
      "((vector ^ 1u) % 8u) * (tile_groups",
      "expanded"
    ],
    ["the group is that of half as many vectors", "vector / 8u]", "vector / 4u]", "expanded"],
    [
      "a team skips every second vector",
      "vector < end; vector += step",
      "vector < end; vector += 2u * step",
      "expanded"
    ],
    [
      "vectors after the last one count",
      "select(0.0, dot_columns(weights, min(mine, end - 1u)), mine < end)",
      "dot_columns(weights, min(mine, end - 1u))",
      "expanded"
    ],
    ["every piece of a row is its first", "(row * matrix.row_groups + first)", "(row * matrix.row_groups)", "expanded"],
    [
      "every piece of the input is the first",
      "load_tile(input, first, tile_count",
      "load_tile(input, 0u, tile_count",
      "halves"
    ],
    [
      "two halves change places",
      "vec4f(unpack2x16float(weights.x), unpack2x16float(weights.y))",
      "vec4f(unpack2x16float(weights.y), unpack2x16float(weights.x))",
      "halves"
    ],
    ["the upper four columns are the lower", "dot(high, tile[at + tile_groups + 1u])", "dot(high, tile[at])", "halves"]
  ]),
  ...inFile("lib/candidate.wgsl", [
    ["the lesser candidate is the better", "b.value > a.value ||", "b.value < a.value ||"]
  ]),
  ...inFile("lib/reduce.wgsl", [
    ["a team's sum is one lane's", "  return subgroupAdd(value);", "  return value;", "registers"],
    ["the rows' sums come from the wrong lane", "two.x, upper), 1u)", "two.x, upper), 2u)"],
    ["another lane is oneself", "subgroupShuffleXor(value, mask)", "value"],
    ["four invocations' sum is two's", "return pair + quadSwapY(pair);", "return pair;"],
    ["four invocations' maximum is two's", "return max(pair, quadSwapY(pair));", "return pair;", "packed"],
    ["a workgroup's sum is the last team's", "sum += scratch[team]", "sum = scratch[team]"],
    [
      "a team's sum loses what it had",
      "team_scratch[invocation.index] += team_scratch",
      "team_scratch[invocation.index] = team_scratch",
      "portable"
    ],
    ["another lane is oneself", "scratch[invocation.index ^ mask]", "scratch[invocation.index]", "portable"],
    ["all lanes get the sum of the first row", "low[invocation.lane % count]", "low.x", "portable"],
    ["four invocations' sum lacks the second's", "scratch[at] + scratch[at + 1u] +", "scratch[at] +", "portable"],
    [
      "a workgroup's sum loses what it had",
      " scratch[invocation.index] += scratch",
      " scratch[invocation.index] = scratch",
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
    [
      "the position is one too high",
      "uniform_state(position_at, invocation)",
      "uniform_state(position_at, invocation) + 1u"
    ],
    ["the first token after the prompt is not the chosen one", "next < read_state(", "next <= read_state("],
    ["the position does not move", "write_state(position_at, position + 1u);", ""],
    [
      "a dispatch starts with the first token",
      "Start(position, token_at(position)",
      "Start(position, token_at(0u)",
      "grid"
    ]
  ]),
  ...inFile("lib/sync.wgsl", [
    ["nobody answers the roll call", "atomicAdd(&state[arrivals_at], 1u);", "", "grid"],
    ["the roll call is over with the first answer", "< count &&", "< 1u &&", "crowd"]
  ]),
  ...inFile("record/matvec.wgsl", [
    [
      "neighbouring weights of a column are the same",
      "nibble_of(word, place % 8u)",
      "nibble_of(word, place % 8u / 2u)",
      "record"
    ],
    [
      "weights of a column are in another word",
      "4u * matrix.words + place / 8u",
      "4u * matrix.words + place / 4u",
      "record"
    ],
    [
      "all groups have the scales of the first",
      "matrix.scales + column / 32u * matrix_rows",
      "matrix.scales",
      "record"
    ],
    [
      "a team's invocations all have its first row",
      "if (busy) {\n    let row = row_of_slot(rows, count, invocation.lane %",
      "if (busy) {\n    let row = row_of_slot(rows, count, 0u *",
      "record"
    ],
    ["every word has the first eight activations", "4u * group + 2u, 0u)", "4u * group, 0u)", "words"],
    ["the zero of the nibbles is eight", "& 15u) - 7.0", "& 15u) - 8.0", "words"],
    [
      "all groups have the first one's scale",
      "group_scale_word(matrix, row, group)).x * products",
      "group_scale_word(matrix, row, 0u)).x * products",
      "words"
    ],
    [
      "the third of four weights is left out",
      "        + dot_nibble(matrix, row, group, column + 2u, input)\n",
      "",
      "scales"
    ],
    ["every word of a group is the first", "group) + eight);", "group));", "word by word"],
    [
      "the third of four weights of a word is left out",
      "          + dot_place(word, place + 2u, column + 2u, input)\n",
      "",
      "word by word"
    ],
    [
      "half of the weights are the other half",
      "dot_place(word, column % 8u,",
      "dot_place(word, column % 4u,",
      "scales"
    ],
    [
      "the third eight of a group are the second",
      "eight_of_tile(group, 2u)",
      "eight_of_tile(group, 1u)",
      "record tiles"
    ],
    [
      "every piece of the input meets the first weights",
      "group_words(matrix, row, first + group)",
      "group_words(matrix, row, group)",
      "record tiles"
    ],
    [
      "a piece of the input is not loaded again for the next rows",
      "if (fresh || groups > tile_groups)",
      "if (fresh)",
      "record tiles"
    ]
  ]),
  ...inFile("record/transpose.wgsl", [
    [
      "rows and columns do not change places",
      "place % tensor.rows * tensor.columns + place / tensor.rows",
      "place",
      "record"
    ],
    ["all elements of a word are its first", "source % in_word * tensor.bits, tensor.bits", "0u, tensor.bits", "record"]
  ]),
  ...inFile("record/loads.wgsl", [
    ["the second of two loads is not counted", "        dots += at_slot(dot_slot(other), slot + 1u);\n", "", "loads"],
    ["the second of two loads is the first", "group, slot + 1u, tile_count", "group, slot, tile_count", "loads"]
  ]),
  ...inFile("record/qkv_rope.wgsl", [
    ["values are left out", "heads + kv_heads, heads + 2u * kv_heads", "heads + kv_heads, heads + kv_heads", "passes"],
    ["every pass has the heads of queries", "let head = first + unit /", "let head = unit /", "passes"],
    ["the rotation is that of the first position", "rotations[position * half_dim + mine]", "rotations[mine]", "passes"]
  ]),
  ...inFile("record/ffn.wgsl", [
    [
      "every tile has the elements of the first",
      "Rows(first + element, ffn + first",
      "Rows(element, ffn",
      "record tiles"
    ],
    ["every tile has the scales of the first", "+ down_scales + group,", "+ down_scales,", "record tiles"],
    ["the last tile is as long as the others", "min(ffn_tile, ffn - first)", "ffn_tile", "record tiles"]
  ]),
  ...inFile("staged/embedding.wgsl", [
    ["it is always the first token's row", "token_at(current_position(invocation_index))", "token_at(0u)"]
  ]),
  ...inFile("staged/attention.wgsl", [
    ["the position is always the first", "0u, current_position(invocation_index)", "0u, 0u"]
  ]),
  ...inFile("staged/gate_up.wgsl", [["the blob starts 16 bytes late", "Blob(0u, 0u)", "Blob(0u, 1u)"]]),
  ...inFile("staged/argmax.wgsl", [
    ["it is the best of one workgroup", "argmax(invocation, bests", "argmax(invocation, 1u"]
  ]),
  ...mistakesIn("unfused", {
    "lib/product": [["two rows of a team change places", "put(output, row +", "put(output, (row ^ 1u) +"]],
    "unfused/query_product": [["the last rows are left out", "0u, heads * head_dim", "0u, heads * head_dim - 8u"]],
    "unfused/key_product": [
      ["the keys' rows are the queries'", "matrix, heads * head_dim,", "matrix, (heads - kv_heads) * head_dim,"]
    ],
    "unfused/value_product": [
      ["the values' rows are the keys'", "(heads + kv_heads) * head_dim,", "heads * head_dim,"]
    ],
    "unfused/rotate_queries": [["the position is the one before", "0u, heads, position", "0u, heads, position - 1u"]],
    "unfused/rotate_keys": [["one head is left alone", "heads, kv_heads, position", "heads, kv_heads - 1u, position"]],
    "unfused/append_cache": [
      ["keys are all written to the first position", "cache[position * stride + vector]", "cache[vector]"],
      ["values are the keys", "(heads + kv_heads) * head_dim + 4u", "heads * head_dim + 4u"]
    ],
    "unfused/scores": [
      ["the query heads share KV heads in turn", "query_head / (heads / kv_heads)", "query_head % kv_heads"],
      ["the position itself is not attended to", "at <= position", "at < position"],
      ["a quarter of the score is all of it", "score = quad_add(score, invocation);", ""]
    ],
    "unfused/softmax": [
      ["the weights are not divided by their sum", "activations[first + i] /= total", "activations[first + i] /= 1.0"],
      ["all heads have the scores of the first", "workgroup.index * context", "0u * context"]
    ],
    "unfused/weigh_values": [
      ["it is the keys that are summed", "cache[(context + i)", "cache[(i)"],
      ["the sum is one lane's", "sum = team_add(sum, invocation);", ""],
      ["the query heads share KV heads in turn", "query_head / (heads / kv_heads)", "query_head % kv_heads"]
    ],
    "unfused/o_product": [["the scales are one off", "o_words, o_scales,", "o_words, o_scales + 1u,"]],
    "unfused/add_attention": [
      ["the residual's first elements stay", "add_projected(workgroup", "add_projected(1u + workgroup"]
    ],
    "unfused/add_ffn": [
      ["the residual's first elements stay", "add_projected(workgroup", "add_projected(1u + workgroup"]
    ],
    "unfused/gate_product": [["the gates are the ups", "matrix, 0u, ffn", "matrix, ffn, ffn"]],
    "unfused/up_product": [["the ups are the gates", "matrix, ffn, ffn", "matrix, 0u, ffn"]],
    "unfused/silu": [["every second four elements have none", "gates.high[i] = silu(gates.high[i]);", ""]],
    "unfused/multiply": [["the ups are eight elements off", "ffn / 8u + eight,", "ffn / 8u - 1u + eight,"]],
    "unfused/down_product": [["the weights are 16 bytes off", "Matrix(0u, down_words", "Matrix(0u, down_words + 1u"]]
  }),
  ...inFile("fused.wgsl", [
    ["all layers have the cache of the first", "invocation, layer * kv_heads", "invocation, 0u * kv_heads", "fused"],
    [
      "the FFN's norm is the attention's",
      "rms_norm(workgroup, invocation, blob, ffn_norm);",
      "rms_norm(workgroup, invocation, blob, attention_norm);",
      "fused"
    ],
    ["a layer is left out", "layer < end;", "layer + 1u < end;", "fused"],
    ["every dispatch begins with the first layer", "var layer = first;", "var layer = 0u;", "chunked"],
    ["every dispatch of a token embeds it anew", "if (first == 0u) {", "if (first < layers) {", "chunked"],
    ["a dispatch runs one layer more than it should", "layer < end;", "layer < min(end + 1u, layers);", "chunked"],
    ["the next dispatch begins one layer late", "select(end, 0u,", "select(end + 1u, 0u,", "chunked"],
    ["the next token begins where the last one ended", "select(end, 0u, end == layers)", "end", "chunked"],
    ["a token is chosen before its last layer", "if (end == layers) {", "if (end > 0u) {", "chunked"],
    ["the residual of the FFN is left out", "    down(workgroup, invocation, blob, 0u, 0u);\n", "", "fused"]
  ]),
  ...inFile("fused_layers.wgsl", [
    [
      "a dispatch begins with the first layer of its first buffer",
      "layer_blob(layer - first + first % layers_per_slot)",
      "layer_blob(layer - first)",
      "layers"
    ],
    ["a dispatch begins in the cache of the first one", "(layer - first) * kv_heads", "layer * kv_heads", "layers"]
  ]),
  ...inFile("fused_tokens.wgsl", [
    ["a dispatch decodes one token only", "token < tokens;", "token < min(tokens, 1u);", "tokens"],
    ["all layers have the cache of the first", "invocation, layer * kv_heads", "invocation, 0u * kv_heads", "tokens"],
    [
      "all tokens of a dispatch are at the position of the first",
      "    let position = current_position(invocation_index);\n",
      "    let position = current_position(invocation_index) - token;\n",
      "tokens"
    ]
  ]),
  ...inFile("fused_grid.wgsl", [
    [
      "the tokens of a dispatch are all rotated as the first",
      "invocation, blob, position, stamp)",
      "invocation, blob, start.position, stamp)",
      "grid"
    ],
    [
      "the tokens of a dispatch are all at the position of the first",
      "* context, position, stamp)",
      "* context, start.position, stamp)",
      "grid"
    ],
    [
      "a dispatch decodes one token only",
      "start.position + start.tokens",
      "start.position + min(start.tokens, 1u)",
      "grid"
    ],
    ["the chosen token is not fed back", "token = next_token(", "let fed_back = next_token(", "grid"],
    [
      "a layer waits for the stamp of the one before",
      "stamp_of(exchange + layer + 1u)",
      "stamp_of(exchange + layer)",
      "grid"
    ],
    ["all layers have the cache of the first", "invocation, layer * kv_heads", "invocation, 0u * kv_heads", "grid"],
    ["the token is the best of one workgroup", "argmax(invocation, workgroup.count", "argmax(invocation, 1u", "wide"]
  ])
];

function inFile(path: string, list: [wrong: string, find: string, replace: string, on?: SubjectName][]): Mutation[] {
  return list.map(([wrong, find, replace, on = "staged"]) => ({path, wrong, find, replace, on}));
}

/** Mistakes of several files that the same subject shows. */
function mistakesIn(
  on: SubjectName,
  files: Record<string, [wrong: string, find: string, replace: string][]>
): Mutation[] {
  return Object.entries(files).flatMap(([file, list]) =>
    list.map(([wrong, find, replace]) => ({path: `${file}.wgsl`, wrong, find, replace, on}))
  );
}
