// Expands a matrix from int4 to floats, once, before anything is decoded: (nibble − 7) · scale.
//
// `quantised` is the blob that the matrix comes from, `expanded` the one that it goes to, `matrix` says where it is in
// them. Launched with one invocation for eight weights, 256 to a workgroup, in up to two dimensions: a dispatch may have
// 65,535 workgroups in one, and a larger one is rejected whole.

struct Matrix {
  // First word of the nibbles, and the index of the first scale as a float16.
  words: u32,
  scales: u32,
  // First vector of sixteen bytes that is written.
  target_vector: u32,
  // Words of nibbles.
  count: u32,
}

@group(0) @binding(0) var<storage, read> quantised: array<u32>;
@group(0) @binding(1) var<storage, read_write> expanded: array<vec4u>;
@group(0) @binding(2) var<uniform> matrix: Matrix;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 256u;
  if (index >= matrix.count) { return; }
  let word = quantised[matrix.words + index];
  let at = matrix.scales + index / 4u; // a scale for four words
  let scale = unpack2x16float(quantised[at >> 1u] >> (16u * (at & 1u))).x;
  let low = (vec4f(vec4u(word, word >> 4u, word >> 8u, word >> 12u) & vec4u(15u)) - 7.0) * scale;
  let high = (vec4f(vec4u(word >> 16u, word >> 20u, word >> 24u, word >> 28u) & vec4u(15u)) - 7.0) * scale;
  write_eight(index, low, high);
}

@if(!float16_weights)
fn write_eight(index: u32, low: vec4f, high: vec4f) {
  expanded[matrix.target_vector + 2u * index] = bitcast<vec4u>(low);
  expanded[matrix.target_vector + 2u * index + 1u] = bitcast<vec4u>(high);
}

@if(float16_weights)
fn write_eight(index: u32, low: vec4f, high: vec4f) {
  expanded[matrix.target_vector + index] =
    vec4u(pack2x16float(low.xy), pack2x16float(low.zw), pack2x16float(high.xy), pack2x16float(high.zw));
}
