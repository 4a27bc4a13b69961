// The workgroups of one dispatch hand each other all values `rounds` times: each publishes its share, all meet at a
// barrier that counts arrivals, and each takes all values.
//
// The barrier publishes nothing but its counter, so that the values are there after it is a hope, which the sum in
// `totals` checks. Bindings: waiting.wgsl and values.wgsl. Launched as any number of workgroups that are resident
// together.

import package::probe::waiting::grid_barrier;
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
    for (var i = first_of(workgroup.x, workgroups.x) + invocation; i < end; i += 256u) {
      atomicStore(&words[place_of(round, i)], bitcast<u32>(next_value(i)));
    }
    grid_barrier(round, workgroups.x, invocation);
    for (var i = 0u; i < each; i += 1u) {
      let index = 256u * i + invocation;
      taken[index] = bitcast<f32>(atomicLoad(&words[place_of(round, index)]));
    }
    workgroupBarrier();
    sum += sum_taken(invocation);
  }
  atomicAdd(&totals[workgroup.x], sum);
}
