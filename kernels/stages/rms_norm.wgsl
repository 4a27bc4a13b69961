// normed[hidden] = residual / √(mean(residual²) + ε) · weight, weight being float16 at `weights_at` of the blob.
//
// Every workgroup sums all squares and writes its own part.

import package::lib::model::{activations, weight_half, hidden, epsilon, workgroup_size, residual_at, normed_at, Blob};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::workgroup_add;

// Float16 offsets of the three kinds of norm in their blobs.
override attention_norm: u32;
override ffn_norm: u32;
override final_norm: u32;

fn rms_norm(workgroup: Workgroup, invocation: Invocation, blob: Blob, weights_at: u32) {
  var squares = 0.0;
  for (var i = invocation.index; i < hidden; i += workgroup_size) {
    let value = activations[residual_at + i];
    squares = fma(value, value, squares);
  }
  let factor = inverseSqrt(workgroup_add(squares, invocation) / f32(hidden) + epsilon);
  for (var i = workgroup.index * workgroup_size + invocation.index; i < hidden; i += workgroup.count * workgroup_size) {
    activations[normed_at + i] = activations[residual_at + i] * factor * weight_half(blob.slot, blob.start * 8u + weights_at + i);
  }
}
