import {expect, test} from "vitest";
import {openTestGpu} from "./test-gpu.js";

test("an error that no error scope caught is thrown when a test destroys its device", async () => {
  const gpu = await openTestGpu();
  gpu.device.createBuffer({size: 4, usage: 0x8000_0000});
  await gpu.device.queue.onSubmittedWorkDone();
  expect(() => gpu.destroy()).toThrow(/^no error scope caught: .*usage/is);
});
