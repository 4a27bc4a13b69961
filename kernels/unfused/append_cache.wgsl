// Row `position` of the cached keys and of the cached values, [context][kv_heads × head_dim] each = key and value.
//
// Bindings: lib/model.wgsl. Launched once a layer with its part of the KV cache, an invocation to four elements of
// either.

import package::lib::model::{cache, workgroup_size, heads, kv_heads, head_dim, context};
import package::lib::activations::{take_four, qkv_vector};
import package::lib::sequence::current_position;
import package::stages::attention::head_vectors;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup_id: vec3u,
  @builtin(local_invocation_index) invocation_index: u32
) {
  let position = current_position(invocation_index);
  let stride = kv_heads * head_vectors;
  let vector = workgroup_id.x * workgroup_size + invocation_index;
  if (vector < stride) {
    cache[position * stride + vector] = take_four(qkv_vector(), heads * head_dim + 4u * vector, 0u);
    cache[(context + position) * stride + vector] =
      take_four(qkv_vector(), (heads + kv_heads) * head_dim + 4u * vector, 0u);
  }
}
