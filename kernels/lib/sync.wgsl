// The end of a stage inside one dispatch: what every invocation wrote, all may read.

// With one workgroup a workgroup barrier is enough, and it is all that WGSL promises.
fn end_stage() {
  storageBarrier();
  workgroupBarrier();
}
