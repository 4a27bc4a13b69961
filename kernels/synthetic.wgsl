// Fills one tensor of a weight blob with synthetic weights: a pure function of the tensor's key and the index, the
// same as synthetic.ts computes on the CPU, so nothing is downloaded and any element can be checked.
//
// `blob` is the blob as words; `fill` says which tensor. Launched with one invocation a word, 256 to a workgroup, in
// up to two dimensions.

struct Fill {
  // First word of the tensor in the blob, and how many.
  start: u32,
  count: u32,
  key: u32,
  // 0: eight nibbles a word; 1: two float16 scales a word; 2: two float16 norm weights a word.
  kind: u32,
  // Exponent of the scales, −14 to 15.
  exponent: i32,
  // How many 16-bit values there are: the last word of an odd number holds one.
  halves: u32,
}

@group(0) @binding(0) var<storage, read_write> blob: array<u32>;
@group(0) @binding(1) var<uniform> fill: Fill;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 256u;
  if (index >= fill.count) { return; }
  var word = 0u;
  switch fill.kind {
    case 0u: { word = nibbles(index); }
    default: { word = half(2u * index) | (half(2u * index + 1u) << 16u); }
  }
  blob[fill.start + index] = word;
}

// The finaliser "lowbias32" (Chris Wellons, hash-prospector).
fn mix(value: u32) -> u32 {
  var x = value;
  x ^= x >> 16u;
  x *= 0x7feb352du;
  x ^= x >> 15u;
  x *= 0x846ca68bu;
  x ^= x >> 16u;
  return x;
}

// Nibbles 0 to 14, as a quantiser makes them: a 15 becomes the zero, 7.
fn nibbles(index: u32) -> u32 {
  let word = mix(fill.key + index);
  let fifteens = word & (word >> 1u) & (word >> 2u) & (word >> 3u) & 0x11111111u;
  return word ^ (fifteens << 3u);
}

// A float16: a scale 2^exponent · (1 + k/8), or a norm weight k/16 with k from 8 to 23.
fn half(index: u32) -> u32 {
  if (index >= fill.halves) { return 0u; }
  if (fill.kind == 1u) {
    return (u32(fill.exponent + 15) << 10u) | ((mix((fill.key ^ 0x5ca1ab1eu) + index) >> 29u) << 7u);
  }
  return pack2x16float(vec2f(f32(mix(fill.key + index) >> 28u) / 16.0 + 0.5, 0.0)) & 0xffffu;
}
