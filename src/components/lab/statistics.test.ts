import {describe, expect, it} from "vitest";
import {bytesPerSecond, microsecondsPerOperation, spread, statistics, tokensPerSecond} from "./statistics.js";

describe("statistics", () => {
  it("interpolates between order statistics, whatever the order", () => {
    expect(statistics([4, 1, 3, 2])).toEqual({median: 2.5, p10: 1.3, p90: 3.7});
    expect(statistics([10, 9, 2])).toEqual({median: 9, p10: expect.closeTo(3.4, 12), p90: expect.closeTo(9.8, 12)});
  });

  it("sorts numbers as numbers", () => {
    expect(statistics([100, 20, 3]).median).toBe(20);
  });

  it("gives one value as all three", () => {
    expect(statistics([7])).toEqual({median: 7, p10: 7, p90: 7});
  });

  it("refuses no values, and values that cannot be a time or a rate", () => {
    expect(() => statistics([])).toThrow("no values");
    for (const wrong of [0, -1, NaN, Infinity]) expect(() => statistics([1, wrong])).toThrow(`${wrong} is not a`);
  });
});

it("tokens per second are tokens over seconds, sample by sample", () => {
  const samples = [
    {tokens: 10, milliseconds: 100},
    {tokens: 30, milliseconds: 150},
    {tokens: 20, milliseconds: 400}
  ];
  expect(tokensPerSecond(samples).median).toBe(100);
});

it("spread is relative to the smallest", () => {
  expect(spread([100, 102, 101])).toBeCloseTo(0.02, 12);
});

it("microseconds per operation are time over operations, sample by sample", () => {
  const samples = [
    {operations: 100_000, milliseconds: 100},
    {operations: 50_000, milliseconds: 150},
    {operations: 100_000, milliseconds: 200}
  ];
  expect(microsecondsPerOperation(samples).median).toBe(2);
});

it("bytes per second are bytes over time, with the slow tail at the low end", () => {
  const rates = bytesPerSecond(1e6, {median: 1000, p10: 500, p90: 2000});
  expect(rates).toEqual({median: 1e9, p10: 5e8, p90: 2e9});
});
