// Rows of a quantised matrix times a vector of activations: the arithmetic of five of the nine stages.
//
// A team takes `team_rows` rows at a time, its lanes take the groups of 32 columns in turn. The vector is first copied to
// workgroup memory, up to `tile_groups` groups at once, transposed so that neighbouring lanes read neighbouring
// vec4f: [8][groups + 1], where index 0 counts the
// group's columns by fours and the one spare column keeps the copy free of bank conflicts.

import package::lib::model::{activations, workgroup_size};
import package::lib::int4::{Matrix, dot_word, group_start, row_factor, group_words, group_scale};
import package::lib::place::Invocation;
import package::lib::reduce::team_add;

override tile_groups: u32;

// Rows a team computes together: 1, 2 or 4, and not 1 where rows come in pairs. More share each loaded activation;
// fewer make more workgroups.
override team_rows: u32;

var<workgroup> tile: array<vec4f, 8u * (tile_groups + 1u)>;
var<workgroup> tile_sums: array<f32, tile_groups>;

// Matrix · activations[input…] for the first `team_rows` of `rows`, in lane 0 of each team. Every invocation of the workgroup
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
    var words_1 = vec4u(0u);
    var words_2 = vec4u(0u);
    var words_3 = vec4u(0u);
    var scales = vec4f(group_scale(matrix, rows.x, at), 0.0, 0.0, 0.0);
    if (team_rows > 1u) {
      words_1 = group_words(matrix, rows.y, at);
      scales.y = group_scale(matrix, rows.y, at);
    }
    if (team_rows > 2u) {
      words_2 = group_words(matrix, rows.z, at);
      words_3 = group_words(matrix, rows.w, at);
      scales.z = group_scale(matrix, rows.z, at);
      scales.w = group_scale(matrix, rows.w, at);
    }
    var dots = vec4f(group_start(tile_sums[group]));
    dots = dot_words(vec4u(words_0.x, words_1.x, words_2.x, words_3.x), 0u, group, dots);
    dots = dot_words(vec4u(words_0.y, words_1.y, words_2.y, words_3.y), 2u, group, dots);
    dots = dot_words(vec4u(words_0.z, words_1.z, words_2.z, words_3.z), 4u, group, dots);
    dots = dot_words(vec4u(words_0.w, words_1.w, words_2.w, words_3.w), 6u, group, dots);
    sums = fma(scales, dots, sums);
  }
  return sums;
}

// Adds eight columns of the team's rows: columns 4 · four to 4 · four + 7 of the group.
fn dot_words(words: vec4u, four: u32, group: u32, starts: vec4f) -> vec4f {
  let low = tile[four * (tile_groups + 1u) + group];
  let high = tile[(four + 1u) * (tile_groups + 1u) + group];
  var dots = starts;
  dots.x = dot_word(words.x, low, high, dots.x);
  if (team_rows > 1u) { dots.y = dot_word(words.y, low, high, dots.y); }
  if (team_rows > 2u) {
    dots.z = dot_word(words.z, low, high, dots.z);
    dots.w = dot_word(words.w, low, high, dots.w);
  }
  return dots;
}

// Two rows and their two partners, or one of each with two rows a team: rows.xy and their partners in the order that
// `pair_dots` gives back.
fn pair_rows(first: u32, partner: u32) -> vec4u {
  if (team_rows == 2u) { return vec4u(first, partner, first, partner); }
  return vec4u(first, first + 1u, partner, partner + 1u);
}

// (first row, its partner, second row, its partner); with two rows a team there is no second.
fn pair_dots(dots: vec4f) -> vec4f {
  if (team_rows == 2u) { return dots; }
  return dots.xzyw;
}
