// Some layers of a token in one dispatch that binds only what these need: fused.wgsl for a device that cannot bind all
// layers at once.
//
// Bindings: lib/model.wgsl; `weights_0` to `weights_2` are the buffers that hold the layers of the dispatch, the first of
// them the one that has its first layer, and `cache` is the part of these layers. Launched as fused.wgsl.

import package::lib::model::{
  workgroup_size, layers, kv_heads, head_dim, context, layer_blob, ends_blob, layers_per_slot
};
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::sequence::{
  current_position, uniform_state, write_state, token_at, next_token, append_token, dispatch_layers_at, next_layer_at
};
import package::lib::sync::end_stage;
import package::stages::argmax::argmax;
import package::stages::attention::attention;
import package::stages::down::down;
import package::stages::embedding::embedding;
import package::stages::gate_up::gate_up;
import package::stages::lm_head::lm_head;
import package::stages::o_proj::o_proj;
import package::stages::qkv_rope::qkv_rope;
import package::stages::rms_norm::{rms_norm, attention_norm, ffn_norm, final_norm};

@if(subgroups) enable subgroups;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) workgroup_count: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let invocation = take_invocation(invocation_index);
  let workgroup = take_workgroup(workgroup_id.x, workgroup_count.x, invocation);
  let position = current_position(invocation_index);
  let first = uniform_state(next_layer_at, invocation_index);
  let end = min(first + uniform_state(dispatch_layers_at, invocation_index), layers);
  if (first == 0u) {
    embedding(workgroup, invocation, ends_blob(), token_at(position), 0u);
    end_stage();
  }
  for (var layer = first; layer < end; layer++) {
    let blob = layer_blob(layer - first + first % layers_per_slot);
    rms_norm(workgroup, invocation, blob, attention_norm);
    end_stage();
    qkv_rope(workgroup, invocation, blob, position, 0u);
    end_stage();
    attention(workgroup, invocation, (layer - first) * kv_heads * head_dim / 2u * context, position, 0u);
    end_stage();
    o_proj(workgroup, invocation, blob, 0u);
    end_stage();
    rms_norm(workgroup, invocation, blob, ffn_norm);
    end_stage();
    gate_up(workgroup, invocation, blob, 0u);
    end_stage();
    down(workgroup, invocation, blob, 0u, 0u);
    end_stage();
  }
  if (end == layers) {
    rms_norm(workgroup, invocation, ends_blob(), final_norm);
    end_stage();
    lm_head(workgroup, invocation, ends_blob(), 0u);
    end_stage();
    let chosen = argmax(invocation, 1u, 0u);
    if (invocation_index == 0u) { append_token(position, next_token(position, chosen)); }
  }
  if (invocation_index == 0u) { write_state(next_layer_at, select(end, 0u, end == layers)); }
}
