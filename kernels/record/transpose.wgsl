// Re-lays the weights or the scales of one quantised matrix in the recorded order: from [row][column] to [column][row].
//
// `by_row` and `by_column` are blobs as words, with the tensor at the same place in both; `tensor` says which. Elements
// of 4 or 16 bits lie in words without a gap, the first one lowest. Launched with one invocation a word of the result,
// 256 to a workgroup, in up to two dimensions.

struct Tensor {
  // First word in both blobs, and how many.
  start: u32,
  words: u32,
  rows: u32,
  // Of weights; of scales, the groups of a row.
  columns: u32,
  // Of an element: 4 or 16.
  bits: u32,
}

@group(0) @binding(0) var<storage, read> by_row: array<u32>;
@group(0) @binding(1) var<storage, read_write> by_column: array<u32>;
@group(0) @binding(2) var<uniform> tensor: Tensor;

@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) workgroups: vec3u) {
  let index = id.x + id.y * workgroups.x * 256u;
  if (index >= tensor.words) { return; }
  let in_word = 32u / tensor.bits;
  let first = index * in_word;
  var word = 0u;
  for (var place = first; place < min(first + in_word, tensor.rows * tensor.columns); place++) {
    let source = place % tensor.rows * tensor.columns + place / tensor.rows;
    let element = extractBits(by_row[tensor.start + source / in_word], source % in_word * tensor.bits, tensor.bits);
    word |= element << ((place - first) * tensor.bits);
  }
  by_column[tensor.start + index] = word;
}
