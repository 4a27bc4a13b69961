// residual[hidden] = row `token` of the embedding.
//
// Elements are dealt to teams as the rows of `o_proj` and `down` are, which add to them.

import package::lib::model::{hidden, Blob};
import package::lib::activations::{set_residual, ffn_residual};
import package::lib::int4::{Matrix, weight_element};
import package::lib::matvec::{count_rounds, deal_unit};
import package::lib::place::{Workgroup, Invocation};
import package::stages::o_proj::residual_rows;

override embedding_words: u32;
override embedding_scales: u32;

fn embedding(workgroup: Workgroup, invocation: Invocation, ends: Blob, token: u32, stamp: u32) {
  let matrix = Matrix(ends.slot, ends.start + embedding_words, ends.start * 8u + embedding_scales, hidden / 32u);
  let units = hidden / residual_rows;
  for (var round = 0u; round < count_rounds(units, workgroup); round++) {
    let unit = deal_unit(round, workgroup, invocation);
    if (invocation.lane == 0u && unit < units) {
      for (var row = unit * residual_rows; row < (unit + 1u) * residual_rows; row++) {
        set_residual(ffn_residual(), row, weight_element(matrix, token, row), stamp);
      }
    }
  }
}
