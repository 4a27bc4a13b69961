// The token with the largest logit, of equal ones the lowest, from the best of each workgroup that ran `lm_head`.

import package::lib::model::workgroup_size;
import package::lib::activations::take_best;
import package::lib::place::Invocation;
import package::lib::candidate::{better_of, candidates, Candidate};

var<workgroup> chosen: u32;

// `count` is how many workgroups ran `lm_head`.
fn argmax(invocation: Invocation, count: u32, stamp: u32) -> u32 {
  let takers = workgroup_size / 4u;
  workgroupBarrier();
  if (invocation.index < takers) {
    var best = Candidate(-3.0e38, 0u);
    for (var i = invocation.index; i < count; i += takers) { best = better_of(best, take_best(i, stamp)); }
    candidates[invocation.index] = best;
  }
  for (var stride = takers / 2u; stride > 0u; stride /= 2u) {
    if (stride < count) {
      workgroupBarrier();
      if (invocation.index < stride) {
        candidates[invocation.index] = better_of(candidates[invocation.index], candidates[invocation.index + stride]);
      }
    }
  }
  if (invocation.index == 0u) { chosen = candidates[0].index; }
  return workgroupUniformLoad(&chosen);
}
