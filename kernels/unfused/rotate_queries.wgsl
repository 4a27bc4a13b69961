// query[heads × head_dim], rotated (RoPE) and divided by √head_dim, in place.
//
// Bindings: lib/model.wgsl. Launched once a layer, an invocation to a pair of elements.

import package::lib::model::{workgroup_size, heads};
import package::lib::sequence::current_position;
import package::stages::qkv_rope::rotate_pair;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let position = current_position(invocation_index);
  rotate_pair(workgroup_id.x * workgroup_size + invocation_index, 0u, heads, position);
}
