// The sequence being decoded, in `state`.

import package::lib::model::{state, position_at, tokens_at};

var<workgroup> position_shared: u32;

// The position this token decodes, the same for every invocation. All of the workgroup call it together.
fn current_position(invocation: u32) -> u32 {
  if (invocation == 0u) { position_shared = state[position_at]; }
  return workgroupUniformLoad(&position_shared);
}
