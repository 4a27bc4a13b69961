// Four-bit weights of the q4f16_1 layout: a row of a matrix is `columns / 32` groups, a group is one vec4u of 32
// nibbles (element 0 lowest) and one float16 scale, and a weight is (nibble − 7) · scale.
//
// In float32 (`dot_word`), the nibbles become floats without a conversion: moved to bits 19 to 22 of a float32 whose
// exponent is zero, the nibble n reads as 1 + n/16. With f = 1 + n/16, Σ (n − 7) x = 16 (Σ f x − 23/16 Σ x), and Σ x is
// known per group.
//
// In integers (`packed_dot_word`), activations are 16-bit: x = (256 h + l) · s with int8 h, uint8 l and one scale s for
// each group of 32, so that two packed dot products give Σ n x of four columns. Sums of a group stay below 2²⁴: exact.

import package::lib::model::{weight_vector, weight_word};

// Where a quantised matrix lies: its buffer, the vec4u index of its nibbles, the float16 index of its scales.
struct Matrix {
  slot: u32,
  words: u32,
  scales: u32,
  row_groups: u32,
}

// The same in a slot that is then a constant.
@if(slots_2 || slots_3)
fn in_slot(matrix: Matrix, slot: u32) -> Matrix {
  return Matrix(slot, matrix.words, matrix.scales, matrix.row_groups);
}

// What to start the sum of f · x from, given the group's Σ x.
fn group_start(sum: f32) -> f32 {
  return -1.4375 * sum;
}

// What turns a row's Σ scale · (Σ f x − 23/16 Σ x) into its dot product.
const row_factor = 16.0;

fn one_and_sixteenths(word: u32) -> f32 {
  return bitcast<f32>((word & 0x780000u) | 0x3f800000u);
}

// start + Σ f x over the eight nibbles of `word`.
fn dot_word(word: u32, low: vec4f, high: vec4f, start: f32) -> f32 {
  var sum = fma(one_and_sixteenths(word << 19u), low.x, start);
  sum = fma(one_and_sixteenths(word << 15u), low.y, sum);
  sum = fma(one_and_sixteenths(word << 11u), low.z, sum);
  sum = fma(one_and_sixteenths(word << 7u), low.w, sum);
  sum = fma(one_and_sixteenths(word << 3u), high.x, sum);
  sum = fma(one_and_sixteenths(word >> 1u), high.y, sum);
  sum = fma(one_and_sixteenths(word >> 5u), high.z, sum);
  return fma(one_and_sixteenths(word >> 9u), high.w, sum);
}

// h and l of eight columns against the eight nibbles of `word`: `columns` has h of the even columns, h of the odd, l of
// the even, l of the odd.
@if(packed)
fn packed_dot_word(word: u32, columns: vec4u, sums: vec2i) -> vec2i {
  let even = word & 0x0f0f0f0fu;
  let odd = (word >> 4u) & 0x0f0f0f0fu;
  return vec2i(
    sums.x + dot4I8Packed(even, columns.x) + dot4I8Packed(odd, columns.y),
    sums.y + i32(dot4U8Packed(even, columns.z) + dot4U8Packed(odd, columns.w)));
}

@if(!scalar_loads)
fn group_words(matrix: Matrix, row: u32, group: u32) -> vec4u {
  return weight_vector(matrix.slot, matrix.words + row * matrix.row_groups + group);
}

// The same in four loads of four bytes, to compare it with.
@if(scalar_loads)
fn group_words(matrix: Matrix, row: u32, group: u32) -> vec4u {
  let at = 4u * (matrix.words + row * matrix.row_groups + group);
  return vec4u(
    weight_word(matrix.slot, at), weight_word(matrix.slot, at + 1u),
    weight_word(matrix.slot, at + 2u), weight_word(matrix.slot, at + 3u));
}

// A group's scale, a float16 in the lower half of a word.
fn group_scale_word(matrix: Matrix, row: u32, group: u32) -> u32 {
  let index = matrix.scales + row * matrix.row_groups + group;
  return weight_word(matrix.slot, index >> 1u) >> (16u * (index & 1u));
}

// One weight, exactly.
fn weight_element(matrix: Matrix, row: u32, column: u32) -> f32 {
  let word = weight_word(matrix.slot, matrix.words * 4u + row * matrix.row_groups * 4u + column / 8u);
  let nibble = (word >> (4u * (column % 8u))) & 15u;
  return (f32(nibble) - 7.0) * unpack2x16float(group_scale_word(matrix, row, column / 32u)).x;
}
