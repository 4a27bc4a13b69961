// activated[ffn] = up · silu(gate), (gate, up) = W normed: rows 0 to ffn − 1 are gates, the rest ups.
// A team of four rows takes two gates and their two ups at a time.

import package::lib::model::{activations, hidden, ffn, normed_at, activated_at, Blob};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, pair_rows, pair_dots, team_rows};
import package::lib::place::{Workgroup, Invocation};

override gate_up_words: u32;
override gate_up_scales: u32;

fn gate_up(workgroup: Workgroup, invocation: Invocation, blob: Blob) {
  let matrix = Matrix(blob.slot, blob.start + gate_up_words, blob.start * 8u + gate_up_scales, hidden / 32u);
  let team_gates = team_rows / 2u;
  let block_gates = team_gates * workgroup.teams;
  let blocks = (ffn + block_gates - 1u) / block_gates;
  for (var block = workgroup.index; block < blocks; block += workgroup.count) {
    let gate = block * block_gates + team_gates * invocation.team;
    let row = min(gate, ffn - team_gates);
    let dots = pair_dots(
      dot_rows(matrix, pair_rows(row, ffn + row), hidden, normed_at, block == workgroup.index, invocation));
    if (invocation.lane == 0u && gate < ffn) {
      activations[activated_at + row] = dots.y * silu(dots.x);
      if (team_gates == 2u) { activations[activated_at + row + 1u] = dots.w * silu(dots.z); }
    }
  }
}

fn silu(x: f32) -> f32 {
  return x / (1.0 + exp(-x));
}
