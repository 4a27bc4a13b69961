// Sums and maxima over a team or a workgroup. Every invocation of the workgroup calls them together.

import package::lib::model::workgroup_size;
import package::lib::place::Invocation;
@if(!subgroups) import package::lib::place::team_lanes;

// One value a team, and a subgroup has four invocations at least.
@if(subgroups) var<workgroup> scratch: array<f32, workgroup_size / 4u>;
@if(!subgroups) var<workgroup> scratch: array<f32, workgroup_size>;
@if(!subgroups) var<workgroup> team_scratch: array<vec4f, workgroup_size>;

// For stages with a reduction of their own.
var<workgroup> pairs: array<vec2f, workgroup_size>;

// The sum of `value` over each team, returned to its lane 0 at least.
@if(subgroups)
fn team_add(value: vec4f, invocation: Invocation) -> vec4f {
  return subgroupAdd(value);
}

@if(!subgroups)
fn team_add(value: vec4f, invocation: Invocation) -> vec4f {
  team_scratch[invocation.index] = value;
  for (var stride = team_lanes / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (invocation.lane < stride) {
      team_scratch[invocation.index] += team_scratch[invocation.index + stride];
    }
  }
  workgroupBarrier();
  return team_scratch[invocation.index];
}

// The sum of `value` over the workgroup, returned to all.
@if(subgroups)
fn workgroup_add(value: f32, invocation: Invocation) -> f32 {
  let sum = subgroupAdd(value);
  workgroupBarrier();
  if (invocation.lane == 0u) { scratch[invocation.team] = sum; }
  workgroupBarrier();
  var total = 0.0;
  for (var team = 0u; team < workgroup_size / invocation.lanes; team++) { total += scratch[team]; }
  return total;
}

@if(!subgroups)
fn workgroup_add(value: f32, invocation: Invocation) -> f32 {
  workgroupBarrier();
  scratch[invocation.index] = value;
  for (var stride = workgroup_size / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (invocation.index < stride) {
      scratch[invocation.index] += scratch[invocation.index + stride];
    }
  }
  workgroupBarrier();
  return scratch[0];
}

// The largest `value` of the workgroup, returned to all.
@if(subgroups)
fn workgroup_max(value: f32, invocation: Invocation) -> f32 {
  let largest = subgroupMax(value);
  workgroupBarrier();
  if (invocation.lane == 0u) { scratch[invocation.team] = largest; }
  workgroupBarrier();
  var total = scratch[0];
  for (var team = 1u; team < workgroup_size / invocation.lanes; team++) { total = max(total, scratch[team]); }
  return total;
}

@if(!subgroups)
fn workgroup_max(value: f32, invocation: Invocation) -> f32 {
  workgroupBarrier();
  scratch[invocation.index] = value;
  for (var stride = workgroup_size / 2u; stride > 0u; stride /= 2u) {
    workgroupBarrier();
    if (invocation.index < stride) {
      scratch[invocation.index] = max(scratch[invocation.index], scratch[invocation.index + stride]);
    }
  }
  workgroupBarrier();
  return scratch[0];
}
