// attended[heads × head_dim] = softmax(query · keys) · values over positions 0 to `position`.
//
// A workgroup takes a KV head with the query heads that share it, and appends the head's key and value to the cache: no
// other workgroup ever reads that part. It takes the positions in chunks of a quarter of its size, with an online
// softmax: four invocations share the dot product of a position, then 32 invocations, a slice, share eight positions'
// values. What depends on the cache alone is under way before it is needed: the first keys while the query is still on
// its way, the values while the softmax is computed.

import package::lib::model::{cache, heads, kv_heads, head_dim, context, workgroup_size};
import package::lib::activations::{put, take_four, qkv_vector, attended_vector};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::{quad_add, team_add, workgroup_max, leave_part, total_of_parts};

// vec4f of a head; head_dim is a multiple of 16, 128 at most.
override head_vectors: u32 = head_dim / 4u;

// Query, key and value of the position.
var<workgroup> head: array<vec4f, 3u * head_vectors>;
// Of each position of the chunk.
var<workgroup> weights: array<f32, workgroup_size / 4u>;
var<workgroup> slice_values: array<vec4f, (workgroup_size / 32u) * head_vectors>;

const least = -3.0e38;

// `cache_at` is where this layer's part of the cache starts, in vec4f.
fn attention(workgroup: Workgroup, invocation: Invocation, cache_at: u32, position: u32, stamp: u32) {
  let shared_by = heads / kv_heads;
  for (var kv_head = workgroup.index; kv_head < kv_heads; kv_head += workgroup.count) {
    let keys_at = cache_at + kv_head * head_vectors;
    for (var i = 0u; i < shared_by; i++) {
      attend(workgroup, invocation, kv_head * shared_by + i, kv_head, keys_at, position, stamp);
    }
  }
}

fn attend(
  workgroup: Workgroup, invocation: Invocation, query_head: u32, kv_head: u32, keys_at: u32, position: u32, stamp: u32
) {
  let stride = kv_heads * head_vectors;
  let values_at = keys_at + context * stride;
  let place = invocation.team * invocation.lanes + invocation.lane;
  let quad = place / 4u;
  let part = place % 4u;
  let slice = invocation.index / 32u;
  let vector = min(invocation.index % 32u, head_vectors - 1u);
  var keys = load_keys(keys_at + min(quad, position) * stride + part);

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
  for (var first = 0u; first <= position; first += workgroup_size / 4u) {
    let at = first + quad;
    if (first > 0u) { keys = load_keys(keys_at + min(at, position) * stride + part); }
    if (at == position) { keys = own_key(part); }
    let dots = quad_add(dot_query(keys, part), invocation);
    let score = select(least, dots, at <= position);
    let values = load_values(values_at + vector, stride, first + 8u * slice, position, vector);
    let most = max(largest, workgroup_max(score, invocation));
    let weight = select(0.0, exp(score - most), at <= position);
    if (part == 0u) { weights[quad] = weight; }
    workgroupBarrier();
    leave_part(select(0.0, weight, part == 0u), invocation);
    workgroupBarrier();
    let rescale = exp(largest - most);
    total = total * rescale + total_of_parts(invocation);
    sum = sum * rescale + weigh(values, 8u * slice);
    largest = most;
  }

  if (invocation.index % 32u < head_vectors) { slice_values[slice * head_vectors + vector] = sum; }
  workgroupBarrier();
  for (var first = 0u; first < head_vectors; first += workgroup.teams) {
    let mine = first + invocation.team;
    var value = vec4f(0.0);
    for (var i = invocation.lane; i < workgroup_size / 32u; i += invocation.lanes) {
      value += slice_values[i * head_vectors + min(mine, head_vectors - 1u)];
    }
    value = team_add(value, invocation);
    if (invocation.lane < 4u && mine < head_vectors) {
      let element = query_head * head_dim + 4u * mine + invocation.lane;
      put(attended_vector(), element, value[invocation.lane] / total, stamp);
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

fn own_key(part: u32) -> Vectors {
  let at = head_vectors + part;
  var keys: Vectors;
  keys.a = head[at];
  if (head_vectors > 4u) { keys.b = head[at + 4u]; }
  if (head_vectors > 8u) { keys.c = head[at + 8u]; }
  if (head_vectors > 12u) { keys.d = head[at + 12u]; }
  if (head_vectors > 16u) { keys.e = head[at + 16u]; }
  if (head_vectors > 20u) { keys.f = head[at + 20u]; }
  if (head_vectors > 24u) { keys.g = head[at + 24u]; }
  if (head_vectors > 28u) { keys.h = head[at + 28u]; }
  return keys;
}

fn dot_query(keys: Vectors, part: u32) -> f32 {
  var sum = dot(head[part], keys.a);
  if (head_vectors > 4u) { sum += dot(head[part + 4u], keys.b); }
  if (head_vectors > 8u) { sum += dot(head[part + 8u], keys.c); }
  if (head_vectors > 12u) { sum += dot(head[part + 12u], keys.d); }
  if (head_vectors > 16u) { sum += dot(head[part + 16u], keys.e); }
  if (head_vectors > 20u) { sum += dot(head[part + 20u], keys.f); }
  if (head_vectors > 24u) { sum += dot(head[part + 24u], keys.g); }
  if (head_vectors > 28u) { sum += dot(head[part + 28u], keys.h); }
  return sum;
}

// A vec4f of eight values, those of positions `first` to `first` + 7; from `position` on, its own.
fn load_values(at: u32, stride: u32, first: u32, position: u32, vector: u32) -> Vectors {
  var values: Vectors;
  let own = head[2u * head_vectors + vector];
  values.a = select(own, cache[at + min(first, position) * stride], first < position);
  values.b = select(own, cache[at + min(first + 1u, position) * stride], first + 1u < position);
  values.c = select(own, cache[at + min(first + 2u, position) * stride], first + 2u < position);
  values.d = select(own, cache[at + min(first + 3u, position) * stride], first + 3u < position);
  values.e = select(own, cache[at + min(first + 4u, position) * stride], first + 4u < position);
  values.f = select(own, cache[at + min(first + 5u, position) * stride], first + 5u < position);
  values.g = select(own, cache[at + min(first + 6u, position) * stride], first + 6u < position);
  values.h = select(own, cache[at + min(first + 7u, position) * stride], first + 7u < position);
  return values;
}

fn weigh(values: Vectors, at: u32) -> vec4f {
  return weights[at] * values.a + weights[at + 1u] * values.b + weights[at + 2u] * values.c +
    weights[at + 3u] * values.d + weights[at + 4u] * values.e + weights[at + 5u] * values.f +
    weights[at + 6u] * values.g + weights[at + 7u] * values.h;
}
