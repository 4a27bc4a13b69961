// qkv = W normed, then query and key are rotated (RoPE, rotate-half: element i of a head pairs with i + head_dim / 2).
// query[heads × head_dim] goes to the activations, already divided by √head_dim; key and value go to the cache.
//
// A team of four rows takes two such pairs at a time: rows i, i + 1 of a head and their partners.

import package::lib::model::{
  activations, cache, rotations, hidden, heads, kv_heads, head_dim, context, normed_at, query_at, Blob
};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, pair_rows, pair_dots, team_rows};
import package::lib::place::{Workgroup, Invocation};

override qkv_words: u32;
override qkv_scales: u32;

// `cache_at` is where this layer's part of the cache starts, in floats.
fn qkv_rope(workgroup: Workgroup, invocation: Invocation, blob: Blob, cache_at: u32, position: u32) {
  let matrix = Matrix(blob.slot, blob.start + qkv_words, blob.start * 8u + qkv_scales, hidden / 32u);
  let half_dim = head_dim / 2u;
  let pairs = (heads + 2u * kv_heads) * half_dim;
  let team_pairs = team_rows / 2u;
  let block_pairs = team_pairs * workgroup.teams;
  let blocks = (pairs + block_pairs - 1u) / block_pairs;
  for (var block = workgroup.index; block < blocks; block += workgroup.count) {
    let pair = block * block_pairs + team_pairs * invocation.team;
    let first = min(pair, pairs - team_pairs);
    let head = first / half_dim;
    let element = first % half_dim;
    let row = head * head_dim + element;
    let rows = pair_rows(row, row + half_dim);
    let dots = pair_dots(dot_rows(matrix, rows, hidden, normed_at, block == workgroup.index, invocation));
    if (invocation.lane == 0u && pair < pairs) {
      store_pair(head, element, dots.x, dots.y, cache_at, position);
      if (team_pairs == 2u) { store_pair(head, element + 1u, dots.z, dots.w, cache_at, position); }
    }
  }
}

fn store_pair(head: u32, element: u32, low: f32, high: f32, cache_at: u32, position: u32) {
  let half_dim = head_dim / 2u;
  if (head >= heads + kv_heads) {
    let values_at = cache_at + kv_heads * head_dim * (context + position) + (head - heads - kv_heads) * head_dim;
    cache[values_at + element] = low;
    cache[values_at + element + half_dim] = high;
    return;
  }
  let turn = rotations[position * half_dim + element];
  let turned = vec2f(low * turn.x - high * turn.y, high * turn.x + low * turn.y);
  if (head < heads) {
    let at = query_at + head * head_dim + element;
    let scaled = turned * inverseSqrt(f32(head_dim));
    activations[at] = scaled.x;
    activations[at + half_dim] = scaled.y;
  } else {
    let at = cache_at + ((head - heads) * head_dim + element) * context + position;
    cache[at] = turned.x;
    cache[at + half_dim * context] = turned.y;
  }
}
