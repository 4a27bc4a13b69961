// The end of a stage inside one dispatch: what every invocation wrote, all may read.

@if(grid) import package::lib::activations::keep_waiting;
@if(grid) import package::lib::model::state;
@if(grid) import package::lib::sequence::arrivals_at;

// With one workgroup a workgroup barrier is enough, and it is all that WGSL promises.
@if(!grid)
fn end_stage() {
  storageBarrier();
  workgroupBarrier();
}

// Waits until all `count` workgroups have called this since `state` was set, and poisons the sequence if they do not.
// One invocation of each calls it.
@if(grid)
fn roll_call(count: u32) {
  atomicAdd(&state[arrivals_at], 1u);
  for (var spins = 0u; atomicLoad(&state[arrivals_at]) < count && keep_waiting(spins); spins++) {}
}
