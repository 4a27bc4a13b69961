// residual[hidden] += W activated[ffn]. A team takes `team_rows` rows at a time.

import package::lib::model::{ffn, activated_at, Blob};
import package::lib::int4::Matrix;
import package::lib::place::{Workgroup, Invocation};
import package::stages::o_proj::add_rows;

override down_words: u32;
override down_scales: u32;

fn down(workgroup: Workgroup, invocation: Invocation, blob: Blob) {
  let matrix = Matrix(blob.slot, blob.start + down_words, blob.start * 8u + down_scales, ffn / 32u);
  add_rows(workgroup, invocation, matrix, ffn, activated_at);
}
