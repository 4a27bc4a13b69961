// Rows of a matrix of floats times a vector of activations: what lib/matvec.wgsl does with weights that were expanded
// beforehand, `float32_weights` or `float16_weights`.
//
// A row is `row_groups` groups of 32 weights without scales, eight vectors of 16 bytes in float32 and four in float16.
// The lanes of a team take a row's vectors in turn, so that neighbouring lanes read neighbouring bytes. Activations are
// in the same tile as with int4. In float32 a weight takes a multiply-add and nothing else; in float16, two of them take
// one unpack2x16float besides.

import package::lib::model::weight_vector;
@if(slots_2 || slots_3) import package::lib::model::ends_slot;
import package::lib::activations::Eight;
import package::lib::int4::Matrix;
@if(slots_2 || slots_3) import package::lib::int4::in_slot;
import package::lib::matvec::{load_tile, row_of_slot, slots_of, tile, tile_groups, Input, Rows};
import package::lib::place::Invocation;
import package::lib::reduce::team_add_rows;

// Vectors of 16 bytes in a group.
@if(float32_weights) const group_vectors = 8u;
@if(float16_weights) const group_vectors = 4u;

// As dot_rows of lib/matvec.wgsl. Eight slots of a lane are under way together, and a slot is a row and a vector of it:
// all rows of a vector, of as many vectors as that takes. A lane holds the activations of a vector, four or eight of
// them, where int4 has the 32 of a group: that leaves registers for so many loads.
fn dot_rows_expanded(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  let groups = input.vector.length / 32u;
  let step = 8u / slots_of(count) * invocation.lanes;
  var sums = Eight(vec4f(0.0), vec4f(0.0));
  for (var first = 0u; first < groups; first += tile_groups) {
    let tile_count = min(tile_groups, groups - first);
    if (fresh || groups > tile_groups) { load_tile(input, first, tile_count, invocation); }
    if (busy) {
      let end = group_vectors * tile_count;
      for (var vector = invocation.lane; vector < end; vector += step) {
        let eight = load_eight_slots(matrix, rows, count, first, vector, end, invocation);
        sums.low += dot_four_slots(eight.low, count, vector, 0u, end, invocation);
        sums.high += dot_four_slots(eight.high, count, vector, 4u, end, invocation);
      }
    }
  }
  return team_add_rows(sums, slots_of(count), invocation);
}

struct FourVectors {
  a: vec4u,
  b: vec4u,
  c: vec4u,
  d: vec4u,
}

struct EightVectors {
  low: FourVectors,
  high: FourVectors,
}

@if(!slots_2 && !slots_3)
fn load_eight_slots(
  matrix: Matrix, rows: Rows, count: u32, first: u32, vector: u32, end: u32, invocation: Invocation
) -> EightVectors {
  return load_eight_of(matrix, rows, count, first, vector, end, invocation);
}

// As load_batch of lib/matvec.wgsl.
@if(slots_2 || slots_3)
fn load_eight_slots(
  matrix: Matrix, rows: Rows, count: u32, first: u32, vector: u32, end: u32, invocation: Invocation
) -> EightVectors {
  if (matrix.slot == 0u) { return load_eight_of(in_slot(matrix, 0u), rows, count, first, vector, end, invocation); }
  if (matrix.slot == 1u) { return load_eight_of(in_slot(matrix, 1u), rows, count, first, vector, end, invocation); }
  @if(slots_3) {
    if (matrix.slot == 2u) { return load_eight_of(in_slot(matrix, 2u), rows, count, first, vector, end, invocation); }
  }
  return load_eight_of(in_slot(matrix, ends_slot), rows, count, first, vector, end, invocation);
}

fn load_eight_of(
  matrix: Matrix, rows: Rows, count: u32, first: u32, vector: u32, end: u32, invocation: Invocation
) -> EightVectors {
  return EightVectors(
    load_four_slots(matrix, rows, count, first, vector, 0u, end, invocation),
    load_four_slots(matrix, rows, count, first, vector, 4u, end, invocation));
}

fn load_four_slots(
  matrix: Matrix, rows: Rows, count: u32, first: u32, vector: u32, slot: u32, end: u32, invocation: Invocation
) -> FourVectors {
  var last = vec4u(0u);
  if (count != 6u) { last = load_vector(matrix, rows, count, first, vector, slot + 3u, end, invocation); }
  return FourVectors(
    load_vector(matrix, rows, count, first, vector, slot, end, invocation),
    load_vector(matrix, rows, count, first, vector, slot + 1u, end, invocation),
    load_vector(matrix, rows, count, first, vector, slot + 2u, end, invocation), last);
}

// Which vector of the tile's part of a row a slot has.
fn vector_of_slot(count: u32, vector: u32, slot: u32, invocation: Invocation) -> u32 {
  return vector + slot / slots_of(count) * invocation.lanes;
}

fn load_vector(
  matrix: Matrix, rows: Rows, count: u32, first: u32, vector: u32, slot: u32, end: u32, invocation: Invocation
) -> vec4u {
  let row = row_of_slot(rows, count, slot % slots_of(count));
  // A branch around the load would keep it from being under way with the others.
  let mine = min(vector_of_slot(count, vector, slot, invocation), end - 1u);
  return weight_vector(matrix.slot, matrix.words + (row * matrix.row_groups + first) * group_vectors + mine);
}

fn dot_four_slots(
  four: FourVectors, count: u32, vector: u32, slot: u32, end: u32, invocation: Invocation
) -> vec4f {
  var last = 0.0;
  if (count != 6u) { last = dot_vector(four.d, count, vector, slot + 3u, end, invocation); }
  return vec4f(
    dot_vector(four.a, count, vector, slot, end, invocation),
    dot_vector(four.b, count, vector, slot + 1u, end, invocation),
    dot_vector(four.c, count, vector, slot + 2u, end, invocation), last);
}

fn dot_vector(weights: vec4u, count: u32, vector: u32, slot: u32, end: u32, invocation: Invocation) -> f32 {
  let mine = vector_of_slot(count, vector, slot, invocation);
  return select(0.0, dot_columns(weights, min(mine, end - 1u)), mine < end);
}

@if(float32_weights)
fn dot_columns(weights: vec4u, vector: u32) -> f32 {
  return dot(bitcast<vec4f>(weights), tile[(vector % 8u) * (tile_groups + 1u) + vector / 8u]);
}

@if(float16_weights)
fn dot_columns(weights: vec4u, vector: u32) -> f32 {
  let at = (vector % 4u) * 2u * (tile_groups + 1u) + vector / 4u;
  let low = vec4f(unpack2x16float(weights.x), unpack2x16float(weights.y));
  let high = vec4f(unpack2x16float(weights.z), unpack2x16float(weights.w));
  return dot(low, tile[at]) + dot(high, tile[at + tile_groups + 1u]);
}
