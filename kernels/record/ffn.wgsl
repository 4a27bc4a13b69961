// The FFN in tiles, as the recorded kernels cut it: so many elements of its vector are computed, multiplied with their
// columns of the matrix after it, added to the residual, and forgotten. By itself stages/gate_up.wgsl computes all of
// them before stages/down.wgsl multiplies the first; this is there to be compared with that.
//
// Here `gate_up` has the first tile, and `down` its columns and then both for each of the others. They take turns in
// workgroup memory, so each copies its input there again for every tile. A team shares its rows as everywhere in
// lib/matvec.wgsl: of a tile of 256 elements, which are eight groups, at most eight lanes of a team have columns.

import package::lib::activations::{put, activated_at, attention_residual, ffn_residual, Vector};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, normed_input, plain_input, units_together, dealt_unit, Rows};
import package::lib::model::{ffn, Blob};
import package::lib::place::{Workgroup, Invocation};
import package::lib::reduce::other_lane;
import package::lib::sync::end_stage;
import package::stages::down::{down_scales, down_words};
import package::stages::gate_up::{gate_up_rows, gate_up_scales, gate_up_words, silu};
import package::stages::o_proj::add_rows;
import package::stages::rms_norm::ffn_norm;

// Elements of a tile, a multiple of 32. The last tile may have fewer.
override ffn_tile: u32;

fn tile_from(first: u32) -> Vector {
  return Vector(activated_at, min(ffn_tile, ffn - first));
}

// Elements of the tile from `first` on.
fn activate_tile(workgroup: Workgroup, invocation: Invocation, blob: Blob, first: u32) {
  let tile = tile_from(first);
  let input = normed_input(attention_residual(), blob, ffn_norm, 0u);
  let matrix =
    Matrix(blob.slot, blob.start + gate_up_words, blob.start * 8u + gate_up_scales, input.vector.length / 32u);
  let unit_gates = gate_up_rows / 2u;
  let units = tile.length / unit_gates;
  for (var start = 0u; start < units; start += units_together(workgroup)) {
    let unit = start + dealt_unit(workgroup, invocation);
    let element = unit * unit_gates;
    let rows = Rows(first + element, ffn + first + element);
    let dot = dot_rows(matrix, rows, gate_up_rows, input, start == 0u, unit < units, invocation);
    let up = other_lane(dot, unit_gates, invocation);
    if (invocation.lane < unit_gates && unit < units) { put(tile, element + invocation.lane, up * silu(dot), 0u); }
  }
}

// residual[hidden] += W activated, where the first tile is activated.
fn down_in_tiles(workgroup: Workgroup, invocation: Invocation, blob: Blob) {
  for (var first = 0u; first < ffn; first += ffn_tile) {
    if (first > 0u) {
      end_stage();
      activate_tile(workgroup, invocation, blob, first);
      end_stage();
    }
    let group = first / 32u;
    let columns =
      Matrix(blob.slot, blob.start + down_words + group, blob.start * 8u + down_scales + group, ffn / 32u);
    add_rows(workgroup, invocation, columns, plain_input(tile_from(first), 0u), ffn_residual(), 0u);
  }
}
