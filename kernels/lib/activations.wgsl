// The vectors that stages hand to each other, in `activations`.
//
// Element e of a vector lies at (e % 8) · length / 8 + e / 8, so that neighbouring invocations that each take eight
// neighbouring elements read neighbouring words.
//
// Where several workgroups share a dispatch (`grid`), a stage waits for what it takes, word by word. WGSL's atomics
// publish nothing but themselves, so every word says itself whether it has come: 24 bits of a float and, in the lowest
// eight, the stamp of the exchange it belongs to, other than that of the exchange of the word before (at some numbers of
// layers it would not be: planToken refuses them). No other barrier stands between stages. That a workgroup that has
// started goes on, WebGPU does not promise; so every wait is bounded, and the first that runs out poisons the sequence:
// nobody waits any more, the kernel runs to its end, and the host discards what it made.

import package::lib::model::{activations, hidden, heads, kv_heads, head_dim, ffn};
import package::lib::candidate::Candidate;
@if(grid) import package::lib::sequence::{read_state, write_state, poison_at};

// Where each vector starts, in words.
override residual_at: u32;
override normed_at: u32;
override qkv_at: u32;
override attended_at: u32;
override activated_at: u32;
override logits_at: u32;
override bests_at: u32;
// What only an operation as a dispatch of its own hands on: the product of `o` or `down`, [2 × ffn] gates and ups, and
// [heads][context] scores.
override projected_at: u32;
override gate_up_at: u32;
override scores_at: u32;
// What workgroups show each other of the residual, after attention and after the FFN.
@if(grid) override attention_residual_at: u32;
@if(grid) override ffn_residual_at: u32;

struct Vector {
  at: u32,
  length: u32,
}

struct Eight {
  low: vec4f,
  high: vec4f,
}

fn qkv_vector() -> Vector { return Vector(qkv_at, (heads + 2u * kv_heads) * head_dim); }
fn attended_vector() -> Vector { return Vector(attended_at, heads * head_dim); }
fn activated_vector() -> Vector { return Vector(activated_at, ffn); }
fn projected_vector() -> Vector { return Vector(projected_at, hidden); }
fn gate_up_vector() -> Vector { return Vector(gate_up_at, 2u * ffn); }

@if(grid) fn attention_residual() -> Vector { return Vector(attention_residual_at, hidden); }
@else fn attention_residual() -> Vector { return Vector(residual_at, hidden); }
@if(grid) fn ffn_residual() -> Vector { return Vector(ffn_residual_at, hidden); }
@else fn ffn_residual() -> Vector { return Vector(residual_at, hidden); }

fn word_of(vector: Vector, element: u32) -> u32 {
  return vector.at + (element % 8u) * (vector.length / 8u) + element / 8u;
}

@if(!grid)
fn put(vector: Vector, element: u32, value: f32, stamp: u32) {
  activations[word_of(vector, element)] = value;
}

@if(!grid)
fn take(vector: Vector, element: u32) -> f32 {
  return activations[word_of(vector, element)];
}

// Sets elements 8 · eight to 8 · eight + 7.
@if(!grid)
fn put_eight(vector: Vector, eight: u32, values: Eight) {
  for (var i = 0u; i < 4u; i++) {
    put(vector, 8u * eight + i, values.low[i], 0u);
    put(vector, 8u * eight + 4u + i, values.high[i], 0u);
  }
}

// Elements `element` to `element` + 3, where `element` is a multiple of four.
@if(!grid)
fn take_four(vector: Vector, element: u32, stamp: u32) -> vec4f {
  let at = word_of(vector, element);
  let stride = vector.length / 8u;
  return vec4f(activations[at], activations[at + stride], activations[at + 2u * stride], activations[at + 3u * stride]);
}

// Elements 8 · eight to 8 · eight + 7.
@if(!grid)
fn take_eight(vector: Vector, eight: u32, stamp: u32) -> Eight {
  let at = vector.at + eight;
  let stride = vector.length / 8u;
  return Eight(
    vec4f(activations[at], activations[at + stride], activations[at + 2u * stride], activations[at + 3u * stride]),
    vec4f(
      activations[at + 4u * stride], activations[at + 5u * stride],
      activations[at + 6u * stride], activations[at + 7u * stride]));
}

// An element of the residual, as the invocation that owns it left it.
@if(!grid)
fn own_residual(row: u32) -> f32 {
  return activations[word_of(Vector(residual_at, hidden), row)];
}

// Sets an element of the residual, and shows it as `vector`.
@if(!grid)
fn set_residual(vector: Vector, row: u32, value: f32, stamp: u32) {
  activations[word_of(vector, row)] = value;
}

@if(!grid) fn store_logit(index: u32, value: f32) { activations[logits_at + index] = value; }

// The best logit of a workgroup: its bits and the token, in words that hold 16 bits each where they are stamped.
@if(!grid)
fn put_best(workgroup: u32, best: Candidate, stamp: u32) {
  activations[bests_at + 4u * workgroup] = best.value;
  activations[bests_at + 4u * workgroup + 1u] = f32(best.index);
}

@if(!grid)
fn take_best(workgroup: u32, stamp: u32) -> Candidate {
  return Candidate(activations[bests_at + 4u * workgroup], u32(activations[bests_at + 4u * workgroup + 1u]));
}

// The stamp of exchange number `exchange`, never 0: memory starts with zeros.
fn stamp_of(exchange: u32) -> u32 {
  return 1u + exchange % 255u;
}

// How often an invocation looks for a word before it gives up.
@if(grid) override spin_limit: u32;

@if(grid) var<private> gave_up: bool;

@if(grid)
fn put(vector: Vector, element: u32, value: f32, stamp: u32) {
  atomicStore(&activations[word_of(vector, element)], stamped(value, stamp));
}

@if(grid)
fn stamped(value: f32, stamp: u32) -> u32 {
  let bits = bitcast<u32>(value);
  let infinite = (bits & 0x7f800000u) == 0x7f800000u; // rounding would make a NaN a number
  return (select(bits + 0x80u, bits, infinite) & 0xffffff00u) | stamp;
}

@if(grid)
fn unstamped(word: vec4u) -> vec4f {
  return bitcast<vec4f>(word & vec4u(0xffffff00u));
}

// Whether to look again, after `spins` looks in vain.
@if(grid)
fn keep_waiting(spins: u32) -> bool {
  if (gave_up) { return false; }
  if (spins % 64u == 63u && read_state(poison_at) != 0u) { gave_up = true; }
  if (spins >= spin_limit) {
    write_state(poison_at, 1u);
    gave_up = true;
  }
  return !gave_up;
}

@if(grid)
fn take_word(at: u32, stamp: u32) -> u32 {
  var word = atomicLoad(&activations[at]);
  for (var spins = 0u; (word & 0xffu) != stamp && keep_waiting(spins); spins++) {
    word = atomicLoad(&activations[at]);
  }
  return word;
}

@if(grid)
fn take_four(vector: Vector, element: u32, stamp: u32) -> vec4f {
  let at = word_of(vector, element);
  let stride = vector.length / 8u;
  var words = load_four(at, stride);
  for (var spins = 0u; !all_stamped(words ^ vec4u(stamp)) && keep_waiting(spins); spins++) {
    words = load_four(at, stride);
  }
  return unstamped(words);
}

@if(grid)
fn take_eight(vector: Vector, eight: u32, stamp: u32) -> Eight {
  let at = vector.at + eight;
  let stride = vector.length / 8u;
  var low = load_four(at, stride);
  var high = load_four(at + 4u * stride, stride);
  for (var spins = 0u; !all_stamped((low ^ vec4u(stamp)) | (high ^ vec4u(stamp))) && keep_waiting(spins); spins++) {
    low = load_four(at, stride);
    high = load_four(at + 4u * stride, stride);
  }
  return Eight(unstamped(low), unstamped(high));
}

@if(grid)
fn load_four(at: u32, stride: u32) -> vec4u {
  return vec4u(
    atomicLoad(&activations[at]), atomicLoad(&activations[at + stride]),
    atomicLoad(&activations[at + 2u * stride]), atomicLoad(&activations[at + 3u * stride]));
}

// Whether four words bear a stamp, given what differs from it.
@if(grid)
fn all_stamped(difference: vec4u) -> bool {
  return ((difference.x | difference.y | difference.z | difference.w) & 0xffu) == 0u;
}

// The residual itself stays exact: the invocation that owns an element is the only one that touches it.
@if(grid)
fn own_residual(row: u32) -> f32 {
  return bitcast<f32>(atomicLoad(&activations[residual_at + row]));
}

@if(grid)
fn set_residual(vector: Vector, row: u32, value: f32, stamp: u32) {
  put(vector, row, value, stamp);
  atomicStore(&activations[residual_at + row], bitcast<u32>(value));
}

@if(grid) fn store_logit(index: u32, value: f32) { atomicStore(&activations[logits_at + index], bitcast<u32>(value)); }

@if(grid)
fn put_best(workgroup: u32, best: Candidate, stamp: u32) {
  let bits = bitcast<u32>(best.value);
  let at = bests_at + 4u * workgroup;
  atomicStore(&activations[at], ((bits >> 16u) << 8u) | stamp);
  atomicStore(&activations[at + 1u], ((bits & 0xffffu) << 8u) | stamp);
  atomicStore(&activations[at + 2u], ((best.index >> 16u) << 8u) | stamp);
  atomicStore(&activations[at + 3u], ((best.index & 0xffffu) << 8u) | stamp);
}

@if(grid)
fn take_best(workgroup: u32, stamp: u32) -> Candidate {
  let at = bests_at + 4u * workgroup;
  let value = (take_half(at, stamp) << 16u) | take_half(at + 1u, stamp);
  return Candidate(bitcast<f32>(value), (take_half(at + 2u, stamp) << 16u) | take_half(at + 3u, stamp));
}

@if(grid)
fn take_half(at: u32, stamp: u32) -> u32 {
  return (take_word(at, stamp) >> 8u) & 0xffffu;
}
