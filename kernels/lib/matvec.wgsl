// Rows of a quantised matrix times a vector of activations: the arithmetic of five of the nine stages.
//
// A team takes four rows at a time, its lanes take the groups of 32 columns in turn. The vector is first copied to
// workgroup memory, up to `tile_groups` groups at once, transposed so that neighbouring lanes read neighbouring
// vec4f: [8][groups + 1], where index 0 counts the
// group's columns by fours and the one spare column keeps the copy free of bank conflicts.

import package::lib::model::{activations, workgroup_size};
import package::lib::int4::{Matrix, dot_word, group_start, row_factor, group_words, group_scale};
import package::lib::place::Invocation;
import package::lib::reduce::team_add;

override tile_groups: u32;

var<workgroup> tile: array<vec4f, 8u * (tile_groups + 1u)>;
var<workgroup> tile_sums: array<f32, tile_groups>;

// Matrix · activations[from…] for the team's four `rows`, in lane 0 of each team. Every invocation of the workgroup
// calls it together. `fresh` is false where the tile already holds the whole vector from an earlier call.
fn dot_rows(matrix: Matrix, rows: vec4u, columns: u32, input: u32, fresh: bool, invocation: Invocation) -> vec4f {
  let groups = columns / 32u;
  var sums = vec4f(0.0);
  for (var first = 0u; first < groups; first += tile_groups) {
    let count = min(tile_groups, groups - first);
    if (fresh || groups > tile_groups) {
      load_tile(input + first * 32u, count, invocation);
    }
    sums += dot_tile(matrix, rows, first, count, invocation);
  }
  return row_factor * team_add(sums, invocation);
}

fn load_tile(input: u32, count: u32, invocation: Invocation) {
  workgroupBarrier();
  for (var i = invocation.index; i < 8u * count; i += workgroup_size) {
    let at = input + 4u * i;
    tile[(i % 8u) * (tile_groups + 1u) + i / 8u] =
      vec4f(activations[at], activations[at + 1u], activations[at + 2u], activations[at + 3u]);
  }
  workgroupBarrier();
  for (var group = invocation.index; group < count; group += workgroup_size) {
    var sum = vec4f(0.0);
    for (var four = 0u; four < 8u; four++) {
      sum += tile[four * (tile_groups + 1u) + group];
    }
    tile_sums[group] = sum.x + sum.y + sum.z + sum.w;
  }
  workgroupBarrier();
}

fn dot_tile(matrix: Matrix, rows: vec4u, first: u32, count: u32, invocation: Invocation) -> vec4f {
  var sums = vec4f(0.0);
  for (var group = invocation.lane; group < count; group += invocation.lanes) {
    let at = first + group;
    let words_0 = group_words(matrix, rows.x, at);
    let words_1 = group_words(matrix, rows.y, at);
    let words_2 = group_words(matrix, rows.z, at);
    let words_3 = group_words(matrix, rows.w, at);
    let scales = vec4f(
      group_scale(matrix, rows.x, at),
      group_scale(matrix, rows.y, at),
      group_scale(matrix, rows.z, at),
      group_scale(matrix, rows.w, at));
    var dots = vec4f(group_start(tile_sums[group]));
    dots = dot_words(vec4u(words_0.x, words_1.x, words_2.x, words_3.x), 0u, group, dots);
    dots = dot_words(vec4u(words_0.y, words_1.y, words_2.y, words_3.y), 2u, group, dots);
    dots = dot_words(vec4u(words_0.z, words_1.z, words_2.z, words_3.z), 4u, group, dots);
    dots = dot_words(vec4u(words_0.w, words_1.w, words_2.w, words_3.w), 6u, group, dots);
    sums = fma(scales, dots, sums);
  }
  return sums;
}

// Adds eight columns of four rows: columns 4 · four to 4 · four + 7 of the group.
fn dot_words(words: vec4u, four: u32, group: u32, starts: vec4f) -> vec4f {
  let low = tile[four * (tile_groups + 1u) + group];
  let high = tile[(four + 1u) * (tile_groups + 1u) + group];
  return vec4f(
    dot_word(words.x, low, high, starts.x),
    dot_word(words.y, low, high, starts.y),
    dot_word(words.z, low, high, starts.z),
    dot_word(words.w, low, high, starts.w));
}
