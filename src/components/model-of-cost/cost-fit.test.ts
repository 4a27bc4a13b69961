import {describe, expect, it} from "vitest";
import {costOf, errorOf, fitCost, largestError, type CostModel} from "./cost-fit.js";

const model: CostModel = {slowdown: 1.2, boundary: 0.002};
const time = (least: number, boundaries = 160, of = model) => ({
  ...{least, boundaries},
  milliseconds: costOf({least, boundaries}, of)
});

describe("two numbers for a design", () => {
  it("are found again in times that are made of them", () => {
    const found = fitCost([time(20), time(10), time(5), time(2, 1)])!;
    expect(found.slowdown).toBeCloseTo(1.2, 9);
    expect(found.boundary).toBeCloseTo(0.002, 9);
    expect(largestError([time(20), time(0.1)], found)).toBeCloseTo(0, 9);
  });

  it("come closest by relative errors, so that a short time counts as much as a long one", () => {
    const off = {...time(0.5), milliseconds: 1.02 * time(0.5).milliseconds};
    const times = [time(20), time(10), time(5), time(1), off];
    const found = fitCost(times)!;
    const squares = (of: CostModel) => times.reduce((sum, each) => sum + errorOf(each, of) ** 2, 0);
    for (const factor of [0.999, 1.001]) {
      expect(squares(found)).toBeLessThan(squares({...found, slowdown: factor * found.slowdown}));
      expect(squares(found)).toBeLessThan(squares({...found, boundary: factor * found.boundary}));
    }
    expect(errorOf(off, found)).toBeLessThan(0); // the model gives less than was measured
  });

  it("are none where nothing tells them apart, or where they would be negative", () => {
    expect(fitCost([time(20), time(10)])).toBeNull();
    expect(fitCost([time(20, 200), time(10, 100), time(5, 50)])).toBeNull();
    const falling = [1, 2, 4].map((least) => time(least, 100, {slowdown: 2, boundary: -0.001}));
    expect(fitCost(falling)).toBeNull();
  });
});
