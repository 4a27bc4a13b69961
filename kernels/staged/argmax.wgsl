// The stage `argmax` as a dispatch of its own, and the step to the next position. Bindings: lib/model.wgsl. Launched
// once a token, as one workgroup.

import package::lib::model::{workgroup_size};
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::sequence::{current_position, next_token, append_token};
import package::stages::argmax::argmax;

@if(subgroups) enable subgroups;

// Workgroups that ran `lm_head`.
override bests: u32;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) workgroup_count: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let invocation = take_invocation(invocation_index);
  let workgroup = take_workgroup(workgroup_id.x, workgroup_count.x, invocation);
  let position = current_position(invocation_index);
  let chosen = argmax(invocation, bests, 0u);
  if (invocation_index == 0u) { append_token(position, next_token(position, chosen)); }
}
