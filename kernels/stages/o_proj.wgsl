// residual[hidden] += W attended.

import package::lib::model::{hidden, Blob};
import package::lib::activations::{own_residual, set_residual, attended_vector, attention_residual, Vector};
@if(!grid) import package::lib::activations::{take_eight, put_eight, projected_vector, residual_at, Eight};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, plain_input, rows_from, units_together, dealt_unit, Input};
import package::lib::place::{Workgroup, Invocation};

override o_words: u32;
override o_scales: u32;
// Rows of a team, where they are elements of the residual: 1, 2, 4 or 8.
override residual_rows: u32;

fn o_proj(workgroup: Workgroup, invocation: Invocation, blob: Blob, stamp: u32) {
  let input = plain_input(attended_vector(), stamp);
  let matrix = Matrix(blob.slot, blob.start + o_words, blob.start * 8u + o_scales, input.vector.length / 32u);
  add_rows(workgroup, invocation, matrix, input, attention_residual(), stamp);
}

// residual += matrix · input, shown as `shown`. What the residual was is read before the wait for the input, by those who
// own it: a word that others write meanwhile, only an atomic lets one read, and what it was is of no use then.
fn add_rows(
  workgroup: Workgroup, invocation: Invocation, matrix: Matrix, input: Input, shown: Vector, stamp: u32
) {
  let units = hidden / residual_rows;
  for (var start = 0u; start < units; start += units_together(workgroup)) {
    let unit = start + dealt_unit(workgroup, invocation);
    let row = unit * residual_rows + invocation.lane;
    @if(grid) let before = own_residual(min(row, hidden - 1u));
    @if(!grid) var before = 0.0;
    @if(!grid) if (invocation.lane < residual_rows && unit < units) { before = own_residual(row); }
    let rows = rows_from(unit * residual_rows, residual_rows);
    let dot = dot_rows(matrix, rows, residual_rows, input, start == 0u, unit < units, invocation);
    if (invocation.lane < residual_rows && unit < units) { set_residual(shown, row, before + dot, stamp); }
  }
}

// The addition alone: elements 8 · eight to 8 · eight + 7 of the residual, plus a product computed before.
@if(!grid)
fn add_projected(eight: u32) {
  if (eight >= hidden / 8u) { return; }
  let residual = Vector(residual_at, hidden);
  let before = take_eight(residual, eight, 0u);
  let added = take_eight(projected_vector(), eight, 0u);
  put_eight(residual, eight, Eight(before.low + added.low, before.high + added.high));
}
