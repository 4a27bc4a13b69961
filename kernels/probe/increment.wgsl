// values[i] += 1, for 256 values: a dispatch that needs what the one before it wrote. After N dispatches every value
// has grown by N, and by less if two of them ran at the same time.
//
// Launched as one workgroup.

@group(0) @binding(0) var<storage, read_write> values: array<u32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) invocation: u32) {
  values[invocation] += 1u;
}
