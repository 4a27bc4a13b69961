// The workgroups of one dispatch call the roll `rounds` times: each says that it is there, and waits for all the others.
//
// What decides how many can answer together is set at compile time: the invocations of a workgroup, and the words of
// workgroup memory that it holds, at least one for each invocation. Each workgroup adds the number of rounds in which it
// saw that all had answered to `totals[workgroup]`. Bindings: waiting.wgsl, and `totals`. Launched as any number of
// workgroups; they all answer only where all are resident together.

import package::probe::waiting::grid_barrier;

@group(0) @binding(2) var<storage, read_write> totals: array<u32>;

override rounds: u32;
override workgroup_size: u32;
override held_words: u32;

// Written and read, so that no compiler leaves it out.
var<workgroup> held: array<u32, held_words>;

@compute @workgroup_size(workgroup_size)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32
) {
  var complete = 0u;
  for (var round = 1u; round <= rounds; round += 1u) {
    held[(invocation + round) % held_words] = round;
    if (grid_barrier(round, workgroups.x, invocation) >= round * workgroups.x) { complete += 1u; }
    // No word is of a later round.
    if (held[(invocation * 7u + round) % held_words] > round) { complete = 0u; }
    workgroupBarrier();
  }
  if (invocation == 0u) { totals[workgroup.x] += complete; }
}
