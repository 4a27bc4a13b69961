// The sequence being decoded, in `state`: position, prompt length, three words that say how far a dispatch goes, then a
// token id for each position. A dispatch goes as far as so many layers in fused.wgsl, as so many tokens in fused_grid.wgsl
// and fused_tokens.wgsl.

import package::lib::model::state;

const position_at = 0u;
const prompt_length_at = 1u;
// Tokens that a dispatch decodes; 0 is a roll call (fused_grid.wgsl).
const dispatch_tokens_at = 2u;
const arrivals_at = 3u;
// Not 0 once a workgroup has waited in vain.
const poison_at = 4u;
// The same words where there is one workgroup: layers of a dispatch, and the first of the next one (fused.wgsl).
const dispatch_layers_at = 2u;
const next_layer_at = 3u;
const tokens_at = 5u;

var<workgroup> word_shared: u32;

@if(grid) fn read_state(index: u32) -> u32 { return atomicLoad(&state[index]); }
@else fn read_state(index: u32) -> u32 { return state[index]; }

@if(grid) fn write_state(index: u32, value: u32) { atomicStore(&state[index], value); }
@else fn write_state(index: u32, value: u32) { state[index] = value; }

// A word of the state, the same for every invocation. All of the workgroup call it together.
fn uniform_state(index: u32, invocation: u32) -> u32 {
  if (invocation == 0u) { word_shared = read_state(index); }
  return workgroupUniformLoad(&word_shared);
}

// Where a dispatch starts, and how many tokens it decodes: none once the sequence is poisoned, so that what was submitted
// ahead ends at once.
@if(grid)
struct Start {
  position: u32,
  token: u32,
  tokens: u32,
}

@if(grid) var<workgroup> start_shared: Start;

// The same for every invocation. All of the workgroup call it together.
@if(grid)
fn start_of_dispatch(invocation: u32) -> Start {
  if (invocation == 0u) {
    let position = read_state(position_at);
    let tokens = select(read_state(dispatch_tokens_at), 0u, read_state(poison_at) != 0u);
    start_shared = Start(position, token_at(position), tokens);
  }
  return workgroupUniformLoad(&start_shared);
}

// The position this token decodes.
fn current_position(invocation: u32) -> u32 {
  return uniform_state(position_at, invocation);
}

fn token_at(position: u32) -> u32 {
  return read_state(tokens_at + position);
}

// The token after `position`: the prompt's, or the one `chosen`.
fn next_token(position: u32, chosen: u32) -> u32 {
  let next = position + 1u;
  if (next < read_state(prompt_length_at)) { return read_state(tokens_at + next); }
  return chosen;
}

fn append_token(position: u32, token: u32) {
  write_state(tokens_at + position + 1u, token);
  write_state(position_at, position + 1u);
}
