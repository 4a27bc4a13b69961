import {expect, test} from "vitest";
import {linearWorkgroups} from "./workgroups.js";

test.each([1, 255, 256, 257, 65_535 * 256, 65_535 * 256 + 1, 2 ** 28, 2 ** 31])(
  "workgroups of 256 reach all of %i invocations within WebGPU's limit",
  (count) => {
    const [x, y] = linearWorkgroups(count);
    expect(x * y * 256).toBeGreaterThanOrEqual(count);
    expect(x).toBeLessThanOrEqual(65_535);
    expect(y).toBeLessThanOrEqual(65_535);
    expect(x * (y - 1) * 256).toBeLessThan(count);
  }
);
