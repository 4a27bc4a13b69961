// attended[heads × head_dim] = Σ scores[heads][position + 1] · the cached values.
//
// Bindings: lib/model.wgsl. Launched once a layer with its part of the KV cache, a team to four elements of a head,
// whose lanes take the positions in turn.

import package::lib::model::{activations, cache, workgroup_size, heads, kv_heads, head_dim, context};
import package::lib::activations::{put, attended_vector, scores_at};
import package::lib::matvec::{units_together, dealt_unit};
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::reduce::team_add;
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
  let units = heads * head_vectors;
  for (var start = 0u; start < units; start += units_together(workgroup)) {
    let unit = start + dealt_unit(workgroup, invocation);
    let query_head = unit / head_vectors;
    let vector = query_head / (heads / kv_heads) * head_vectors + unit % head_vectors;
    var sum = vec4f(0.0);
    if (unit < units) {
      for (var i = invocation.lane; i <= position; i += invocation.lanes) {
        let weight = activations[scores_at + query_head * context + i];
        sum += weight * cache[(context + i) * kv_heads * head_vectors + vector];
      }
    }
    sum = team_add(sum, invocation);
    if (invocation.lane < 4u && unit < units) {
      put(attended_vector(), 4u * unit + invocation.lane, sum[invocation.lane], 0u);
    }
  }
}
