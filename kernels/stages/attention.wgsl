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

// Invocations that share a dot product; head_dim is a multiple of four times that.
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
      for (var i = slice; i < count; i += 4u * slices) {
        value += weighted_values(values_at, first, element, i + vec4u(0u, 1u, 2u, 3u) * slices, count);
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

// A quarter of query · key for the key whose first element is at `key_at`. Eight loads are under way at a time: one
// after the other they would cost more than the arithmetic.
fn part_score(key_at: u32, part: u32, valid: bool) -> f32 {
  if (!valid) { return 0.0; }
  let dims = head_dim / parts;
  var score = 0.0;
  let end = (part + 1u) * dims;
  for (var i = part * dims; i < end; i += 8u) {
    let low = load_key(key_at, i);
    let high = load_key(key_at, min(i + 4u, end - 4u));
    score += dot(load_query(i), low);
    if (i + 4u < end) { score += dot(load_query(i + 4u), high); }
  }
  return score;
}

fn load_key(key_at: u32, i: u32) -> vec4f {
  let at = key_at + i * context;
  return vec4f(cache[at], cache[at + context], cache[at + 2u * context], cache[at + 3u * context]);
}

fn load_query(i: u32) -> vec4f {
  return vec4f(head_query[i], head_query[i + 1u], head_query[i + 2u], head_query[i + 3u]);
}

// Σ weight · value over four positions of the chunk, of two elements of the head.
fn weighted_values(values_at: u32, first: u32, element: u32, index: vec4u, count: u32) -> vec2f {
  let last = count - 1u;
  let inside = min(index, vec4u(last));
  let at = values_at + (first + inside) * kv_heads * head_dim + element;
  let half_dim = head_dim / 2u;
  let low = vec4f(cache[at.x], cache[at.y], cache[at.z], cache[at.w]);
  let high = vec4f(
    cache[at.x + half_dim], cache[at.y + half_dim], cache[at.z + half_dim], cache[at.w + half_dim]);
  let weights = select(
    vec4f(0.0),
    vec4f(scores[inside.x], scores[inside.y], scores[inside.z], scores[inside.w]),
    index <= vec4u(last));
  return vec2f(dot(weights, low), dot(weights, high));
}
