// How fast this device reads memory: every vec4u of `data` is read once and all words are added up.
//
// `data` holds the word i at index i, so the sum is known and a kernel that skipped anything is caught.
// Launched as any number of workgroups of `workgroup_size`, a power of two; neighbouring invocations read neighbouring
// vectors, and each has eight loads under way together, which no condition parts.

@group(0) @binding(0) var<storage, read> data: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> total: atomic<u32>;

override vectors: u32;
override workgroup_size: u32 = 256u;

var<workgroup> sums: array<u32, workgroup_size>;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32
) {
  let stride = workgroups.x * workgroup_size;
  var sum = vec4u(0u);
  var i = id.x;
  for (; i + 7u * stride < vectors; i += 8u * stride) {
    let a = data[i];
    let b = data[i + stride];
    let c = data[i + 2u * stride];
    let d = data[i + 3u * stride];
    let e = data[i + 4u * stride];
    let f = data[i + 5u * stride];
    let g = data[i + 6u * stride];
    let h = data[i + 7u * stride];
    sum += a + b + c + d + e + f + g + h;
  }
  for (; i < vectors; i += stride) { sum += data[i]; }
  sums[invocation] = sum.x + sum.y + sum.z + sum.w;
  for (var half = workgroup_size / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (invocation < half) { sums[invocation] += sums[invocation + half]; }
  }
  if (invocation == 0u) { atomicAdd(&total, sums[0]); }
}
