// The workgroups of one dispatch wait for each other `rounds` times, at a barrier that counts arrivals.
//
// Each workgroup adds the number of rounds in which it saw that all had arrived to `totals[workgroup]`. Bindings:
// waiting.wgsl, and `totals`. Launched as any number of workgroups that are resident together.

import package::probe::waiting::grid_barrier;

@group(0) @binding(2) var<storage, read_write> totals: array<u32>;

override rounds: u32;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32
) {
  var complete = 0u;
  for (var round = 1u; round <= rounds; round += 1u) {
    if (grid_barrier(round, workgroups.x, invocation) >= round * workgroups.x) { complete += 1u; }
  }
  if (invocation == 0u) { totals[workgroup.x] += complete; }
}
