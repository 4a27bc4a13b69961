// key[kv_heads × head_dim] = Wk normed[hidden]: the rows of qkv behind the queries. Not rotated yet.
//
// Bindings: lib/model.wgsl, with the layer's blob as `weights_0`. Launched once a layer, a team to `product_rows` rows.

import package::lib::model::{workgroup_size, hidden, heads, kv_heads, head_dim};
import package::lib::activations::{qkv_vector, normed_at, Vector};
import package::lib::int4::Matrix;
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::product::multiply_rows;
import package::stages::qkv_rope::{qkv_words, qkv_scales};

@if(subgroups) enable subgroups;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) workgroup_count: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let invocation = take_invocation(invocation_index);
  let workgroup = take_workgroup(workgroup_id.x, workgroup_count.x, invocation);
  let matrix = Matrix(0u, qkv_words, qkv_scales, hidden / 32u);
  let input = Vector(normed_at, hidden);
  multiply_rows(workgroup, invocation, matrix, heads * head_dim, kv_heads * head_dim, input, qkv_vector());
}
