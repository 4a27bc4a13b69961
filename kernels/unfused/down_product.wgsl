// projected[hidden] = W activated[ffn]. Not added to the residual yet.
//
// Bindings: lib/model.wgsl, with the layer's blob as `weights_0`. Launched once a layer, a team to `product_rows` rows.

import package::lib::model::{workgroup_size, hidden, ffn};
import package::lib::activations::{activated_vector, projected_vector};
import package::lib::int4::Matrix;
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::product::multiply_rows;
import package::stages::down::{down_words, down_scales};

@if(subgroups) enable subgroups;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) workgroup_count: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let invocation = take_invocation(invocation_index);
  let workgroup = take_workgroup(workgroup_id.x, workgroup_count.x, invocation);
  let matrix = Matrix(0u, down_words, down_scales, ffn / 32u);
  multiply_rows(workgroup, invocation, matrix, 0u, hidden, activated_vector(), projected_vector());
}
