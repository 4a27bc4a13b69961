// The values that workgroups hand each other in a round, `count` of them: as many as Phi-3-mini has activations
// between two layers. In round 0 value i is i; in each later round it is what the next value was before, and one more.
// So a value of another round makes the sum wrong, in this round and in all that follow.

const count = 3072u;
const each = count / 256u; // values that an invocation takes

// What this workgroup took in the last round.
var<workgroup> taken: array<f32, count>;

// What each workgroup took, added up over values and rounds, modulo 2^32.
@group(0) @binding(2) var<storage, read_write> totals: array<atomic<u32>>;

// The values of a round, in turn with those of the round before: a workgroup that is ahead by a round may publish while
// another still takes. None can be ahead by two.
@group(0) @binding(3) var<storage, read_write> words: array<atomic<u32>, 2u * count>;

override rounds: u32;

fn set_first_values(invocation: u32) {
  for (var i = 0u; i < each; i += 1u) {
    taken[256u * i + invocation] = f32(256u * i + invocation);
  }
  workgroupBarrier();
}

// The first value that a workgroup publishes; it publishes those up to the first of the next.
fn first_of(workgroup: u32, workgroups: u32) -> u32 {
  return workgroup * count / workgroups;
}

fn next_value(index: u32) -> f32 {
  return taken[(index + 1u) % count] + 1.0;
}

fn place_of(round: u32, index: u32) -> u32 {
  return (round & 1u) * count + index;
}

// The part of what was taken that this invocation itself took.
fn sum_taken(invocation: u32) -> u32 {
  var sum = 0u;
  for (var i = 0u; i < each; i += 1u) { sum += u32(taken[256u * i + invocation]); }
  return sum;
}
