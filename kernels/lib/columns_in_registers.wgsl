// Rows of a quantised matrix times a vector of activations without workgroup memory: what lib/matvec.wgsl does where
// several workgroups share a dispatch, in another way to compare it with.
//
// A lane takes the 32 columns of each of its groups itself, where other workgroups left them, and keeps them in
// registers while it multiplies the group's rows. So every team takes the whole vector, for every unit anew: what came
// once stays, since words are written again only after all workgroups have passed the barrier of a later matrix.

import package::lib::model::{hidden, epsilon};
import package::lib::activations::{take_eight, Eight};
import package::lib::int4::Matrix;
@if(!packed) import package::lib::int4::{dot_word, group_start, row_factor};
@if(packed) import package::lib::int4::packed_dot_word;
import package::lib::matvec::{load_batch, slots_of, Batch, Input, Rows, Slot, Slots};
@if(packed) import package::lib::matvec::bytes_of;
import package::lib::place::Invocation;
import package::lib::reduce::{team_add, team_add_rows};
import package::stages::rms_norm::norm_weights;

// 32 activations, and their sum; or, `packed`, what packed_dot_word takes of each eight, the scale and −7 Σ (256 h + l).
@if(!packed)
struct Columns {
  a: Eight,
  b: Eight,
  c: Eight,
  d: Eight,
  sum: f32,
}

@if(packed)
struct Columns {
  a: vec4u,
  b: vec4u,
  c: vec4u,
  d: vec4u,
  scale: vec2f,
}

// Those of the group that this lane multiplies, and Σ x² of all that it took.
var<private> columns: Columns;
var<private> taken_squares: f32;

// As dot_rows. The first weights are under way before the wait.
fn dot_rows_in_registers(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  let groups = input.vector.length / 32u;
  let step = 8u / count * invocation.lanes;
  var batch: Batch;
  if (busy) { batch = load_batch(matrix, rows, count, 0u, invocation.lane, groups, invocation); }
  // What this workgroup waits for, it must have done its own part of.
  if (fresh) { workgroupBarrier(); }
  var sums = Eight(vec4f(0.0), vec4f(0.0));
  taken_squares = 0.0;
  if (busy) {
    sums = multiply_batch(batch, count, input, invocation.lane, invocation, sums);
    for (var group = invocation.lane + step; group < groups; group += step) {
      batch = load_batch(matrix, rows, count, 0u, group, groups, invocation);
      sums = multiply_batch(batch, count, input, group, invocation, sums);
    }
  }
  var sum = team_add_rows(sums, slots_of(count), invocation);
  @if(!packed) { sum *= row_factor; }
  if (input.normed) {
    let squares = team_add(vec4f(taken_squares), invocation).x;
    sum *= inverseSqrt(squares / f32(hidden) + epsilon);
  }
  return sum;
}

fn multiply_batch(
  batch: Batch, count: u32, input: Input, group: u32, invocation: Invocation, sums: Eight
) -> Eight {
  let low = multiply_slots(batch.low, 0u, count, input, group, invocation);
  let high = multiply_slots(batch.high, 4u, count, input, group, invocation);
  return Eight(sums.low + low, sums.high + high);
}

fn multiply_slots(
  slots: Slots, first: u32, count: u32, input: Input, group: u32, invocation: Invocation
) -> vec4f {
  let a = multiply_slot(slots.a, first, count, input, group, invocation);
  let b = multiply_slot(slots.b, first + 1u, count, input, group, invocation);
  let c = multiply_slot(slots.c, first + 2u, count, input, group, invocation);
  var d = 0.0;
  if (count != 6u) { d = multiply_slot(slots.d, first + 3u, count, input, group, invocation); }
  return vec4f(a, b, c, d);
}

// Slots of one group follow each other: the first of them takes the columns.
fn multiply_slot(
  slot: Slot, number: u32, count: u32, input: Input, group: u32, invocation: Invocation
) -> f32 {
  if (number % slots_of(count) == 0u) {
    let mine = group + number / slots_of(count) * invocation.lanes;
    // Where there is no such group the slot's scale is 0, and the columns stay what they are.
    if (mine < input.vector.length / 32u) { take_columns(input, mine); }
  }
  return unpack2x16float(slot.scale).x * dot_columns(slot.words);
}

fn take_columns(input: Input, group: u32) {
  let a = take_normed(input, 4u * group);
  let b = take_normed(input, 4u * group + 1u);
  let c = take_normed(input, 4u * group + 2u);
  let d = take_normed(input, 4u * group + 3u);
  set_columns(a, b, c, d);
}

// Eight columns, multiplied with the norm's weights.
fn take_normed(input: Input, unit: u32) -> Eight {
  let eight = take_eight(input.vector, unit, input.stamp);
  if (!input.normed) { return eight; }
  taken_squares += dot(eight.low, eight.low) + dot(eight.high, eight.high);
  let norms = norm_weights(input.norm_slot, input.norm_vector + unit);
  return Eight(eight.low * norms.low, eight.high * norms.high);
}

@if(!packed)
fn set_columns(a: Eight, b: Eight, c: Eight, d: Eight) {
  let four = a.low + a.high + b.low + b.high + c.low + c.high + d.low + d.high;
  columns = Columns(a, b, c, d, four.x + four.y + four.z + four.w);
}

@if(packed)
fn set_columns(a: Eight, b: Eight, c: Eight, d: Eight) {
  let four = max(max(largest_of(a), largest_of(b)), max(largest_of(c), largest_of(d)));
  let largest = max(max(four.x, four.y), max(four.z, four.w));
  let factor = select(0.0, 32767.0 / largest, largest > 0.0);
  let first = round_eight(a, factor);
  let second = round_eight(b, factor);
  let third = round_eight(c, factor);
  let last = round_eight(d, factor);
  let sum = f32(first.sum + second.sum + third.sum + last.sum);
  columns = Columns(first.bytes, second.bytes, third.bytes, last.bytes, vec2f(largest / 32767.0, -7.0 * sum));
}

@if(packed)
fn largest_of(eight: Eight) -> vec4f {
  return max(abs(eight.low), abs(eight.high));
}

// Eight columns as packed_dot_word takes them, and Σ (256 h + l).
@if(packed)
struct Rounded {
  bytes: vec4u,
  sum: i32,
}

@if(packed)
fn round_eight(eight: Eight, factor: f32) -> Rounded {
  // Added to this, a number below 2²² is rounded to an integer that stands in the lowest bits.
  let rounder = vec4f(12582912.0);
  let low = bitcast<vec4u>(fma(eight.low, vec4f(factor), rounder));
  let high = bitcast<vec4u>(fma(eight.high, vec4f(factor), rounder));
  let sums = low + high;
  let even = bytes_of(low.x, low.z, high.x, high.z);
  let odd = bytes_of(low.y, low.w, high.y, high.w);
  return Rounded(
    vec4u(even.x, odd.x, even.y, odd.y), bitcast<i32>(sums.x + sums.y + sums.z + sums.w - 8u * 0x4b400000u));
}

@if(!packed)
fn dot_columns(words: vec4u) -> f32 {
  var sum = group_start(columns.sum);
  sum = dot_word(words.x, columns.a.low, columns.a.high, sum);
  sum = dot_word(words.y, columns.b.low, columns.b.high, sum);
  sum = dot_word(words.z, columns.c.low, columns.c.high, sum);
  return dot_word(words.w, columns.d.low, columns.d.high, sum);
}

@if(packed)
fn dot_columns(words: vec4u) -> f32 {
  var sums = packed_dot_word(words.x, columns.a, vec2i(0));
  sums = packed_dot_word(words.y, columns.b, sums);
  sums = packed_dot_word(words.z, columns.c, sums);
  sums = packed_dot_word(words.w, columns.d, sums);
  return (f32(256 * sums.x + sums.y) + columns.scale.y) * columns.scale.x;
}
