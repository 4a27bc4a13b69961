// A dispatch that does nothing which another could see: what a dispatch costs when nothing has to wait for it.
//
// `values` is bound for reading only, so that no barrier is needed between two dispatches.
// Launched as one workgroup.

@group(0) @binding(0) var<storage, read> values: array<u32>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) invocation: u32) {
  _ = values[invocation];
}
