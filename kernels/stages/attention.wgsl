// attended[heads × head_dim] = softmax(query · keys) · values over positions 0 to `position`.
//
// A workgroup takes a KV head with the query heads that share it, and appends the head's key and value to the cache: no
// other workgroup ever reads that part. Bands of 32 invocations each take blocks of eight positions in turn, with an
// online softmax of their own: four invocations share the dot product of a position, then each sums a vec4f of the eight
// values. The keys and values of the first blocks are under way before the wait for the query.

import package::lib::model::{cache, heads, kv_heads, head_dim, context, workgroup_size};
import package::lib::activations::{put, take_four, qkv_vector, attended_vector};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::{quad_add, quad_max};

// vec4f of a head; head_dim is a multiple of 16, 128 at most.
override head_vectors: u32 = head_dim / 4u;

// Query, key and value of the position.
var<workgroup> head: array<vec4f, 3u * head_vectors>;
// [bands][8]
var<workgroup> scores: array<f32, workgroup_size / 4u>;
// Of each band: its sum, the largest score, and the total of the weights.
var<workgroup> band_sums: array<vec4f, (workgroup_size / 32u) * head_vectors>;
var<workgroup> band_largest: array<f32, workgroup_size / 32u>;
var<workgroup> band_totals: array<f32, workgroup_size / 32u>;

const least = -3.0e38;

// `cache_at` is where this layer's part of the cache starts, in vec4f.
fn attention(workgroup: Workgroup, invocation: Invocation, cache_at: u32, position: u32, stamp: u32) {
  let shared_by = heads / kv_heads;
  for (var kv_head = workgroup.index; kv_head < kv_heads; kv_head += workgroup.count) {
    let keys_at = cache_at + kv_head * head_vectors;
    for (var i = 0u; i < shared_by; i++) {
      attend(invocation, kv_head * shared_by + i, kv_head, keys_at, position, stamp);
    }
  }
}

fn attend(invocation: Invocation, query_head: u32, kv_head: u32, keys_at: u32, position: u32, stamp: u32) {
  let stride = kv_heads * head_vectors;
  let values_at = keys_at + context * stride;
  let bands = workgroup_size / 32u;
  let place = invocation.team * invocation.lanes + invocation.lane;
  let band = place / 32u;
  let quarter = place % 4u;
  let vector = min(place % 32u, head_vectors - 1u);

  var first = 8u * band;
  var keys: Vectors;
  var values: Vectors;
  if (first < position) {
    keys = load_keys(keys_at + min(first + place % 32u / 4u, position - 1u) * stride + quarter);
    values = load_values(values_at + vector, stride, first, position - 1u);
  }

  workgroupBarrier();
  for (var i = invocation.index; i < 3u * head_vectors; i += workgroup_size) {
    let row = vec3u(query_head, heads + kv_head, heads + kv_heads + kv_head)[i / head_vectors];
    head[i] = take_four(qkv_vector(), row * head_dim + 4u * (i % head_vectors), stamp);
  }
  workgroupBarrier();
  for (var i = invocation.index; i < head_vectors; i += workgroup_size) {
    cache[keys_at + position * stride + i] = head[head_vectors + i];
    cache[values_at + position * stride + i] = head[2u * head_vectors + i];
  }

  var largest = least;
  var total = 0.0;
  var sum = vec4f(0.0);
  for (var start = 0u; start <= position; start += 8u * bands) {
    if (start > 0u) {
      workgroupBarrier(); // the scores before may still be in use
      first += 8u * bands;
      if (first < position) {
        keys = load_keys(keys_at + min(first + place % 32u / 4u, position - 1u) * stride + quarter);
        values = load_values(values_at + vector, stride, first, position - 1u);
      }
    }
    let at = first + place % 32u / 4u;
    var dots = dot_query(keys, quarter);
    if (at == position) { dots = dot_own_key(quarter); }
    dots = quad_add(dots, invocation);
    if (quarter == 0u) { scores[place / 4u] = select(least, dots, at <= position); }
    workgroupBarrier();
    if (first <= position) {
      let low = vec4f(scores[8u * band], scores[8u * band + 1u], scores[8u * band + 2u], scores[8u * band + 3u]);
      let high = vec4f(scores[8u * band + 4u], scores[8u * band + 5u], scores[8u * band + 6u], scores[8u * band + 7u]);
      let four = max(low, high);
      let most = max(largest, max(max(four.x, four.y), max(four.z, four.w)));
      let low_weights = exp(low - most);
      let high_weights = exp(high - most);
      let rescale = exp(largest - most);
      total = total * rescale + dot(low_weights + high_weights, vec4f(1.0));
      // The position itself is not in the cache yet.
      let own = position - first;
      var weight = 0.0;
      if (own < 8u) { weight = exp(scores[8u * band + own] - most); }
      let cached = vec4u(first, first + 1u, first + 2u, first + 3u) < vec4u(position);
      let cached_high = vec4u(first + 4u, first + 5u, first + 6u, first + 7u) < vec4u(position);
      sum = sum * rescale + weight * head[2u * head_vectors + vector] +
        weigh(values, select(vec4f(0.0), low_weights, cached), select(vec4f(0.0), high_weights, cached_high));
      largest = most;
    }
  }

  if (place % 32u < head_vectors) { band_sums[band * head_vectors + vector] = sum; }
  if (place % 32u == 0u) {
    band_largest[band] = largest;
    band_totals[band] = total;
  }
  workgroupBarrier();
  for (var start = 0u; start < head_vectors; start += workgroup_size / 4u) {
    let mine = start + place / 4u;
    var most = least;
    for (var i = quarter; i < bands; i += 4u) { most = max(most, band_largest[i]); }
    most = quad_max(most, invocation);
    sum = vec4f(0.0);
    total = 0.0;
    for (var i = quarter; i < bands; i += 4u) {
      let weight = exp(band_largest[i] - most);
      total += weight * band_totals[i];
      sum += weight * band_sums[i * head_vectors + min(mine, head_vectors - 1u)];
    }
    total = quad_add(total, invocation);
    sum = vec4f(
      quad_add(sum.x, invocation), quad_add(sum.y, invocation), quad_add(sum.z, invocation),
      quad_add(sum.w, invocation));
    if (mine < head_vectors) {
      put(attended_vector(), query_head * head_dim + 4u * mine + quarter, sum[quarter] / total, stamp);
    }
  }
}

// Eight vec4f, named so that they stay in registers.
struct Vectors { a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f, g: vec4f, h: vec4f }

// Every fourth vec4f of a key.
fn load_keys(at: u32) -> Vectors {
  var keys: Vectors;
  keys.a = cache[at];
  if (head_vectors > 4u) { keys.b = cache[at + 4u]; }
  if (head_vectors > 8u) { keys.c = cache[at + 8u]; }
  if (head_vectors > 12u) { keys.d = cache[at + 12u]; }
  if (head_vectors > 16u) { keys.e = cache[at + 16u]; }
  if (head_vectors > 20u) { keys.f = cache[at + 20u]; }
  if (head_vectors > 24u) { keys.g = cache[at + 24u]; }
  if (head_vectors > 28u) { keys.h = cache[at + 28u]; }
  return keys;
}

fn dot_query(keys: Vectors, quarter: u32) -> f32 {
  var sum = dot(head[quarter], keys.a);
  if (head_vectors > 4u) { sum += dot(head[quarter + 4u], keys.b); }
  if (head_vectors > 8u) { sum += dot(head[quarter + 8u], keys.c); }
  if (head_vectors > 12u) { sum += dot(head[quarter + 12u], keys.d); }
  if (head_vectors > 16u) { sum += dot(head[quarter + 16u], keys.e); }
  if (head_vectors > 20u) { sum += dot(head[quarter + 20u], keys.f); }
  if (head_vectors > 24u) { sum += dot(head[quarter + 24u], keys.g); }
  if (head_vectors > 28u) { sum += dot(head[quarter + 28u], keys.h); }
  return sum;
}

fn dot_own_key(quarter: u32) -> f32 {
  var sum = 0.0;
  for (var i = quarter; i < head_vectors; i += 4u) { sum += dot(head[i], head[head_vectors + i]); }
  return sum;
}

// A vec4f of the values of positions `first` to `first` + 7, `last` where they are beyond it.
fn load_values(at: u32, stride: u32, first: u32, last: u32) -> Vectors {
  return Vectors(
    cache[at + min(first, last) * stride], cache[at + min(first + 1u, last) * stride],
    cache[at + min(first + 2u, last) * stride], cache[at + min(first + 3u, last) * stride],
    cache[at + min(first + 4u, last) * stride], cache[at + min(first + 5u, last) * stride],
    cache[at + min(first + 6u, last) * stride], cache[at + min(first + 7u, last) * stride]);
}

fn weigh(values: Vectors, low: vec4f, high: vec4f) -> vec4f {
  return low.x * values.a + low.y * values.b + low.z * values.c + low.w * values.d +
    high.x * values.e + high.y * values.f + high.z * values.g + high.w * values.h;
}
