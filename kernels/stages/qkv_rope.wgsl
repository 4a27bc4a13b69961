// (query, key, value) = W normed, then query and key are rotated (RoPE, rotate-half: element i of a head pairs with
// i + head_dim / 2). query[heads × head_dim] is already divided by √head_dim; key and value are [kv_heads × head_dim].
//
// A team of four rows takes two such pairs at a time: rows i, i + 1 of a head and their partners.

import package::lib::model::{rotations, heads, kv_heads, head_dim, Blob};
import package::lib::activations::{put, qkv_vector, ffn_residual};
@if(!grid) import package::lib::activations::take;
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, normed_input, units_together, dealt_unit, slots_of, Rows};
import package::lib::reduce::other_lane;
import package::lib::place::{Workgroup, Invocation};
import package::stages::rms_norm::attention_norm;
@if(qkv_passes) import package::record::qkv_rope::qkv_rope_in_passes;

override qkv_words: u32;
override qkv_scales: u32;
// Rows of a team: 2, 4, 8, or 6 where three divide half a head.
override qkv_rows: u32;

@if(!qkv_passes)
fn qkv_rope(workgroup: Workgroup, invocation: Invocation, blob: Blob, position: u32, stamp: u32) {
  let input = normed_input(ffn_residual(), blob, attention_norm, stamp);
  let matrix =
    Matrix(blob.slot, blob.start + qkv_words, blob.start * 8u + qkv_scales, input.vector.length / 32u);
  let half_dim = head_dim / 2u;
  let unit_pairs = qkv_rows / 2u;
  let half_slots = slots_of(qkv_rows) / 2u;
  let units = (heads + 2u * kv_heads) * half_dim / unit_pairs;
  for (var start = 0u; start < units; start += units_together(workgroup)) {
    let unit = start + dealt_unit(workgroup, invocation);
    let head = unit / (half_dim / unit_pairs);
    let element = unit % (half_dim / unit_pairs) * unit_pairs;
    let mine = min(element + invocation.lane % half_slots, half_dim - 1u);
    let rotation = rotations[position * half_dim + mine]; // under way before the wait
    let row = head * head_dim + element;
    let dot = dot_rows(matrix, Rows(row, row + half_dim), qkv_rows, input, start == 0u, unit < units, invocation);
    let partner = other_lane(dot, half_slots, invocation);
    if (invocation.lane < 2u * half_slots && invocation.lane % half_slots < unit_pairs && unit < units) {
      let is_second = invocation.lane >= half_slots;
      let turned = turn(dot, partner, is_second, head, rotation);
      put(qkv_vector(), head * head_dim + mine + select(0u, half_dim, is_second), turned, stamp);
    }
  }
}

@if(qkv_passes)
fn qkv_rope(workgroup: Workgroup, invocation: Invocation, blob: Blob, position: u32, stamp: u32) {
  qkv_rope_in_passes(workgroup, invocation, blob, position, stamp);
}

// Row `element` of a head, or its partner (`is_second`), after the rotation with the other of the pair.
fn turn(own: f32, other: f32, is_second: bool, head: u32, rotation: vec2f) -> f32 {
  if (head >= heads + kv_heads) { return own; }
  let turned = own * rotation.x + select(-other, other, is_second) * rotation.y;
  return select(turned, turned * inverseSqrt(f32(head_dim)), head < heads);
}

// The rotation alone, in place: pair `pair` of the `count` heads from `first` on.
@if(!grid)
fn rotate_pair(pair: u32, first: u32, count: u32, position: u32) {
  let half_dim = head_dim / 2u;
  if (pair >= count * half_dim) { return; }
  let head = first + pair / half_dim;
  let element = pair % half_dim;
  let rotation = rotations[position * half_dim + element];
  let at = head * head_dim + element;
  let own = take(qkv_vector(), at);
  let partner = take(qkv_vector(), at + half_dim);
  put(qkv_vector(), at, turn(own, partner, false, head, rotation), 0u);
  put(qkv_vector(), at + half_dim, turn(partner, own, true, head, rotation), 0u);
}
