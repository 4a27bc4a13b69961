// residual[hidden] += projected[hidden], after the FFN.
//
// Bindings: lib/model.wgsl. Launched once a layer, an invocation to eight elements.

import package::lib::model::workgroup_size;
import package::stages::o_proj::add_projected;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  add_projected(workgroup_id.x * workgroup_size + invocation_index);
}
