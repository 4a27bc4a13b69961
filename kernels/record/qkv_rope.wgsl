// Queries, keys and values in three passes, each of which copies the input to workgroup memory for itself: what
// stages/qkv_rope.wgsl does in one, to compare it with.

import package::lib::activations::{put, qkv_vector, ffn_residual};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, normed_input, units_together, dealt_unit, slots_of, Rows};
import package::lib::model::{rotations, heads, kv_heads, head_dim, Blob};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::other_lane;
import package::lib::sync::end_stage;
import package::stages::qkv_rope::{qkv_rows, qkv_scales, qkv_words, turn};
import package::stages::rms_norm::attention_norm;

fn qkv_rope_in_passes(workgroup: Workgroup, invocation: Invocation, blob: Blob, position: u32, stamp: u32) {
  rotated_heads(workgroup, invocation, blob, position, 0u, heads, stamp);
  end_stage();
  rotated_heads(workgroup, invocation, blob, position, heads, heads + kv_heads, stamp);
  end_stage();
  rotated_heads(workgroup, invocation, blob, position, heads + kv_heads, heads + 2u * kv_heads, stamp);
}

// Heads `first` to `last` − 1 of the vector of queries, keys and values.
fn rotated_heads(
  workgroup: Workgroup, invocation: Invocation, blob: Blob, position: u32, first: u32, last: u32, stamp: u32
) {
  let input = normed_input(ffn_residual(), blob, attention_norm, stamp);
  let matrix =
    Matrix(blob.slot, blob.start + qkv_words, blob.start * 8u + qkv_scales, input.vector.length / 32u);
  let half_dim = head_dim / 2u;
  let unit_pairs = qkv_rows / 2u;
  let half_slots = slots_of(qkv_rows) / 2u;
  let units = (last - first) * half_dim / unit_pairs;
  for (var start = 0u; start < units; start += units_together(workgroup)) {
    let unit = start + dealt_unit(workgroup, invocation);
    let head = first + unit / (half_dim / unit_pairs);
    let element = unit % (half_dim / unit_pairs) * unit_pairs;
    let mine = min(element + invocation.lane % half_slots, half_dim - 1u);
    let row = head * head_dim + element;
    let dot = dot_rows(matrix, Rows(row, row + half_dim), qkv_rows, input, start == 0u, unit < units, invocation);
    let partner = other_lane(dot, half_slots, invocation);
    if (invocation.lane < 2u * half_slots && invocation.lane % half_slots < unit_pairs && unit < units) {
      let is_second = invocation.lane >= half_slots;
      let turned = turn(dot, partner, is_second, head, rotations[position * half_dim + mine]);
      put(qkv_vector(), head * head_dim + mine + select(0u, half_dim, is_second), turned, stamp);
    }
  }
}
