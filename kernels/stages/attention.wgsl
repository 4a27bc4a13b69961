// attended[heads × head_dim] = softmax(query · keys) · values over positions 0 to `position`, with an online softmax:
// a workgroup takes a head at a time and its positions in chunks, keeping the largest score and the sum of weights.
//
// Keys are stored dimension-major, so that neighbouring invocations read neighbouring positions. Four invocations
// share a position's dot product, so a chunk is a quarter of a workgroup; then head_dim / 2 invocations share a
// position's values.

import package::lib::model::{
  activations, cache, heads, kv_heads, head_dim, context, workgroup_size, query_at, attended_at
};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::{workgroup_add, workgroup_max, pairs};

var<workgroup> head_query: array<f32, head_dim>;
var<workgroup> scores: array<f32, workgroup_size>;

// Invocations that share a dot product; head_dim is a multiple of it.
const parts = 4u;

fn attention(workgroup: Workgroup, invocation: Invocation, cache_at: u32, position: u32) {
  for (var head = workgroup.index; head < heads; head += workgroup.count) {
    attend(invocation, head, cache_at, position);
  }
}

fn attend(invocation: Invocation, head: u32, cache_at: u32, position: u32) {
  let kv_head = head / (heads / kv_heads);
  let keys_at = cache_at + kv_head * head_dim * context;
  let values_at = cache_at + kv_heads * head_dim * context + kv_head * head_dim;
  let chunk = workgroup_size / parts;
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
  for (var first = 0u; first <= position; first += chunk) {
    let count = min(chunk, position + 1u - first);
    let index = invocation.index % chunk;
    scores[invocation.index] = part_score(keys_at + first + index, invocation.index / chunk, index < count);
    workgroupBarrier();
    var score = -3.0e38;
    if (invocation.index < count) {
      score = scores[index] + scores[index + chunk] + scores[index + 2u * chunk] + scores[index + 3u * chunk];
    }
    let next_largest = max(largest, workgroup_max(score, invocation));
    let weight = select(0.0, exp(score - next_largest), invocation.index < count);
    if (invocation.index < chunk) { scores[invocation.index] = weight; }
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
    workgroupBarrier();
  }

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

// A quarter of query · key for the key whose first element is at `key_at`.
fn part_score(key_at: u32, part: u32, valid: bool) -> f32 {
  if (!valid) { return 0.0; }
  let dims = head_dim / parts;
  var score = 0.0;
  for (var i = part * dims; i < (part + 1u) * dims; i++) {
    score = fma(head_query[i], cache[key_at + i * context], score);
  }
  return score;
}
