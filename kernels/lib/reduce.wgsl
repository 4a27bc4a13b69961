// Sums and maxima over four invocations, a team or a workgroup. Every invocation of the workgroup calls them together.

import package::lib::model::workgroup_size;
import package::lib::activations::Eight;
import package::lib::place::Invocation;
@if(subgroups) import package::lib::place::most_lanes;
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

// The sums of `count` (1, 2, 4 or 8) values over a team: lane n gets that of value n % `count`. With every step lanes
// keep half of the values, so there are few steps.
@if(subgroups)
fn team_add_rows(values: Eight, count: u32, invocation: Invocation) -> f32 {
  var four = values.low;
  if (count == 8u) {
    let upper = (invocation.lane & 4u) != 0u;
    four = select(values.low, values.high, upper) + subgroupShuffleXor(select(values.high, values.low, upper), 4u);
  } else {
    four += values.high;
  }
  var two = four.xy;
  if (count >= 4u) {
    let upper = (invocation.lane & 2u) != 0u;
    two = select(four.xy, four.zw, upper) + subgroupShuffleXor(select(four.zw, four.xy, upper), 2u);
  } else {
    two += four.zw;
  }
  var one = two.x;
  if (count >= 2u) {
    let upper = (invocation.lane & 1u) != 0u;
    one = select(two.x, two.y, upper) + subgroupShuffleXor(select(two.y, two.x, upper), 1u);
  } else {
    one += two.y;
  }
  for (var stride = count; stride < most_lanes(); stride *= 2u) {
    one += select(0.0, subgroupShuffleXor(one, stride), stride < invocation.lanes);
  }
  return one;
}

@if(!subgroups)
fn team_add_rows(values: Eight, count: u32, invocation: Invocation) -> f32 {
  var rows = values;
  if (count < 8u) { rows.low += rows.high; }
  if (count < 4u) { rows.low += rows.low.zwxy; }
  if (count < 2u) { rows.low += rows.low.yxwz; }
  let low = team_add(rows.low, invocation);
  if (count < 8u) { return low[invocation.lane % count]; }
  let high = team_add(rows.high, invocation);
  return select(low, high, (invocation.lane & 4u) != 0u)[invocation.lane & 3u];
}

// `value` of lane `lane ^ mask`. Every invocation of the workgroup calls it together.
@if(subgroups)
fn other_lane(value: f32, mask: u32, invocation: Invocation) -> f32 {
  return subgroupShuffleXor(value, mask);
}

@if(!subgroups)
fn other_lane(value: f32, mask: u32, invocation: Invocation) -> f32 {
  workgroupBarrier();
  scratch[invocation.index] = value;
  workgroupBarrier();
  return scratch[invocation.index ^ mask];
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
@if(subgroups)
fn quad_max(value: f32, invocation: Invocation) -> f32 {
  let pair = max(value, quadSwapX(value));
  return max(pair, quadSwapY(pair));
}

@if(!subgroups)
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

// The sum in two steps, before and after a barrier of the caller's; nothing else uses `scratch` in between.
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

// The largest `value` of the workgroup, returned to all.
@if(subgroups)
fn workgroup_max(value: f32, invocation: Invocation) -> f32 {
  var largest = subgroupMax(value);
  workgroupBarrier();
  if (invocation.lane == 0u) { scratch[invocation.team] = largest; }
  workgroupBarrier();
  for (var team = invocation.lane; team < workgroup_size / invocation.lanes; team += invocation.lanes) {
    largest = max(largest, scratch[team]);
  }
  return subgroupMax(largest);
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
