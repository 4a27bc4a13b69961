// residual[hidden] += W attended. A team takes `team_rows` rows at a time.

import package::lib::model::{activations, hidden, heads, head_dim, residual_at, attended_at, Blob};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, team_rows};
import package::lib::place::{Workgroup, Invocation};

override o_words: u32;
override o_scales: u32;

fn o_proj(workgroup: Workgroup, invocation: Invocation, blob: Blob) {
  let columns = heads * head_dim;
  let matrix = Matrix(blob.slot, blob.start + o_words, blob.start * 8u + o_scales, columns / 32u);
  add_rows(workgroup, invocation, matrix, columns, attended_at);
}

// residual += matrix · activations[input…], `hidden` rows.
fn add_rows(workgroup: Workgroup, invocation: Invocation, matrix: Matrix, columns: u32, input: u32) {
  let block_rows = team_rows * workgroup.teams;
  let blocks = (hidden + block_rows - 1u) / block_rows;
  for (var block = workgroup.index; block < blocks; block += workgroup.count) {
    let row = block * block_rows + team_rows * invocation.team;
    let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(hidden - 1u));
    let dots = dot_rows(matrix, rows, columns, input, block == workgroup.index, invocation);
    if (invocation.lane == 0u) {
      for (var i = 0u; i < team_rows; i++) {
        if (row + i < hidden) { activations[residual_at + row + i] += dots[i]; }
      }
    }
  }
}
