// activated[ffn] = up · silu(gate), (gate, up) = W normed: rows 0 to ffn − 1 are gates, the rest ups.
// Half of the rows of a team are gates, the other half their ups, at a time.

import package::lib::model::{ffn, Blob};
@if(grid) import package::lib::model::{hidden, kv_heads, weight_word, workgroup_size};
@if(grid) import package::lib::sequence::{write_state, arrivals_at};
import package::lib::activations::{put, activated_vector, attention_residual};
import package::lib::int4::Matrix;
import package::lib::matvec::{dot_rows, normed_input, units_together, dealt_unit, Rows};
import package::lib::reduce::other_lane;
import package::lib::place::{Workgroup, Invocation};
import package::stages::rms_norm::ffn_norm;
@if(ffn_tiles) import package::record::ffn::activate_tile;

override gate_up_words: u32;
override gate_up_scales: u32;
// Rows of a team: 2, 4 or 8.
override gate_up_rows: u32;

@if(!ffn_tiles)
fn gate_up(workgroup: Workgroup, invocation: Invocation, blob: Blob, stamp: u32) {
  let input = normed_input(attention_residual(), blob, ffn_norm, stamp);
  let matrix =
    Matrix(blob.slot, blob.start + gate_up_words, blob.start * 8u + gate_up_scales, input.vector.length / 32u);
  let unit_gates = gate_up_rows / 2u;
  let units = ffn / unit_gates;
  for (var start = 0u; start < units; start += units_together(workgroup)) {
    let unit = start + dealt_unit(workgroup, invocation);
    let gate = unit * unit_gates;
    let rows = Rows(gate, ffn + gate);
    let dot = dot_rows(matrix, rows, gate_up_rows, input, start == 0u, unit < units, invocation);
    let up = other_lane(dot, unit_gates, invocation);
    if (invocation.lane < unit_gates && unit < units) {
      put(activated_vector(), gate + invocation.lane, up * silu(dot), stamp);
    }
  }
}

@if(ffn_tiles)
fn gate_up(workgroup: Workgroup, invocation: Invocation, blob: Blob, stamp: u32) {
  activate_tile(workgroup, invocation, blob, 0u);
}

// Reads some of the matrix into the GPU's cache while attention has nothing to do for this workgroup: so many sectors
// of 32 bytes an invocation.
@if(grid) override read_ahead: u32;

@if(grid)
fn read_gate_up_ahead(workgroup: Workgroup, invocation: Invocation, blob: Blob) {
  let idle = (workgroup.count - kv_heads) * workgroup_size;
  let sectors = min(read_ahead * idle, 2u * ffn * (hidden / 64u));
  var sector = (workgroup.index - kv_heads) * workgroup_size + invocation.index;
  var seen = 0u;
  for (; sector < sectors; sector += idle) {
    seen |= weight_word(blob.slot, 4u * (blob.start + gate_up_words) + 8u * sector);
  }
  // Hardly ever true, and nobody reads that word here: it keeps the loads from being left out.
  if (seen == 0x13579bdu) { write_state(arrivals_at, seen); }
}

fn silu(x: f32) -> f32 {
  return x / (1.0 + exp(-x));
}
