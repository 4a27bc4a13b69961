// (query, key, value) = W normed, then query and key are rotated (RoPE, rotate-half: element i of a head pairs with
// i + head_dim / 2). query[heads × head_dim] is already divided by √head_dim; key and value are [kv_heads × head_dim].
//
// A team of four rows takes two such pairs at a time: rows i, i + 1 of a head and their partners.

import package::lib::model::{rotations, heads, kv_heads, head_dim, Blob};
import package::lib::activations::{put, qkv_vector, ffn_residual};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, normed_input, pair_rows, pair_dots, count_rounds, deal_unit};
import package::lib::place::{Workgroup, Invocation};
import package::stages::rms_norm::attention_norm;

override qkv_words: u32;
override qkv_scales: u32;
// Rows of a team: 2 or 4.
override qkv_rows: u32;

fn qkv_rope(workgroup: Workgroup, invocation: Invocation, blob: Blob, position: u32, stamp: u32) {
  let input = normed_input(ffn_residual(), blob, attention_norm, stamp);
  let matrix =
    Matrix(blob.slot, blob.start + qkv_words, blob.start * 8u + qkv_scales, input.vector.length / 32u);
  let half_dim = head_dim / 2u;
  let unit_pairs = qkv_rows / 2u;
  let units = (heads + 2u * kv_heads) * half_dim / unit_pairs;
  for (var round = 0u; round < count_rounds(units, workgroup); round++) {
    let unit = deal_unit(round, workgroup, invocation);
    let pair = unit * unit_pairs;
    let head = pair / half_dim;
    let element = pair % half_dim;
    let row = head * head_dim + element;
    let rows = pair_rows(row, row + half_dim, qkv_rows);
    let dots = pair_dots(dot_rows(matrix, rows, qkv_rows, input, round == 0u, unit < units, invocation), qkv_rows);
    if (invocation.lane == 0u && unit < units) {
      put_pair(head, element, dots.x, dots.y, position, stamp);
      if (unit_pairs == 2u) { put_pair(head, element + 1u, dots.z, dots.w, position, stamp); }
    }
  }
}

fn put_pair(head: u32, element: u32, low: f32, high: f32, position: u32, stamp: u32) {
  let half_dim = head_dim / 2u;
  let at = head * head_dim + element;
  var pair = vec2f(low, high);
  if (head < heads + kv_heads) {
    let turn = rotations[position * half_dim + element];
    pair = vec2f(low * turn.x - high * turn.y, high * turn.x + low * turn.y);
  }
  if (head < heads) { pair *= inverseSqrt(f32(head_dim)); }
  put(qkv_vector(), at, pair.x, stamp);
  put(qkv_vector(), at + half_dim, pair.y, stamp);
}
