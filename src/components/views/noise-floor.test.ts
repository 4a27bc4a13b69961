import {expect, it} from "vitest";
import type {ResultRow} from "../lab/result-row.js";
import {noiseFloor} from "./noise-floor.js";

const rows = (...rates: (number | null)[]) => rates.map((tokensPerSecond) => ({tokensPerSecond}) as ResultRow);

it("is the median and the spread of the rows that have a figure", () => {
  const {median, least, most, spread, ...floor} = noiseFloor(rows(100, null, 104, 101));
  expect([median, least, most]).toEqual([101, 100, 104]);
  expect(spread).toBeCloseTo(0.04, 10);
  expect(floor.rows).toHaveLength(3);
  expect(noiseFloor(rows(100))).toMatchObject({median: 100, spread: 0});
});

it("is none where no row has a figure", () => {
  expect(() => noiseFloor(rows(null))).toThrow(/no row of the same kernel/);
});
