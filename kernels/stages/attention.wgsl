// attended[heads × head_dim] = softmax(query · keys) · values over positions 0 to `position`, with an online softmax:
// a workgroup takes a head at a time and its positions in chunks of `workgroup_size`, keeping the largest score and
// the sum of weights so far.
//
// Keys are stored dimension-major, so that neighbouring invocations read neighbouring positions.

import package::lib::model::{
  activations, cache, heads, kv_heads, head_dim, context, workgroup_size, query_at, attended_at
};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::{workgroup_add, workgroup_max, pairs};

var<workgroup> head_query: array<f32, head_dim>;
var<workgroup> scores: array<f32, workgroup_size>;

fn attention(workgroup: Workgroup, invocation: Invocation, cache_at: u32, position: u32) {
  for (var head = workgroup.index; head < heads; head += workgroup.count) {
    attend(workgroup, invocation, head, cache_at, position);
  }
}

fn attend(workgroup: Workgroup, invocation: Invocation, head: u32, cache_at: u32, position: u32) {
  let kv_head = head / (heads / kv_heads);
  let keys_at = cache_at + kv_head * head_dim * context;
  let values_at = cache_at + kv_heads * head_dim * context + kv_head * head_dim;
  // `slices` groups of head_dim / 2 invocations each sum a part of the positions, two elements an invocation.
  let half_dim = head_dim / 2u;
  let slices = workgroup_size / half_dim;
  let slice = invocation.index / half_dim;
  let element = invocation.index % half_dim;

  workgroupBarrier();
  for (var i = invocation.index; i < head_dim; i += workgroup_size) {
    head_query[i] = activations[query_at + head * head_dim + i];
  }
  workgroupBarrier();

  var largest = -3.0e38;
  var total = 0.0;
  var value = vec2f(0.0);
  for (var first = 0u; first <= position; first += workgroup_size) {
    let count = min(workgroup_size, position + 1u - first);
    var score = -3.0e38;
    if (invocation.index < count) {
      score = 0.0;
      for (var i = 0u; i < head_dim; i++) {
        score = fma(head_query[i], cache[keys_at + i * context + first + invocation.index], score);
      }
    }
    let next_largest = max(largest, workgroup_max(score, invocation));
    let weight = select(0.0, exp(score - next_largest), invocation.index < count);
    scores[invocation.index] = weight;
    let rescale = exp(largest - next_largest);
    total = total * rescale + workgroup_add(weight, invocation);
    value *= rescale;
    if (slice < slices) {
      for (var i = slice; i < count; i += slices) {
        let at = values_at + (first + i) * kv_heads * head_dim + element;
        value += scores[i] * vec2f(cache[at], cache[at + half_dim]);
      }
    }
    largest = next_largest;
  }

  workgroupBarrier();
  pairs[invocation.index] = value;
  workgroupBarrier();
  if (slice == 0u) {
    var sum = vec2f(0.0);
    for (var i = 0u; i < slices; i++) { sum += pairs[i * half_dim + element]; }
    let at = attended_at + head * head_dim + element;
    activations[at] = sum.x / total;
    activations[at + half_dim] = sum.y / total;
  }
}
