// residual[hidden] = row `token` of the embedding.
//
// Elements are dealt to teams as the rows of `o_proj` and `down` are, which add to them.

import package::lib::model::{hidden, Blob};
import package::lib::activations::{set_residual, ffn_residual};
import package::lib::int4::{Matrix, weight_element};
import package::lib::matvec::{units_together, dealt_unit};
import package::lib::place::{Workgroup, Invocation};
import package::stages::o_proj::residual_rows;

override embedding_words: u32;
override embedding_scales: u32;

fn embedding(workgroup: Workgroup, invocation: Invocation, ends: Blob, token: u32, stamp: u32) {
  let matrix = Matrix(ends.slot, ends.start + embedding_words, ends.start * 8u + embedding_scales, hidden / 32u);
  let units = hidden / residual_rows;
  for (var unit = dealt_unit(workgroup, invocation); unit < units; unit += units_together(workgroup)) {
    if (invocation.lane < residual_rows) {
      let row = unit * residual_rows + invocation.lane;
      set_residual(ffn_residual(), row, weight_element(matrix, token, row), stamp);
    }
  }
}
