// residual[hidden] += W activated[ffn].

import package::lib::model::Blob;
import package::lib::activations::{activated_vector, ffn_residual};
import package::lib::int4::Matrix;
import package::lib::matvec::plain_input;
import package::lib::place::{Workgroup, Invocation};
import package::stages::o_proj::add_rows;
@if(ffn_tiles) import package::record::ffn::down_in_tiles;

override down_words: u32;
override down_scales: u32;

// `next_stamp` is that of the next layer.
@if(!ffn_tiles)
fn down(workgroup: Workgroup, invocation: Invocation, blob: Blob, stamp: u32, next_stamp: u32) {
  let input = plain_input(activated_vector(), stamp);
  let matrix =
    Matrix(blob.slot, blob.start + down_words, blob.start * 8u + down_scales, input.vector.length / 32u);
  add_rows(workgroup, invocation, matrix, input, ffn_residual(), next_stamp);
}

@if(ffn_tiles)
fn down(workgroup: Workgroup, invocation: Invocation, blob: Blob, stamp: u32, next_stamp: u32) {
  down_in_tiles(workgroup, invocation, blob);
}
