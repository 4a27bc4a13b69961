// normed[hidden] = residual / √(mean(residual²) + ε) · weight, weight being float16 at `weights_at` of the blob.
//
// Every workgroup sums all squares and writes its own part.

import package::lib::model::{weight_vector, hidden, epsilon, workgroup_size, Blob};
import package::lib::activations::{put, take_eight, Vector, Eight, residual_at, normed_at};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::workgroup_add;

// Float16 offsets of the three kinds of norm in their blobs.
override attention_norm: u32;
override ffn_norm: u32;
override final_norm: u32;

fn rms_norm(workgroup: Workgroup, invocation: Invocation, blob: Blob, weights_at: u32) {
  let residual = Vector(residual_at, hidden);
  let eights = hidden / 8u;
  var squares = 0.0;
  for (var i = invocation.index; i < eights; i += workgroup_size) {
    let eight = take_eight(residual, i, 0u);
    squares += dot(eight.low, eight.low) + dot(eight.high, eight.high);
  }
  let factor = inverseSqrt(workgroup_add(squares, invocation) / f32(hidden) + epsilon);
  for (var i = workgroup.index * workgroup_size + invocation.index; i < eights; i += workgroup.count * workgroup_size) {
    let eight = take_eight(residual, i, 0u);
    let weights = norm_weights(blob.slot, blob.start + weights_at / 8u + i);
    let low = eight.low * factor * weights.low;
    let high = eight.high * factor * weights.high;
    for (var j = 0u; j < 4u; j++) {
      put(Vector(normed_at, hidden), 8u * i + j, low[j], 0u);
      put(Vector(normed_at, hidden), 8u * i + 4u + j, high[j], 0u);
    }
  }
}

// Eight weights of a norm, by vec4u index in their buffer.
fn norm_weights(slot: u32, index: u32) -> Eight {
  let words = weight_vector(slot, index);
  return Eight(
    vec4f(unpack2x16float(words.x), unpack2x16float(words.y)),
    vec4f(unpack2x16float(words.z), unpack2x16float(words.w)));
}
