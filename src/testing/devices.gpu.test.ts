import {expect, test} from "vitest";
import {openDawn} from "../cli/dawn.js";

const descriptions: Record<string, RegExp> = {lavapipe: /^llvmpipe/, swiftshader: /^SwiftShader/};

test("the adapter belongs to the driver that this project of the tests is named after", async () => {
  const adapter = await openDawn().requestAdapter();
  expect(adapter?.info.description).toMatch(descriptions[process.env.TEST_DRIVER!] ?? /./);
});
