// Sums and maxima over four invocations, a team or a workgroup. Every invocation of the workgroup calls them together.

import package::lib::model::workgroup_size;
import package::lib::place::Invocation;
@if(!subgroups) import package::lib::place::team_lanes;

// One value a team, and a subgroup has four invocations at least.
@if(subgroups) var<workgroup> scratch: array<f32, workgroup_size / 4u>;
@if(!subgroups) var<workgroup> scratch: array<f32, workgroup_size>;
@if(!subgroups) var<workgroup> team_scratch: array<vec4f, workgroup_size>;

// The sum of `value` over each team, returned to all of it.
@if(subgroups)
fn team_add(value: vec4f, invocation: Invocation) -> vec4f {
  return subgroupAdd(value);
}

@if(!subgroups)
fn team_add(value: vec4f, invocation: Invocation) -> vec4f {
  workgroupBarrier();
  team_scratch[invocation.index] = value;
  for (var stride = team_lanes / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (invocation.lane < stride) {
      team_scratch[invocation.index] += team_scratch[invocation.index + stride];
    }
  }
  workgroupBarrier();
  return team_scratch[invocation.index - invocation.lane];
}

// The largest `value` of each team, returned to all of it.
@if(subgroups)
fn team_max(value: f32, invocation: Invocation) -> f32 {
  return subgroupMax(value);
}

@if(!subgroups)
fn team_max(value: f32, invocation: Invocation) -> f32 {
  workgroupBarrier();
  scratch[invocation.index] = value;
  for (var stride = team_lanes / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (invocation.lane < stride) {
      scratch[invocation.index] = max(scratch[invocation.index], scratch[invocation.index + stride]);
    }
  }
  workgroupBarrier();
  return scratch[invocation.index - invocation.lane];
}

// The sum of `value` over lanes 4 n to 4 n + 3 of a team.
@if(subgroups)
fn quad_add(value: f32, invocation: Invocation) -> f32 {
  let pair = value + quadSwapX(value);
  return pair + quadSwapY(pair);
}

@if(!subgroups)
fn quad_add(value: f32, invocation: Invocation) -> f32 {
  let at = gather_quad(value, invocation);
  return scratch[at] + scratch[at + 1u] + scratch[at + 2u] + scratch[at + 3u];
}

// The largest `value` of lanes 4 n to 4 n + 3 of a team.
@if(packed && subgroups)
fn quad_max(value: f32, invocation: Invocation) -> f32 {
  let pair = max(value, quadSwapX(value));
  return max(pair, quadSwapY(pair));
}

@if(packed && !subgroups)
fn quad_max(value: f32, invocation: Invocation) -> f32 {
  let at = gather_quad(value, invocation);
  return max(max(scratch[at], scratch[at + 1u]), max(scratch[at + 2u], scratch[at + 3u]));
}

@if(!subgroups)
fn gather_quad(value: f32, invocation: Invocation) -> u32 {
  workgroupBarrier();
  scratch[invocation.index] = value;
  workgroupBarrier();
  return invocation.index / 4u * 4u;
}

// The sum of `value` over the workgroup, returned to all.
fn workgroup_add(value: f32, invocation: Invocation) -> f32 {
  workgroupBarrier();
  leave_part(value, invocation);
  workgroupBarrier();
  return total_of_parts(invocation);
}

// The same in two steps, before and after a barrier of the caller's; nothing else uses `scratch` in between.
@if(subgroups)
fn leave_part(value: f32, invocation: Invocation) {
  let sum = subgroupAdd(value);
  if (invocation.lane == 0u) { scratch[invocation.team] = sum; }
}

@if(subgroups)
fn total_of_parts(invocation: Invocation) -> f32 {
  var sum = 0.0;
  for (var team = invocation.lane; team < workgroup_size / invocation.lanes; team += invocation.lanes) {
    sum += scratch[team];
  }
  return subgroupAdd(sum);
}

@if(!subgroups)
fn leave_part(value: f32, invocation: Invocation) {
  workgroupBarrier();
  scratch[invocation.index] = value;
}

@if(!subgroups)
fn total_of_parts(invocation: Invocation) -> f32 {
  for (var stride = workgroup_size / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (invocation.index < stride) {
      scratch[invocation.index] += scratch[invocation.index + stride];
    }
  }
  workgroupBarrier();
  return scratch[0];
}

// A value and its index. Of equal values the first is better.
struct Candidate {
  value: f32,
  index: u32,
}

// For stages that look for the best of what many invocations have.
var<workgroup> candidates: array<Candidate, workgroup_size / 4u>;

fn better_of(a: Candidate, b: Candidate) -> Candidate {
  if (b.value > a.value || (b.value == a.value && b.index < a.index)) { return b; }
  return a;
}
