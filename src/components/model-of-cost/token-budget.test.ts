import {expect, test} from "vitest";
import {divideToken} from "./token-budget.js";

const measured = {whole: 2, one: 60, timesAsFast: 100, limit: 0.5, boundaries: 0.4};

test("a token is what the cores need, what they share, its boundaries and a rest", () => {
  const budget = divideToken(measured);
  expect(budget).toEqual({whole: 2, cores: 0.6, memory: 0, boundaries: 0.4, rest: expect.closeTo(1)});
});

test("where the cores together would read faster than the memory, its limit counts", () => {
  const {cores, memory} = divideToken({...measured, one: 40});
  expect(cores).toBe(0.4);
  expect(cores + memory).toBeCloseTo(0.5);
});

test("a token faster than its parts has a negative rest", () => {
  expect(divideToken({...measured, whole: 0.9}).rest).toBeCloseTo(-0.1);
});
