import {expect, test} from "vitest";
import {largestPublishedHidden, publishedLayerBytes, publishedWorkgroupMemory} from "./published-design.js";

test.each([{tiled: false}, {tiled: true}])("the largest hidden size of %o fits, and one more does not", (design) => {
  for (const bytes of [16384, 32768, 49152]) {
    const hidden = largestPublishedHidden(bytes, design);
    expect(publishedWorkgroupMemory(hidden, design)).toBeLessThanOrEqual(bytes);
    expect(publishedWorkgroupMemory(hidden + 1, design)).toBeGreaterThan(bytes);
  }
});

test("at a hidden size of 3072 it is the published kernel's: 13.25 KiB, and 113 million weights a layer", () => {
  expect(publishedWorkgroupMemory(3072, {tiled: true})).toBe((3072 + 64 + 256) * 4);
  expect(publishedWorkgroupMemory(3072, {tiled: false})).toBeGreaterThan(49152);
  expect(publishedLayerBytes(3072)).toBe(4 * (12 * 3072 ** 2 + 9 * 3072));
});
