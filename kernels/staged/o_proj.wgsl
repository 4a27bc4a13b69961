// The stage `o_proj` as a dispatch of its own. Bindings: lib/model.wgsl. Launched once a layer with its blob as
// `weights_0`.

import package::lib::model::{workgroup_size, Blob};
import package::lib::place::{take_invocation, take_workgroup};
import package::stages::o_proj::o_proj;

@if(subgroups) enable subgroups;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) workgroup_count: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let invocation = take_invocation(invocation_index);
  let workgroup = take_workgroup(workgroup_id.x, workgroup_count.x, invocation);
  o_proj(workgroup, invocation, Blob(0u, 0u), 0u);
}
