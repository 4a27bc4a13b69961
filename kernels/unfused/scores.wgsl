// scores[heads][position + 1] = query · the cached keys.
//
// Bindings: lib/model.wgsl. Launched once a layer with its part of the KV cache, four invocations to a score, for as
// many positions as the context has: the position is not known where dispatches are recorded.

import package::lib::model::{activations, cache, workgroup_size, heads, kv_heads, head_dim, context};
import package::lib::activations::{take_four, qkv_vector, scores_at};
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::reduce::quad_add;
import package::lib::sequence::current_position;
import package::stages::attention::head_vectors;

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
  let place = workgroup.index * workgroup_size + invocation.team * invocation.lanes + invocation.lane;
  let quarter = place % 4u;
  let query_head = place / 4u / context;
  let at = place / 4u % context;
  let inside = query_head < heads && at <= position;
  var score = 0.0;
  if (inside) {
    let key = (at * kv_heads + query_head / (heads / kv_heads)) * head_vectors;
    for (var i = quarter; i < head_vectors; i += 4u) {
      score += dot(take_four(qkv_vector(), query_head * head_dim + 4u * i, 0u), cache[key + i]);
    }
  }
  score = quad_add(score, invocation);
  if (inside && quarter == 0u) { activations[scores_at + query_head * context + at] = score; }
}
