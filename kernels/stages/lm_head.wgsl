// logits[vocabulary] = W normed, and bests[workgroups] = each workgroup's largest logit with its token.

import package::lib::model::{vocabulary, Blob};
import package::lib::activations::{store_logit, put_best, ffn_residual};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, normed_input, rows_from, units_together, dealt_unit};
import package::lib::place::{Workgroup, Invocation};
import package::lib::candidate::{better_of, candidates, Candidate};
import package::stages::rms_norm::final_norm;

override lm_head_words: u32;
override lm_head_scales: u32;
// Rows of a team: 1, 2, 4 or 8.
override lm_head_rows: u32;

fn lm_head(workgroup: Workgroup, invocation: Invocation, blob: Blob, stamp: u32) {
  let input = normed_input(ffn_residual(), blob, final_norm, stamp);
  let matrix =
    Matrix(blob.slot, blob.start + lm_head_words, blob.start * 8u + lm_head_scales, input.vector.length / 32u);
  let units = (vocabulary + lm_head_rows - 1u) / lm_head_rows;
  var best = Candidate(-3.0e38, 0u);
  for (var start = 0u; start < units; start += units_together(workgroup)) {
    let unit = start + dealt_unit(workgroup, invocation);
    // The last unit reaches back where the rows do not divide the vocabulary, and leaves what is not its own.
    let first = min(unit * lm_head_rows, max(vocabulary, lm_head_rows) - lm_head_rows);
    let dot = dot_rows(
      matrix, rows_from(first, lm_head_rows), lm_head_rows, input, start == 0u, unit < units, invocation);
    let row = first + invocation.lane;
    if (invocation.lane < lm_head_rows && row >= unit * lm_head_rows && row < vocabulary) {
      store_logit(row, dot);
      best = better_of(best, Candidate(dot, row));
    }
  }
  for (var lane = 0u; lane < lm_head_rows; lane++) {
    workgroupBarrier();
    if (invocation.lane == lane) {
      if (lane > 0u) { best = better_of(best, candidates[invocation.team]); }
      candidates[invocation.team] = best;
    }
  }
  workgroupBarrier();
  if (invocation.index == 0u) {
    best = candidates[0];
    for (var team = 1u; team < workgroup.teams; team++) { best = better_of(best, candidates[team]); }
    put_best(workgroup.index, best, stamp);
  }
}
