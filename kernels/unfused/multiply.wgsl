// activated[ffn] = up · gate, element by element, after SiLU.
//
// Bindings: lib/model.wgsl. Launched once a layer, an invocation to eight elements.

import package::lib::model::{workgroup_size, ffn};
import package::lib::activations::{take_eight, put_eight, gate_up_vector, activated_vector, Eight};

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let eight = workgroup_id.x * workgroup_size + invocation_index;
  if (eight < ffn / 8u) {
    let gates = take_eight(gate_up_vector(), eight, 0u);
    let ups = take_eight(gate_up_vector(), ffn / 8u + eight, 0u);
    put_eight(activated_vector(), eight, Eight(ups.low * gates.low, ups.high * gates.high));
  }
}
