// The next token is the lowest id of the largest logit, unless the prompt already says what it is; then the
// position moves on. One workgroup does it.

import package::lib::model::{
  activations, state, vocabulary, workgroup_size, logits_at, position_at, prompt_length_at, tokens_at
};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::pairs;

fn argmax(workgroup: Workgroup, invocation: Invocation) {
  if (workgroup.index != 0u) { return; }
  var best = activations[logits_at];
  var token = 0u;
  for (var i = invocation.index; i < vocabulary; i += workgroup_size) {
    let logit = activations[logits_at + i];
    if (logit > best) {
      best = logit;
      token = i;
    }
  }
  pairs[invocation.index] = vec2f(best, f32(token));
  for (var stride = workgroup_size / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (invocation.index < stride) { keep_better(invocation.index, invocation.index + stride); }
  }
  workgroupBarrier();
  if (invocation.index == 0u) {
    let next = state[position_at] + 1u;
    if (next >= state[prompt_length_at]) { state[tokens_at + next] = u32(pairs[0].y); }
    state[position_at] = next;
  }
}

fn keep_better(mine: u32, other: u32) {
  let better = pairs[other].x > pairs[mine].x;
  let equal = pairs[other].x == pairs[mine].x;
  if (better || (equal && pairs[other].y < pairs[mine].y)) { pairs[mine] = pairs[other]; }
}
