// gate[ffn] = silu(gate), in place.
//
// Bindings: lib/model.wgsl. Launched once a layer, an invocation to eight elements.

import package::lib::model::{workgroup_size, ffn};
import package::lib::activations::{take_eight, put_eight, gate_up_vector};
import package::stages::gate_up::silu;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let eight = workgroup_id.x * workgroup_size + invocation_index;
  if (eight < ffn / 8u) {
    var gates = take_eight(gate_up_vector(), eight, 0u);
    for (var i = 0u; i < 4u; i++) {
      gates.low[i] = silu(gates.low[i]);
      gates.high[i] = silu(gates.high[i]);
    }
    put_eight(gate_up_vector(), eight, gates);
  }
}
