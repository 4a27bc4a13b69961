// How workgroups of one dispatch wait for each other, within bounds: after `poll_limit` polls a wait gives up and
// sets `stalled`, which is never reset. Every other wait looks at it and gives up too, so a dispatch ends although
// some of its workgroups are not resident, and the host discards what it computed.
//
// WebGPU does not promise that two workgroups are ever resident together. Atomics in WGSL are relaxed: they publish
// themselves and nothing else.

@group(0) @binding(0) var<storage, read_write> stalled: atomic<u32>;

// One for each time that a workgroup arrives at a barrier. Zero when a dispatch begins.
@group(0) @binding(1) var<storage, read_write> arrived: atomic<u32>;

override poll_limit: u32;

// Whether this invocation has given up: it then waits for nothing any more.
var<private> gave_up = false;

// Whether a wait that has polled in vain `polls` times goes on. A short wait has no time to look at `stalled`.
fn keeps_waiting(polls: u32) -> bool {
  if (polls == poll_limit) {
    atomicStore(&stalled, 1u);
    gave_up = true;
  }
  if (polls % 64u == 8u && atomicLoad(&stalled) != 0u) { gave_up = true; }
  return !gave_up;
}

// The barrier: arrive, then wait until all workgroups have done so `rounds` times since the dispatch began. All
// invocations call it together. Returns, to invocation 0, how many arrivals it has seen.
fn grid_barrier(rounds: u32, workgroups: u32, invocation: u32) -> u32 {
  storageBarrier();
  workgroupBarrier();
  var count = 0u;
  if (invocation == 0u) {
    count = atomicAdd(&arrived, 1u) + 1u;
    for (var polls = 0u; count < rounds * workgroups && keeps_waiting(polls); polls += 1u) {
      count = atomicLoad(&arrived);
    }
  }
  storageBarrier();
  workgroupBarrier();
  return count;
}
