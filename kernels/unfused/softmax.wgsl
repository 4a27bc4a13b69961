// scores[heads][position + 1] = softmax over the positions of each head, in place.
//
// Bindings: lib/model.wgsl. Launched once a layer, a workgroup to a head.

import package::lib::model::{activations, workgroup_size, context};
import package::lib::activations::scores_at;
import package::lib::place::{take_invocation, take_workgroup};
import package::lib::reduce::{workgroup_add, workgroup_max};
import package::lib::sequence::current_position;
import package::stages::attention::least;

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
  let first = scores_at + workgroup.index * context;
  var largest = least;
  for (var i = invocation.index; i <= position; i += workgroup_size) { largest = max(largest, activations[first + i]); }
  largest = workgroup_max(largest, invocation);
  var total = 0.0;
  for (var i = invocation.index; i <= position; i += workgroup_size) {
    let weight = exp(activations[first + i] - largest);
    activations[first + i] = weight;
    total += weight;
  }
  total = workgroup_add(total, invocation);
  for (var i = invocation.index; i <= position; i += workgroup_size) { activations[first + i] /= total; }
}
