// residual[hidden] = the embedding's row of the current token.

import package::lib::model::{activations, state, ends_blob, hidden, workgroup_size, residual_at, position_at, tokens_at, Blob};
import package::lib::int4::{Matrix, weight_element};
import package::lib::place::{Workgroup, Invocation};

override embedding_words: u32;
override embedding_scales: u32;

fn embedding(workgroup: Workgroup, invocation: Invocation, ends: Blob) {
  let matrix = Matrix(ends.slot, ends.start + embedding_words, ends.start * 8u + embedding_scales, hidden / 32u);
  let token = state[tokens_at + state[position_at]];
  for (var i = workgroup.index * workgroup_size + invocation.index; i < hidden; i += workgroup.count * workgroup_size) {
    activations[residual_at + i] = weight_element(matrix, token, i);
  }
}
