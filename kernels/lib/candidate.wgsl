// A value and its index, for stages that look for the best of what many invocations have. Of equal values the first is
// better.

import package::lib::model::workgroup_size;

struct Candidate {
  value: f32,
  index: u32,
}

// One for each four invocations of a workgroup.
var<workgroup> candidates: array<Candidate, workgroup_size / 4u>;

fn better_of(a: Candidate, b: Candidate) -> Candidate {
  if (b.value > a.value || (b.value == a.value && b.index < a.index)) { return b; }
  return a;
}
