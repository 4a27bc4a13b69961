// The stage `embedding` as a dispatch of its own. Bindings: lib/model.wgsl. Launched once a token with the ends blob as
// `weights_0`.

import package::lib::model::{workgroup_size, Blob};
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::sequence::{current_position, token_at};
import package::stages::embedding::embedding;

@if(subgroups) enable subgroups;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) workgroup_count: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let invocation = take_invocation(invocation_index);
  let workgroup = take_workgroup(workgroup_id.x, workgroup_count.x, invocation);
  let token = token_at(current_position(invocation_index));
  embedding(workgroup, invocation, Blob(0u, 0u), token, 0u);
}
