// The buffers that every kernel of the model sees, and the numbers of the model.
//
// A weight blob holds tensors in the q4f16_1 layout (see int4.wgsl), each at an offset that layout.ts computes:
// a layer blob has qkv, o, gate_up, down and two norms; the ends blob has embedding, lm_head and the final norm.
// A fused kernel binds the layer blobs back to back in one to three buffers, and the ends; a staged kernel binds
// the one blob its dispatch reads.

@group(0) @binding(0) var<storage, read> weights_0: array<vec4u>;
@if(ends) @group(0) @binding(1) var<storage, read> ends: array<vec4u>;
// [context][head_dim / 2] of (cosine, sine)
@group(0) @binding(2) var<storage, read> rotations: array<vec2f>;
// layers × (keys, values), each [context][kv_heads × head_dim]
@group(0) @binding(3) var<storage, read_write> cache: array<vec4f>;
// see activations.wgsl
@if(!grid) @group(0) @binding(4) var<storage, read_write> activations: array<f32>;
@if(grid) @group(0) @binding(4) var<storage, read_write> activations: array<atomic<u32>>;
// see sequence.wgsl
@if(!grid) @group(0) @binding(5) var<storage, read_write> state: array<u32>;
@if(grid) @group(0) @binding(5) var<storage, read_write> state: array<atomic<u32>>;
@if(slots_2 || slots_3) @group(0) @binding(6) var<storage, read> weights_1: array<vec4u>;
@if(slots_3) @group(0) @binding(7) var<storage, read> weights_2: array<vec4u>;

override hidden: u32;
override layers: u32;
override heads: u32;
override kv_heads: u32;
override head_dim: u32;
override ffn: u32;
override vocabulary: u32;
override context: u32;
override epsilon: f32;

override workgroup_size: u32;

// The slot that stands for the ends blob.
const ends_slot = 3u;

// Where a layer's blob starts: which buffer, and the first vec4u in it. `layers_per_slot` blobs share a buffer.
struct Blob {
  slot: u32,
  start: u32,
}

override layers_per_slot: u32;
override layer_vectors: u32;

// Where there is one buffer its number is a constant, so that no load has to ask.
@if(!slots_2 && !slots_3)
fn layer_blob(layer: u32) -> Blob {
  return Blob(0u, layer * layer_vectors);
}

@if(slots_2 || slots_3)
fn layer_blob(layer: u32) -> Blob {
  let slot = layer / layers_per_slot;
  return Blob(slot, (layer - slot * layers_per_slot) * layer_vectors);
}

fn ends_blob() -> Blob {
  return Blob(ends_slot, 0u);
}

// Sixteen bytes of a blob, by vec4u index in its buffer.
fn weight_vector(slot: u32, index: u32) -> vec4u {
  @if(ends) { if (slot == ends_slot) { return ends[index]; } }
  @if(slots_2 || slots_3) { if (slot == 1u) { return weights_1[index]; } }
  @if(slots_3) { if (slot == 2u) { return weights_2[index]; } }
  return weights_0[index];
}

// Four bytes of a blob, by word index in its buffer.
fn weight_word(slot: u32, index: u32) -> u32 {
  @if(ends) { if (slot == ends_slot) { return ends[index >> 2u][index & 3u]; } }
  @if(slots_2 || slots_3) { if (slot == 1u) { return weights_1[index >> 2u][index & 3u]; } }
  @if(slots_3) { if (slot == 2u) { return weights_2[index >> 2u][index & 3u]; } }
  return weights_0[index >> 2u][index & 3u];
}
