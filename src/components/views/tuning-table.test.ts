import {expect, test} from "vitest";
import {sortTrials} from "./tuning-table.js";

test("trials are sorted by their difference: what two equal kernels may differ by is none", () => {
  const trial = (afterTokensPerSecond: number, verdict: "kept" | "dropped") => {
    return {change: `to ${afterTokensPerSecond}`, beforeTokensPerSecond: 100, afterTokensPerSecond, verdict};
  };
  const [gain, unkept, little, same, loss] = [
    trial(103, "kept"),
    trial(110, "dropped"),
    trial(101, "kept"),
    trial(98.5, "dropped"),
    trial(97, "dropped")
  ];
  const sorted = sortTrials({indistinguishable: 0.02, trials: [gain!, unkept!, little!, same!, loss!]});
  expect(sorted).toEqual({faster: [gain, unkept], slower: [loss], equal: [little, same]});
});
