// Where an invocation stands. A workgroup is divided into teams whose lanes share a row of a matrix: a team is a
// subgroup where subgroups are used, whatever their size, else `team_lanes` neighbouring invocations.
//
// What is the same for a whole workgroup and what is not are two structures, because WGSL allows a barrier only where
// it can see that all invocations get there, and it does not look inside a structure.

import package::lib::model::workgroup_size;

struct Workgroup {
  index: u32,
  count: u32,
  teams: u32,
}

struct Invocation {
  index: u32,
  team: u32,
  lane: u32,
  lanes: u32,
}

// Invocations of a team. With subgroups 0 stands for a size that only the running kernel knows.
override team_lanes: u32;

@if(subgroups) var<workgroup> teams_seen: atomic<u32>;
@if(subgroups) var<workgroup> teams_shared: u32;

// The most lanes a team can have, known before the kernel runs.
@if(subgroups)
fn most_lanes() -> u32 {
  return select(team_lanes, 128u, team_lanes == 0u);
}

// Every invocation of the workgroup calls this once. Subgroups are numbered in the order they arrive, because
// WGSL does not say which invocations form one; where their size varies, those that are there are counted. A workgroup
// is a multiple of the subgroup, or one part of it, so all of its subgroups are alike.
@if(subgroups)
fn take_invocation(index: u32) -> Invocation {
  var lanes = team_lanes;
  var lane = subgroupExclusiveAdd(1u);
  if (team_lanes == 0u) {
    lanes = subgroupAdd(1u);
  } else {
    lane %= max(team_lanes, 1u); // tells the compiler how large a lane can be, so that it unrolls
  }
  var team = 0u;
  if (lane == 0u) { team = atomicAdd(&teams_seen, 1u); }
  return Invocation(index, subgroupBroadcastFirst(team), lane, lanes);
}

@if(subgroups)
fn take_workgroup(index: u32, count: u32, invocation: Invocation) -> Workgroup {
  if (team_lanes != 0u) { return Workgroup(index, count, workgroup_size / max(team_lanes, 1u)); }
  if (invocation.index == 0u) { teams_shared = workgroup_size / invocation.lanes; }
  return Workgroup(index, count, workgroupUniformLoad(&teams_shared));
}

@if(!subgroups)
fn take_invocation(index: u32) -> Invocation {
  return Invocation(index, index / team_lanes, index % team_lanes, team_lanes);
}

@if(!subgroups)
fn take_workgroup(index: u32, count: u32, invocation: Invocation) -> Workgroup {
  return Workgroup(index, count, workgroup_size / team_lanes);
}
