import {expect, it} from "vitest";
import * as f from "./format.js";

it.each([
  [f.formatRate(0.7407), "0.741 tok/s"],
  [f.formatRate(42.14), "42.1 tok/s"],
  [f.formatRate(40), "40 tok/s"],
  [f.formatRate(99.96), "100 tok/s"],
  [f.formatRate(2184.05), "2,184 tok/s"],
  [f.formatMilliseconds(0.87), "870 µs"],
  [f.formatMilliseconds(0), "0 ms"],
  [f.formatMilliseconds(23.8), "23.8 ms"],
  [f.formatMilliseconds(1350), "1.35 s"],
  [f.formatMilliseconds(999.9), "1 s"],
  [f.formatMicroseconds(0.7407), "0.741 µs"],
  [f.formatMicroseconds(2184), "2,184 µs"],
  [f.formatBytes(128), "128 B"],
  [f.formatBytes(2093838336), "2.09 GB"],
  [f.formatBytes(999_900), "1 MB"],
  [f.formatBandwidth(4.573e12), "4.57 TB/s"],
  [f.formatCount(32064), "32,064"],
  [f.formatCount(1 / 16), "1/16"],
  [f.formatQuantity(1, "workgroup"), "1 workgroup"],
  [f.formatQuantity(1 / 16, "dispatch", "dispatches"), "1/16 dispatches"],
  [f.formatRelativeError(3.14e-6), "3.1 × 10⁻⁶"],
  [f.formatRelativeError(0), "0"],
  [f.formatDate("2026-03/2026-06"), "2026-03 to 2026-06"]
])("%s", (actual, expected) => expect(actual.replaceAll("\u00a0", " ")).toBe(expected));

it("keeps a figure and its unit on one line", () => {
  const figures = [f.formatRate(42), f.formatMilliseconds(0.9), f.formatMilliseconds(9), f.formatMilliseconds(9000)];
  for (const figure of [...figures, f.formatBytes(128)]) expect(figure).not.toContain(" ");
});

it("shows a message by its first line", () => {
  expect(f.firstLine("[Buffer] is invalid.\n - While calling …")).toBe("[Buffer] is invalid.");
  expect(f.firstLine("Cancelled.")).toBe("Cancelled.");
});
