// The workgroups of one dispatch hand each other all values `rounds` times, with no barrier between them: a value
// travels with the number of its round in one atomic word, so a word of the expected round is a value that has
// arrived. Each workgroup publishes its share and takes all values.
//
// A word has the upper 24 bits of a float and 8 bits of the round, so that it is right by itself; NCCL calls the idea
// LL. `words` is zero when the dispatch begins. Bindings: `stalled` of waiting.wgsl; values.wgsl. Launched as any number
// of workgroups that are resident together.

import package::probe::waiting::keeps_waiting;
import package::probe::values::{each, taken, totals, words, rounds};
import package::probe::values::{set_first_values, first_of, next_value, place_of, sum_taken};

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  @builtin(local_invocation_index) invocation: u32
) {
  set_first_values(invocation);
  let end = first_of(workgroup.x + 1u, workgroups.x);
  var sum = 0u;
  for (var round = 1u; round <= rounds; round += 1u) {
    let tag = round & 255u;
    for (var i = first_of(workgroup.x, workgroups.x) + invocation; i < end; i += 256u) {
      atomicStore(&words[place_of(round, i)], (bitcast<u32>(next_value(i)) & 0xffffff00u) | tag);
    }
    workgroupBarrier(); // all of `taken` has been used
    var missing = true;
    for (var polls = 0u; missing && keeps_waiting(polls); polls += 1u) {
      missing = false;
      for (var i = 0u; i < each; i += 1u) {
        let index = 256u * i + invocation;
        let word = atomicLoad(&words[place_of(round, index)]);
        if ((word & 255u) != tag) { missing = true; }
        taken[index] = bitcast<f32>(word & 0xffffff00u);
      }
    }
    workgroupBarrier();
    sum += sum_taken(invocation);
  }
  atomicAdd(&totals[workgroup.x], sum);
}
