// residual[hidden] += W attended.

import package::lib::model::{hidden, Blob};
import package::lib::activations::{add_residual, attended_vector, attention_residual, Vector};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, plain_input, count_rounds, deal_unit, Input};
import package::lib::place::{Workgroup, Invocation};

override o_words: u32;
override o_scales: u32;
// Rows of a team, where they are elements of the residual: 1, 2 or 4.
override residual_rows: u32;

fn o_proj(workgroup: Workgroup, invocation: Invocation, blob: Blob, stamp: u32) {
  let input = plain_input(attended_vector(), stamp);
  let matrix = Matrix(blob.slot, blob.start + o_words, blob.start * 8u + o_scales, input.vector.length / 32u);
  add_rows(workgroup, invocation, matrix, input, attention_residual(), stamp);
}

// residual += matrix · input, shown as `shown`.
fn add_rows(
  workgroup: Workgroup, invocation: Invocation, matrix: Matrix, input: Input, shown: Vector, stamp: u32
) {
  let units = hidden / residual_rows;
  for (var round = 0u; round < count_rounds(units, workgroup); round++) {
    let unit = deal_unit(round, workgroup, invocation);
    let row = unit * residual_rows;
    let rows = row + vec4u(0u, 1u, 2u, 3u);
    let dots = dot_rows(matrix, rows, residual_rows, input, round == 0u, unit < units, invocation);
    if (invocation.lane == 0u && unit < units) {
      for (var i = 0u; i < residual_rows; i++) { add_residual(shown, row + i, dots[i], stamp); }
    }
  }
}
