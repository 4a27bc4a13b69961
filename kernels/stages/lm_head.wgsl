// logits[vocabulary] = W normed, and bests[workgroups] = each workgroup's largest logit with its token.

import package::lib::model::{vocabulary, Blob};
import package::lib::activations::{store_logit, put_best, ffn_residual};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, normed_input, count_rounds, deal_unit};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::{better_of, candidates, Candidate};
import package::stages::rms_norm::final_norm;

override lm_head_words: u32;
override lm_head_scales: u32;
// Rows of a team: 1, 2 or 4.
override lm_head_rows: u32;

fn lm_head(workgroup: Workgroup, invocation: Invocation, blob: Blob, stamp: u32) {
  let input = normed_input(ffn_residual(), blob, final_norm, stamp);
  let matrix =
    Matrix(blob.slot, blob.start + lm_head_words, blob.start * 8u + lm_head_scales, input.vector.length / 32u);
  let units = (vocabulary + lm_head_rows - 1u) / lm_head_rows;
  var best = Candidate(-3.0e38, 0u);
  for (var round = 0u; round < count_rounds(units, workgroup); round++) {
    let unit = deal_unit(round, workgroup, invocation);
    let row = unit * lm_head_rows;
    let rows = min(row + vec4u(0u, 1u, 2u, 3u), vec4u(vocabulary - 1u));
    let dots = dot_rows(matrix, rows, lm_head_rows, input, round == 0u, unit < units, invocation);
    if (invocation.lane == 0u && unit < units) {
      for (var i = 0u; i < lm_head_rows; i++) {
        if (row + i < vocabulary) {
          store_logit(row + i, dots[i]);
          best = better_of(best, Candidate(dots[i], row + i));
        }
      }
    }
  }
  if (invocation.lane == 0u) { candidates[invocation.team] = best; }
  workgroupBarrier();
  if (invocation.index == 0u) {
    for (var team = 1u; team < workgroup.teams; team++) { best = better_of(best, candidates[team]); }
    put_best(workgroup.index, best, stamp);
  }
}
