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
@if(slots_2 || slots_3) import package::lib::model::ends_slot;
import package::lib::activations::{take_eight, Vector, Eight};
import package::lib::int4::{Matrix, group_words, group_scale_word};
@if(slots_2 || slots_3) import package::lib::int4::in_slot;
@if(!packed) import package::lib::int4::{dot_word, group_start, row_factor};
@if(packed) import package::lib::int4::packed_dot_word;
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::{team_add_rows, quad_add};
@if(packed) import package::lib::reduce::quad_max;
@if(grid) import package::lib::reduce::{leave_part, total_of_parts};
@if(grid) import package::stages::rms_norm::norm_weights;
@if(!grid) import package::lib::activations::normed_at;
@if(registers) import package::lib::columns_in_registers::dot_rows_in_registers;
@if(record) import package::record::matvec::dot_row_alone;
@if(loads) import package::record::loads::{dot_with_loads, loads_under_way};
@if(float16_weights || float32_weights) import package::lib::expanded::dot_rows_expanded;

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

// Slots for the rows of a team: six rows have those of eight, of which number 3 and number 7 stay empty.
fn slots_of(count: u32) -> u32 {
  return select(count, 8u, count == 6u);
}

// Slots of a lane that are under way together. Eight of them in float32, or in workgroups of 1024, would take more
// registers than a lane has; eight rows take them anyway.
@if(!loads)
fn under_way(count: u32) -> u32 {
  if (slots_of(count) == 8u) { return 8u; }
  @if(packed) { if (workgroup_size <= 512u) { return 8u; } }
  return 4u;
}

@if(loads)
fn under_way(count: u32) -> u32 {
  return loads_under_way(count);
}

fn row_of_slot(rows: Rows, count: u32, slot: u32) -> u32 {
  let half = max(slots_of(count) / 2u, 1u);
  return select(rows.second + slot - half, rows.first + slot, slot < half);
}

// Matrix · input for one of the `count` (1, 2, 4, 6 or 8) `rows`: that of slot `lane % slots_of(count)`. Every
// invocation of the workgroup calls it together; a team that is not `busy` only helps to copy. `fresh` is false where
// the tile already holds the whole vector from an earlier call.
//
// Where workgroups wait for each other the first weights are under way before the wait, and arrive during it; not in
// float32, whose tile takes the registers.
@if(!registers && !record && !float16_weights && !float32_weights)
fn dot_rows(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  let groups = input.vector.length / 32u;
  let step = under_way(count) / count * invocation.lanes;
  @if(grid && packed) var ahead: Batch;
  @if(grid && packed) {
    if (busy) { ahead = load_batch(matrix, rows, count, 0u, invocation.lane, min(tile_groups, groups), invocation); }
  }
  var sums = Eight(vec4f(0.0), vec4f(0.0));
  for (var first = 0u; first < groups; first += tile_groups) {
    let tile_count = min(tile_groups, groups - first);
    if (fresh || groups > tile_groups) {
      load_tile(input, first, tile_count, invocation);
      @if(grid) {
        if (input.normed) { norm_factor = inverseSqrt(total_of_parts(invocation) / f32(hidden) + epsilon); }
      }
    }
    if (busy) {
      var group = invocation.lane;
      @if(grid && packed) {
        if (first == 0u) {
          sums = dot_batch(ahead, count, sums);
          group += step;
        }
      }
      for (; group < tile_count; group += step) {
        @if(!loads)
        sums = dot_batch(load_batch(matrix, rows, count, first, group, tile_count, invocation), count, sums);
        @if(loads)
        sums = dot_with_loads(matrix, rows, count, first, group, tile_count, sums, invocation);
      }
    }
  }
  var sum = team_add_rows(sums, slots_of(count), invocation);
  @if(!packed) { sum *= row_factor; }
  @if(grid) { if (input.normed) { sum *= norm_factor; } }
  return sum;
}

@if(registers)
fn dot_rows(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  return dot_rows_in_registers(matrix, rows, count, input, fresh, busy, invocation);
}

@if(record)
fn dot_rows(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  return dot_row_alone(matrix, rows, count, input, fresh, busy, invocation);
}

@if(float16_weights || float32_weights)
fn dot_rows(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  return dot_rows_expanded(matrix, rows, count, input, fresh, busy, invocation);
}

// Of the input's elements this invocation took.
@if(grid) var<private> squares: f32;
@if(grid) var<private> norm_factor: f32;

fn load_tile(input: Input, first: u32, count: u32, invocation: Invocation) {
  @if(grid) { if (first == 0u) { squares = 0.0; } }
  // The tile may still be in use; and what this workgroup waits for, it must have done its own part of.
  workgroupBarrier();
  for (var start = 0u; start < 4u * count; start += workgroup_size) {
    // The last teams come first: where there are fewer rows than teams, they have no weights under way.
    let unit = start + workgroup_size - (invocation.team + 1u) * invocation.lanes + invocation.lane;
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
  // Added to this, a number below 2²² is rounded to an integer that stands in the lowest bits.
  let rounder = vec4f(12582912.0);
  let low = bitcast<vec4u>(fma(eight.low, vec4f(factor), rounder));
  let high = bitcast<vec4u>(fma(eight.high, vec4f(factor), rounder));
  let sums = low + high;
  let sum = quad_add(f32(bitcast<i32>(sums.x + sums.y + sums.z + sums.w - 8u * 0x4b400000u)), invocation);
  if (inside) {
    let group = unit / 4u;
    let even = bytes_of(low.x, low.z, high.x, high.z);
    let odd = bytes_of(low.y, low.w, high.y, high.w);
    tile[(unit % 4u) * (tile_groups + 1u) + group] = vec4u(even.x, odd.x, even.y, odd.y);
    if (unit % 4u == 0u) { tile_scales[group] = vec2f(largest / 32767.0, -7.0 * sum); }
  }
}

// The second bytes and the first bytes of four words.
@if(packed)
fn bytes_of(a: u32, b: u32, c: u32, d: u32) -> vec2u {
  let ac = (a & 0xffffu) | (c << 16u);
  let bd = (b & 0xffffu) | (d << 16u);
  return vec2u(((ac >> 8u) & 0xff00ffu) | (bd & 0xff00ff00u), (ac & 0xff00ffu) | ((bd & 0xff00ffu) << 8u));
}

// Up to eight (row, group) slots, which are under way together: all rows of a group, of as many groups as that takes.
struct Batch {
  low: Slots,
  high: Slots,
}

struct Slots {
  a: Slot,
  b: Slot,
  c: Slot,
  d: Slot,
}

// A group of a row: its nibbles, its scale as a float16, 0 where there is no such group, and its number in the tile.
struct Slot {
  words: vec4u,
  scale: u32,
  group: u32,
}

@if(!slots_2 && !slots_3)
fn load_batch(
  matrix: Matrix, rows: Rows, count: u32, first: u32, group: u32, tile_count: u32, invocation: Invocation
) -> Batch {
  return load_batch_of(matrix, rows, count, first, group, tile_count, invocation);
}

// Which buffer a layer is in, is asked once for a batch: asked before each load, it would keep them from being under way
// together.
@if(slots_2 || slots_3)
fn load_batch(
  matrix: Matrix, rows: Rows, count: u32, first: u32, group: u32, tile_count: u32, invocation: Invocation
) -> Batch {
  if (matrix.slot == 0u) { return load_batch_of(in_slot(matrix, 0u), rows, count, first, group, tile_count, invocation); }
  if (matrix.slot == 1u) { return load_batch_of(in_slot(matrix, 1u), rows, count, first, group, tile_count, invocation); }
  @if(slots_3) {
    if (matrix.slot == 2u) { return load_batch_of(in_slot(matrix, 2u), rows, count, first, group, tile_count, invocation); }
  }
  return load_batch_of(in_slot(matrix, ends_slot), rows, count, first, group, tile_count, invocation);
}

fn load_batch_of(
  matrix: Matrix, rows: Rows, count: u32, first: u32, group: u32, tile_count: u32, invocation: Invocation
) -> Batch {
  var batch: Batch;
  batch.low = load_slots(matrix, rows, count, first, group, 0u, tile_count, invocation);
  if (under_way(count) > 4u) { batch.high = load_slots(matrix, rows, count, first, group, 4u, tile_count, invocation); }
  return batch;
}

fn load_slots(
  matrix: Matrix, rows: Rows, count: u32, first: u32, group: u32, slot: u32, tile_count: u32, invocation: Invocation
) -> Slots {
  var last = Slot(vec4u(0u), 0u, 0u);
  if (count != 6u) { last = load_slot(matrix, rows, count, first, group, slot + 3u, tile_count, invocation); }
  return Slots(
    load_slot(matrix, rows, count, first, group, slot, tile_count, invocation),
    load_slot(matrix, rows, count, first, group, slot + 1u, tile_count, invocation),
    load_slot(matrix, rows, count, first, group, slot + 2u, tile_count, invocation), last);
}

fn load_slot(
  matrix: Matrix, rows: Rows, count: u32, first: u32, group: u32, slot: u32, tile_count: u32, invocation: Invocation
) -> Slot {
  let row = row_of_slot(rows, count, slot % slots_of(count));
  let mine = group + slot / slots_of(count) * invocation.lanes;
  // A branch around the loads would keep them from being under way together.
  let inside = min(mine, tile_count - 1u);
  let scale = group_scale_word(matrix, row, first + inside);
  return Slot(group_words(matrix, row, first + inside), select(0u, scale, mine < tile_count), inside);
}

fn dot_batch(batch: Batch, count: u32, sums: Eight) -> Eight {
  var total = Eight(sums.low + dot_slots(batch.low, count), sums.high);
  if (under_way(count) > 4u) { total.high += dot_slots(batch.high, count); }
  return total;
}

fn dot_slots(slots: Slots, count: u32) -> vec4f {
  var last = 0.0;
  if (count != 6u) { last = dot_slot(slots.d); }
  return vec4f(dot_slot(slots.a), dot_slot(slots.b), dot_slot(slots.c), last);
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
