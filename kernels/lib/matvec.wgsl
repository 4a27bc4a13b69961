// Rows of a quantised matrix times a vector of activations: the arithmetic of five of the nine stages.
//
// A team takes up to eight rows at a time, its lanes take the groups of 32 columns in turn. The vector is first copied
// to workgroup memory, up to `tile_groups` groups at once, each invocation taking eight columns.
//
// Tile: [8][groups + 1] vec4f, where the first index counts a group's columns by fours; or, `packed`, [4][groups + 1]
// vec4u of what packed_dot_word takes, the first index counting the columns by eights. Neighbouring lanes read
// neighbouring vectors, and the spare column keeps the copy free of bank conflicts.

import package::lib::model::{workgroup_size, hidden, Blob};
@if(grid) import package::lib::model::epsilon;
import package::lib::activations::{take_eight, Vector, Eight};
import package::lib::int4::{Matrix, group_words, group_scale_word};
@if(!packed) import package::lib::int4::{dot_word, group_start, row_factor};
@if(packed) import package::lib::int4::packed_dot_word;
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::{team_add_rows, quad_add};
@if(packed) import package::lib::reduce::quad_max;
@if(grid) import package::lib::reduce::{leave_part, total_of_parts};
@if(grid) import package::stages::rms_norm::norm_weights;
@if(!grid) import package::lib::activations::normed_at;

override tile_groups: u32;

@if(!packed) var<workgroup> tile: array<vec4f, 8u * (tile_groups + 1u)>;
@if(packed) var<workgroup> tile: array<vec4u, 4u * (tile_groups + 1u)>;
// Of each group: Σ x; or, `packed`, the scale and −7 Σ (256 h + l).
@if(!packed) var<workgroup> tile_sums: array<f32, tile_groups>;
@if(packed) var<workgroup> tile_scales: array<vec2f, tile_groups>;

// A vector of activations with the stamp its words will have, and the norm's weights to multiply it with on the way in.
struct Input {
  vector: Vector,
  stamp: u32,
  normed: bool,
  norm_slot: u32,
  norm_vector: u32,
}

fn plain_input(vector: Vector, stamp: u32) -> Input {
  return Input(vector, stamp, false, 0u, 0u);
}

// The residual, normed. Several workgroups each norm it for themselves, which saves an exchange; one workgroup, or a
// dispatch for each stage, has `rms_norm` do it.
@if(grid)
fn normed_input(residual: Vector, blob: Blob, norm: u32, stamp: u32) -> Input {
  return Input(residual, stamp, true, blob.slot, blob.start + norm / 8u);
}

@if(!grid)
fn normed_input(residual: Vector, blob: Blob, norm: u32, stamp: u32) -> Input {
  return plain_input(Vector(normed_at, hidden), stamp);
}

// Units that all teams together compute in a round, and which of them a team has: units are dealt to the workgroups
// like cards, so that all have the same number of teams at work.
fn units_together(workgroup: Workgroup) -> u32 {
  return workgroup.teams * workgroup.count;
}

fn dealt_unit(workgroup: Workgroup, invocation: Invocation) -> u32 {
  return invocation.team * workgroup.count + workgroup.index;
}

// Rows of a matrix that a team computes together: half of them from `first` on, the other half from `second` on.
struct Rows {
  first: u32,
  second: u32,
}

fn rows_from(first: u32, count: u32) -> Rows {
  return Rows(first, first + count / 2u);
}

fn nth_row(rows: Rows, count: u32, n: u32) -> u32 {
  return select(rows.second + n - count / 2u, rows.first + n, n < max(count / 2u, 1u));
}

// Matrix · input for one of the `count` (1, 2, 4 or 8) `rows`: number `lane % count`. Every invocation of the workgroup
// calls it together; a team that is not `busy` only helps to copy. `fresh` is false where the tile already holds the
// whole vector from an earlier call.
fn dot_rows(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  let groups = input.vector.length / 32u;
  var sums = Eight(vec4f(0.0), vec4f(0.0));
  for (var first = 0u; first < groups; first += tile_groups) {
    let tile_count = min(tile_groups, groups - first);
    if (fresh || groups > tile_groups) {
      load_tile(input, first, tile_count, invocation);
    }
    if (busy) { sums = dot_tile(matrix, rows, count, first, tile_count, sums, invocation); }
  }
  var sum = team_add_rows(sums, count, invocation);
  @if(!packed) { sum *= row_factor; }
  @if(grid) {
    if (input.normed) {
      if (fresh || groups > tile_groups) {
        norm_factor = inverseSqrt(total_of_parts(invocation) / f32(hidden) + epsilon);
      }
      sum *= norm_factor;
    }
  }
  return sum;
}

// Of the input's elements this invocation took.
@if(grid) var<private> squares: f32;
@if(grid) var<private> norm_factor: f32;

fn load_tile(input: Input, first: u32, count: u32, invocation: Invocation) {
  @if(grid) { if (first == 0u) { squares = 0.0; } }
  // The tile may still be in use; and what this workgroup waits for, it must have done its own part of.
  workgroupBarrier();
  for (var start = 0u; start < 4u * count; start += workgroup_size) {
    let unit = start + invocation.team * invocation.lanes + invocation.lane;
    let inside = unit < 4u * count;
    var eight = Eight(vec4f(0.0), vec4f(0.0));
    if (inside) {
      @if(grid) var norms: Eight;
      @if(grid) { if (input.normed) { norms = norm_weights(input.norm_slot, input.norm_vector + 4u * first + unit); } }
      eight = take_eight(input.vector, 4u * first + unit, input.stamp);
      @if(grid) {
        if (input.normed) {
          squares += dot(eight.low, eight.low) + dot(eight.high, eight.high);
          eight = Eight(eight.low * norms.low, eight.high * norms.high);
        }
      }
    }
    fill_tile(eight, unit, inside, invocation);
  }
  @if(grid) { leave_part(squares, invocation); }
  workgroupBarrier();
}

@if(!packed)
fn fill_tile(eight: Eight, unit: u32, inside: bool, invocation: Invocation) {
  let four = eight.low + eight.high;
  let sum = quad_add(four.x + four.y + four.z + four.w, invocation);
  if (inside) {
    let group = unit / 4u;
    tile[(unit % 4u) * 2u * (tile_groups + 1u) + group] = eight.low;
    tile[((unit % 4u) * 2u + 1u) * (tile_groups + 1u) + group] = eight.high;
    if (unit % 4u == 0u) { tile_sums[group] = sum; }
  }
}

@if(packed)
fn fill_tile(eight: Eight, unit: u32, inside: bool, invocation: Invocation) {
  let four = max(abs(eight.low), abs(eight.high));
  let largest = quad_max(max(max(four.x, four.y), max(four.z, four.w)), invocation);
  let factor = select(0.0, 32767.0 / largest, largest > 0.0);
  let low = vec4i(round(eight.low * factor));
  let high = vec4i(round(eight.high * factor));
  let sums = low + high;
  let sum = quad_add(f32(sums.x + sums.y + sums.z + sums.w), invocation);
  if (inside) {
    let group = unit / 4u;
    let even = vec4i(low.x, low.z, high.x, high.z);
    let odd = vec4i(low.y, low.w, high.y, high.w);
    tile[(unit % 4u) * (tile_groups + 1u) + group] = vec4u(
      pack4xI8(even >> vec4u(8u)), pack4xI8(odd >> vec4u(8u)), pack4xU8(vec4u(even)), pack4xU8(vec4u(odd)));
    if (unit % 4u == 0u) { tile_scales[group] = vec2f(largest / 32767.0, -7.0 * sum); }
  }
}

// Adds the products of a tile. Four (row, group) slots are under way, eight for eight rows: all rows of a group, of as
// many groups as that takes.
fn dot_tile(
  matrix: Matrix, rows: Rows, count: u32, first: u32, tile_count: u32, sums: Eight, invocation: Invocation
) -> Eight {
  var total = sums;
  let step = max(4u / count, 1u) * invocation.lanes;
  for (var group = invocation.lane; group < tile_count; group += step) {
    let low = load_slots(matrix, rows, count, first, group, 0u, tile_count, invocation);
    if (count == 8u) {
      let high = load_slots(matrix, rows, count, first, group, 4u, tile_count, invocation);
      total.low += dot_slots(low);
      total.high += dot_slots(high);
    } else {
      total.low += dot_slots(low);
    }
  }
  return total;
}

// A group of a row: its nibbles, its scale as a float16, 0 where there is no such group, and its number in the tile.
struct Slot {
  words: vec4u,
  scale: u32,
  group: u32,
}

struct Slots {
  a: Slot,
  b: Slot,
  c: Slot,
  d: Slot,
}

fn load_slots(
  matrix: Matrix, rows: Rows, count: u32, first: u32, group: u32, slot: u32, tile_count: u32, invocation: Invocation
) -> Slots {
  return Slots(
    load_slot(matrix, rows, count, first, group, slot, tile_count, invocation),
    load_slot(matrix, rows, count, first, group, slot + 1u, tile_count, invocation),
    load_slot(matrix, rows, count, first, group, slot + 2u, tile_count, invocation),
    load_slot(matrix, rows, count, first, group, slot + 3u, tile_count, invocation));
}

fn load_slot(
  matrix: Matrix, rows: Rows, count: u32, first: u32, group: u32, slot: u32, tile_count: u32, invocation: Invocation
) -> Slot {
  let row = nth_row(rows, count, slot % count);
  let mine = group + slot / count * invocation.lanes;
  // A branch around the loads would keep them from being under way together.
  let inside = min(mine, tile_count - 1u);
  let scale = group_scale_word(matrix, row, first + inside);
  return Slot(group_words(matrix, row, first + inside), select(0u, scale, mine < tile_count), inside);
}

fn dot_slots(slots: Slots) -> vec4f {
  return vec4f(dot_slot(slots.a), dot_slot(slots.b), dot_slot(slots.c), dot_slot(slots.d));
}

fn dot_slot(slot: Slot) -> f32 {
  return unpack2x16float(slot.scale).x * dot_group(slot.words, slot.group);
}

@if(!packed)
fn dot_group(words: vec4u, group: u32) -> f32 {
  let stride = tile_groups + 1u;
  var sum = group_start(tile_sums[group]);
  sum = dot_word(words.x, tile[group], tile[stride + group], sum);
  sum = dot_word(words.y, tile[2u * stride + group], tile[3u * stride + group], sum);
  sum = dot_word(words.z, tile[4u * stride + group], tile[5u * stride + group], sum);
  return dot_word(words.w, tile[6u * stride + group], tile[7u * stride + group], sum);
}

@if(packed)
fn dot_group(words: vec4u, group: u32) -> f32 {
  let stride = tile_groups + 1u;
  var sums = packed_dot_word(words.x, tile[group], vec2i(0));
  sums = packed_dot_word(words.y, tile[stride + group], sums);
  sums = packed_dot_word(words.z, tile[2u * stride + group], sums);
  sums = packed_dot_word(words.w, tile[3u * stride + group], sums);
  let scale = tile_scales[group];
  return (f32(256 * sums.x + sums.y) + scale.y) * scale.x;
}
