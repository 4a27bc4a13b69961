// Whole tokens in one dispatch of several workgroups: the stages of fused.wgsl, on the whole GPU.
//
// Bindings: lib/model.wgsl; the layers' blobs back to back in `weights_0` to `weights_2`, `layers_per_slot` in each.
// Launched as G workgroups that are all resident at once, to decode as many tokens as the state says. No barrier stands
// between the stages: each waits for the words that it takes (lib/activations.wgsl). With no tokens to decode it is a
// roll call, which poisons the sequence unless all G workgroups are resident together; a dispatch of a poisoned sequence
// decodes none.
//
// What was tried on it, with tokens per second before and after, is in results/h200-tuning.json.

import package::lib::model::{workgroup_size, layers, kv_heads, head_dim, context, layer_blob, ends_blob};
import package::lib::activations::stamp_of;
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::sequence::{start_of_dispatch, next_token, append_token};
import package::lib::sync::roll_call;
import package::stages::argmax::argmax;
import package::stages::attention::attention;
import package::stages::down::down;
import package::stages::embedding::embedding;
import package::stages::gate_up::{gate_up, read_gate_up_ahead};
import package::stages::lm_head::lm_head;
import package::stages::o_proj::o_proj;
import package::stages::qkv_rope::qkv_rope;

@if(subgroups) enable subgroups;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(num_workgroups) workgroup_count: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let invocation = take_invocation(invocation_index);
  let workgroup = take_workgroup(workgroup_id.x, workgroup_count.x, invocation);
  let start = start_of_dispatch(invocation_index);
  if (start.tokens == 0u && invocation_index == 0u) { roll_call(workgroup.count); }
  var token = start.token;
  for (var position = start.position; position < start.position + start.tokens; position++) {
    let exchange = position * (layers + 1u);
    embedding(workgroup, invocation, ends_blob(), token, stamp_of(exchange));
    for (var layer = 0u; layer < layers; layer++) {
      let blob = layer_blob(layer);
      let stamp = stamp_of(exchange + layer);
      qkv_rope(workgroup, invocation, blob, position, stamp);
      if (workgroup.index >= kv_heads) { read_gate_up_ahead(workgroup, invocation, blob); }
      attention(workgroup, invocation, layer * kv_heads * head_dim / 2u * context, position, stamp);
      o_proj(workgroup, invocation, blob, stamp);
      gate_up(workgroup, invocation, blob, stamp);
      down(workgroup, invocation, blob, stamp, stamp_of(exchange + layer + 1u));
    }
    let stamp = stamp_of(exchange + layers);
    lm_head(workgroup, invocation, ends_blob(), stamp);
    token = next_token(position, argmax(invocation, workgroup.count, stamp));
    if (workgroup.index == 0u && invocation_index == 0u) { append_token(position, token); }
    storageBarrier(); // what this workgroup wrote to the cache, its invocations read in the next token
  }
}
