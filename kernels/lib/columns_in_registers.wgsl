// Rows of a quantised matrix times a vector of activations without workgroup memory: what lib/matvec.wgsl does where
// several workgroups share a dispatch, in another way to compare it with.
//
// A lane takes the 32 columns of each of its groups itself, where other workgroups left them, and keeps them in
// registers while it multiplies the group's rows. So every team takes the whole vector, for every unit anew. What came
// once is still there: whoever writes a word again has waited for what each workgroup handed on at a later stage, and
// each has by then passed that stage's barrier, with all its invocations.

import package::lib::model::{hidden, epsilon};
import package::lib::activations::{take_eight, Eight};
import package::lib::int4::Matrix;
@if(!packed) import package::lib::int4::{dot_word, group_start, row_factor};
@if(packed) import package::lib::int4::packed_dot_word;
import package::lib::matvec::{load_batch, slots_of, under_way, Batch, Input, Rows, Slot, Slots};
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

// Σ x² of all that this lane took.
var<private> taken_squares: f32;

// As dot_rows. The first weights are under way before the wait.
fn dot_rows_in_registers(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  let groups = input.vector.length / 32u;
  let step = under_way(count) / count * invocation.lanes;
  var batch: Batch;
  if (busy) { batch = load_batch(matrix, rows, count, 0u, invocation.lane, groups, invocation); }
  // What this workgroup waits for, it must have done its own part of.
  if (fresh) { workgroupBarrier(); }
  var sums = Eight(vec4f(0.0), vec4f(0.0));
  taken_squares = 0.0;
  for (var first = invocation.lane; busy && first < groups; first += step) {
    if (first != invocation.lane) { batch = load_batch(matrix, rows, count, 0u, first, groups, invocation); }
    for (var group = first; group < min(first + step, groups); group += invocation.lanes) {
      sums = add_group(batch, count, take_columns(input, group), sums);
      batch = without_group(batch, count);
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

// Adds the products of all rows with the first group of a batch.
fn add_group(batch: Batch, count: u32, columns: Columns, sums: Eight) -> Eight {
  var more = Eight(vec4f(0.0), vec4f(0.0));
  more.low.x = multiply_slot(batch.low.a, columns);
  if (count >= 2u) { more.low.y = multiply_slot(batch.low.b, columns); }
  if (count >= 4u) { more.low.z = multiply_slot(batch.low.c, columns); }
  if (count == 4u || count == 8u) { more.low.w = multiply_slot(batch.low.d, columns); }
  if (count >= 6u) {
    more.high.x = multiply_slot(batch.high.a, columns);
    more.high.y = multiply_slot(batch.high.b, columns);
    more.high.z = multiply_slot(batch.high.c, columns);
  }
  if (count == 8u) { more.high.w = multiply_slot(batch.high.d, columns); }
  return Eight(sums.low + more.low, sums.high + more.high);
}

fn multiply_slot(slot: Slot, columns: Columns) -> f32 {
  return unpack2x16float(slot.scale).x * dot_columns(slot.words, columns);
}

// A batch that begins with its second group. Its last slots are of no use then, nor is all of it after the last group.
fn without_group(batch: Batch, count: u32) -> Batch {
  let low = batch.low;
  let high = batch.high;
  if (count == 1u) { return Batch(Slots(low.b, low.c, low.d, high.a), Slots(high.b, high.c, high.d, high.d)); }
  if (count == 2u) { return Batch(Slots(low.c, low.d, high.a, high.b), Slots(high.c, high.d, high.c, high.d)); }
  return Batch(high, high);
}

fn take_columns(input: Input, group: u32) -> Columns {
  let a = take_normed(input, 4u * group);
  let b = take_normed(input, 4u * group + 1u);
  let c = take_normed(input, 4u * group + 2u);
  let d = take_normed(input, 4u * group + 3u);
  return columns_of(a, b, c, d);
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
fn columns_of(a: Eight, b: Eight, c: Eight, d: Eight) -> Columns {
  let four = a.low + a.high + b.low + b.high + c.low + c.high + d.low + d.high;
  return Columns(a, b, c, d, four.x + four.y + four.z + four.w);
}

@if(packed)
fn columns_of(a: Eight, b: Eight, c: Eight, d: Eight) -> Columns {
  let four = max(max(largest_of(a), largest_of(b)), max(largest_of(c), largest_of(d)));
  let largest = max(max(four.x, four.y), max(four.z, four.w));
  let factor = select(0.0, 32767.0 / largest, largest > 0.0);
  let first = round_eight(a, factor);
  let second = round_eight(b, factor);
  let third = round_eight(c, factor);
  let last = round_eight(d, factor);
  let sum = f32(first.sum + second.sum + third.sum + last.sum);
  return Columns(first.bytes, second.bytes, third.bytes, last.bytes, vec2f(largest / 32767.0, -7.0 * sum));
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
fn dot_columns(words: vec4u, columns: Columns) -> f32 {
  var sum = group_start(columns.sum);
  sum = dot_word(words.x, columns.a.low, columns.a.high, sum);
  sum = dot_word(words.y, columns.b.low, columns.b.high, sum);
  sum = dot_word(words.z, columns.c.low, columns.c.high, sum);
  return dot_word(words.w, columns.d.low, columns.d.high, sum);
}

@if(packed)
fn dot_columns(words: vec4u, columns: Columns) -> f32 {
  var sums = packed_dot_word(words.x, columns.a, vec2i(0));
  sums = packed_dot_word(words.y, columns.b, sums);
  sums = packed_dot_word(words.z, columns.c, sums);
  sums = packed_dot_word(words.w, columns.d, sums);
  return (f32(256 * sums.x + sums.y) + columns.scale.y) * columns.scale.x;
}
