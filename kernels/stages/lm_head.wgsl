// logits[vocabulary] = W normed. A team takes `team_rows` rows at a time.

import package::lib::model::{activations, hidden, vocabulary, normed_at, logits_at, Blob};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, team_rows};
import package::lib::place::{Workgroup, Invocation};

override lm_head_words: u32;
override lm_head_scales: u32;

fn lm_head(workgroup: Workgroup, invocation: Invocation, blob: Blob) {
  let matrix = Matrix(blob.slot, blob.start + lm_head_words, blob.start * 8u + lm_head_scales, hidden / 32u);
  let block_rows = team_rows * workgroup.teams;
  let blocks = (vocabulary + block_rows - 1u) / block_rows;
  for (var block = workgroup.index; block < blocks; block += workgroup.count) {
    let row = block * block_rows + team_rows * invocation.team;
    let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(vocabulary - 1u));
    let dots = dot_rows(matrix, rows, hidden, normed_at, block == workgroup.index, invocation);
    if (invocation.lane == 0u) {
      for (var i = 0u; i < team_rows; i++) {
        if (row + i < vocabulary) { activations[logits_at + row + i] = dots[i]; }
      }
    }
  }
}
