// The products of a group with the rows of a team, with as many loads of a lane under way together as are asked for: to
// compare with what lib/matvec.wgsl chooses. A compiler may still move loads to where it thinks they are best.

import package::lib::activations::Eight;
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_batch, dot_slot, dot_slots, load_batch, load_slot, load_slots, slots_of, Rows};
import package::lib::place::Invocation;

// 1, 2, 4 or 8.
override loads_together: u32;

// As `under_way` of lib/matvec.wgsl: where that is fewer than there are rows, a lane takes one group of all rows at a time.
fn loads_under_way(count: u32) -> u32 {
  return max(loads_together, slots_of(count));
}

fn dot_with_loads(
  matrix: Matrix, rows: Rows, count: u32, first: u32, group: u32, tile_count: u32, sums: Eight, invocation: Invocation
) -> Eight {
  if (loads_together >= slots_of(count)) {
    return dot_batch(load_batch(matrix, rows, count, first, group, tile_count, invocation), count, sums);
  }
  var total = sums;
  for (var slot = 0u; slot < slots_of(count); slot += loads_together) {
    var dots = vec4f(0.0);
    if (loads_together == 4u) {
      dots = dot_slots(load_slots(matrix, rows, count, first, group, slot, tile_count, invocation), count);
    } else {
      let one = load_slot(matrix, rows, count, first, group, slot, tile_count, invocation);
      if (loads_together == 2u) {
        let other = load_slot(matrix, rows, count, first, group, slot + 1u, tile_count, invocation);
        dots += at_slot(dot_slot(other), slot + 1u);
      }
      dots += at_slot(dot_slot(one), slot);
    }
    if (slot < 4u) { total.low += dots; } else { total.high += dots; }
  }
  return total;
}

// A value where the slot is among four.
fn at_slot(value: f32, slot: u32) -> vec4f {
  return select(vec4f(0.0), vec4f(value), vec4u(0u, 1u, 2u, 3u) == vec4u(slot % 4u));
}
