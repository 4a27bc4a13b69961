// A row of a quantised matrix times a vector of activations, by one invocation alone: how the recorded kernels did it,
// and the first steps away from it. lib/matvec.wgsl has a team share its rows instead.
//
// A team is four invocations here, with four rows, so that slot `lane` of the team is the row of that invocation, and
// the stages stay as they are. In the recorded order a matrix is [column][row], a column's weights first: neighbouring
// invocations read neighbouring nibbles, and each invocation strides by a whole column from one weight to the next.
// Otherwise it is [row][column], as q4f16_1 has it. The activations come from the storage buffer, or with `record_tile`
// from workgroup memory.

@if(!record_tile) import package::lib::activations::{take_eight, word_of};
import package::lib::activations::Eight;
@if(!record_tile) import package::lib::int4::weight_element;
import package::lib::int4::{Matrix, group_words, group_scale_word};
@if(record_tile) import package::lib::int4::row_factor;
import package::lib::matvec::{row_of_slot, slots_of, Input, Rows};
@if(record_tile) import package::lib::matvec::{dot_group, load_tile, tile, tile_groups};
@if(!record_tile) import package::lib::model::{activations, weight_word};
import package::lib::place::Invocation;

// Whether each weight is loaded by itself, whether each has its scale loaded too, and whether matrices are
// [column][row].
@if(!record_tile) override single_weights: bool;
@if(!record_tile) override single_scales: bool;
@if(!record_tile) override column_order: bool;
// Whether a loop takes four weights at a time, and whether the words of a group and the eight of each need none.
@if(!record_tile) override four_at_a_time: bool;
@if(!record_tile) override written_out: bool;
// Whether nibbles are converted to floats one by one, or put among a float's bits as lib/int4.wgsl does.
@if(record_tile) override converted: bool;

// As dot_rows.
@if(!record_tile)
fn dot_row_alone(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  var sum = 0.0;
  if (busy) {
    let row = row_of_slot(rows, count, invocation.lane % slots_of(count));
    if (single_scales) { sum = dot_weights(matrix, row, input); } else { sum = dot_groups(matrix, row, input); }
  }
  return sum;
}

@if(!record_tile)
fn dot_weights(matrix: Matrix, row: u32, input: Input) -> f32 {
  let matrix_rows = rows_of(matrix);
  var sum = 0.0;
  for (var column = 0u; column < input.vector.length; column += select(1u, 4u, four_at_a_time)) {
    sum += dot_weight(matrix, matrix_rows, row, column, input);
    if (four_at_a_time) {
      sum += dot_weight(matrix, matrix_rows, row, column + 1u, input)
        + dot_weight(matrix, matrix_rows, row, column + 2u, input)
        + dot_weight(matrix, matrix_rows, row, column + 3u, input);
    }
  }
  return sum;
}

@if(!record_tile)
fn dot_weight(matrix: Matrix, matrix_rows: u32, row: u32, column: u32, input: Input) -> f32 {
  var weight: f32;
  if (column_order) {
    weight = weight_in_column_order(matrix, matrix_rows, row, column);
  } else {
    weight = weight_element(matrix, row, column);
  }
  return activations[word_of(input.vector, column)] * weight;
}

// A matrix's scales lie right behind its weights, so the distance between them is the size of the weights.
@if(!record_tile)
fn rows_of(matrix: Matrix) -> u32 {
  return (matrix.scales - 8u * matrix.words) / (8u * matrix.row_groups);
}

@if(!record_tile)
fn weight_in_column_order(matrix: Matrix, matrix_rows: u32, row: u32, column: u32) -> f32 {
  let place = column * matrix_rows + row;
  let word = weight_word(matrix.slot, 4u * matrix.words + place / 8u);
  let scale_at = matrix.scales + column / 32u * matrix_rows + row;
  let scale = weight_word(matrix.slot, scale_at / 2u) >> (16u * (scale_at % 2u));
  return nibble_of(word, place % 8u) * unpack2x16float(scale).x;
}

// A scale for each group of 32 weights.
@if(!record_tile)
fn dot_groups(matrix: Matrix, row: u32, input: Input) -> f32 {
  var sum = 0.0;
  for (var group = 0u; group < input.vector.length / 32u; group++) {
    var products: f32;
    if (single_weights) {
      products = dot_nibbles(matrix, row, group, input);
    } else if (written_out) {
      products = dot_words(matrix, row, group, input);
    } else {
      products = dot_word_by_word(matrix, row, group, input);
    }
    sum += unpack2x16float(group_scale_word(matrix, row, group)).x * products;
  }
  return sum;
}

// The 32 weights of a group without their scale, a load for each.
@if(!record_tile)
fn dot_nibbles(matrix: Matrix, row: u32, group: u32, input: Input) -> f32 {
  var sum = 0.0;
  for (var column = 0u; column < 32u; column += select(1u, 4u, four_at_a_time)) {
    sum += dot_nibble(matrix, row, group, column, input);
    if (four_at_a_time) {
      sum += dot_nibble(matrix, row, group, column + 1u, input)
        + dot_nibble(matrix, row, group, column + 2u, input)
        + dot_nibble(matrix, row, group, column + 3u, input);
    }
  }
  return sum;
}

@if(!record_tile)
fn dot_nibble(matrix: Matrix, row: u32, group: u32, column: u32, input: Input) -> f32 {
  let word = weight_word(matrix.slot, 4u * (matrix.words + row * matrix.row_groups + group) + column / 8u);
  return dot_place(word, column % 8u, 32u * group + column, input);
}

// The same, a load for each eight.
@if(!record_tile)
fn dot_word_by_word(matrix: Matrix, row: u32, group: u32, input: Input) -> f32 {
  var sum = 0.0;
  for (var eight = 0u; eight < 4u; eight++) {
    let word = weight_word(matrix.slot, 4u * (matrix.words + row * matrix.row_groups + group) + eight);
    for (var place = 0u; place < 8u; place += select(1u, 4u, four_at_a_time)) {
      let column = 32u * group + 8u * eight + place;
      sum += dot_place(word, place, column, input);
      if (four_at_a_time) {
        sum += dot_place(word, place + 1u, column + 1u, input)
          + dot_place(word, place + 2u, column + 2u, input)
          + dot_place(word, place + 3u, column + 3u, input);
      }
    }
  }
  return sum;
}

@if(!record_tile)
fn dot_place(word: u32, place: u32, column: u32, input: Input) -> f32 {
  return activations[word_of(input.vector, column)] * nibble_of(word, place);
}

// The same, without the loops.
@if(!record_tile)
fn dot_words(matrix: Matrix, row: u32, group: u32, input: Input) -> f32 {
  let words = group_words(matrix, row, group);
  return dot_eight(words.x, take_eight(input.vector, 4u * group, 0u))
    + dot_eight(words.y, take_eight(input.vector, 4u * group + 1u, 0u))
    + dot_eight(words.z, take_eight(input.vector, 4u * group + 2u, 0u))
    + dot_eight(words.w, take_eight(input.vector, 4u * group + 3u, 0u));
}

fn dot_eight(word: u32, eight: Eight) -> f32 {
  let low = vec4f(nibble_of(word, 0u), nibble_of(word, 1u), nibble_of(word, 2u), nibble_of(word, 3u));
  let high = vec4f(nibble_of(word, 4u), nibble_of(word, 5u), nibble_of(word, 6u), nibble_of(word, 7u));
  return dot(low, eight.low) + dot(high, eight.high);
}

// A weight without its scale.
fn nibble_of(word: u32, place: u32) -> f32 {
  return f32((word >> (4u * place)) & 15u) - 7.0;
}

@if(record_tile)
fn dot_row_alone(
  matrix: Matrix, rows: Rows, count: u32, input: Input, fresh: bool, busy: bool, invocation: Invocation
) -> f32 {
  let row = row_of_slot(rows, count, invocation.lane % slots_of(count));
  let groups = input.vector.length / 32u;
  var sum = 0.0;
  for (var first = 0u; first < groups; first += tile_groups) {
    let tile_count = min(tile_groups, groups - first);
    if (fresh || groups > tile_groups) { load_tile(input, first, tile_count, invocation); }
    if (busy) {
      for (var group = 0u; group < tile_count; group++) {
        let words = group_words(matrix, row, first + group);
        let scale = unpack2x16float(group_scale_word(matrix, row, first + group)).x;
        if (converted) {
          sum += scale * dot_converted(words, group);
        } else {
          sum += row_factor * scale * dot_group(words, group);
        }
      }
    }
  }
  return sum;
}

@if(record_tile)
fn dot_converted(words: vec4u, group: u32) -> f32 {
  return dot_eight(words.x, eight_of_tile(group, 0u))
    + dot_eight(words.y, eight_of_tile(group, 1u))
    + dot_eight(words.z, eight_of_tile(group, 2u))
    + dot_eight(words.w, eight_of_tile(group, 3u));
}

@if(record_tile)
fn eight_of_tile(group: u32, eight: u32) -> Eight {
  let stride = tile_groups + 1u;
  return Eight(tile[2u * eight * stride + group], tile[(2u * eight + 1u) * stride + group]);
}
