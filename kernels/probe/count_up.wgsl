// data[i] = i, for the probes that check what they read. Launched with one invocation a word, 256 to a workgroup, in
// up to two dimensions.

@group(0) @binding(0) var<storage, read_write> data: array<u32>;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 256u;
  if (index < arrayLength(&data)) { data[index] = index; }
}
