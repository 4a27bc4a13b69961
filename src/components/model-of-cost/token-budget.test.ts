import {expect, test} from "vitest";
import type {TokenStage} from "./layer-schedule.js";
import {divideToken, leastTime, ratesOf} from "./token-budget.js";

/** A stage that two cores divide, so that each reads half of it. */
const stage = (bytes: number, calls = 1, cores = 2): TokenStage => ({
  ...{name: "", pieces: cores, bytes, calls, repeated: false},
  rounds: [{cores, duration: bytes / cores}]
});
const stages = [stage(100, 2), stage(40, 1, 1)];
const rates = {core: 100, memory: 250};
const model = {slowdown: 1.1, boundary: 0.02};
const measured = {whole: 2, stages, rates, boundaries: 10, model};

test("a token is what its work takes at least, how much slower it is, its boundaries and a rest", () => {
  expect(divideToken(measured)).toEqual({
    ...{whole: 2, memory: expect.closeTo(0)},
    ...{cores: expect.closeTo(1.4), slower: expect.closeTo(0.14), boundaries: expect.closeTo(0.2)},
    rest: expect.closeTo(0.26)
  });
  expect(leastTime(stages, rates)).toBeCloseTo(1.4);
});

test("a stage that the memory holds up does not use the time in which another leaves the memory idle", () => {
  const slow = {core: 100, memory: 125}; // the first stage takes 0.5 ms by its cores, and 0.8 by memory
  const {cores, memory} = divideToken({...measured, rates: slow});
  expect(cores).toBeCloseTo(1.4);
  expect(memory).toBeCloseTo(2 * 0.3);
  const all = stages.reduce((sum, {bytes, calls}) => sum + calls * bytes, 0);
  expect(all / slow.memory - cores).toBeLessThan(memory);
});

test("a token faster than its parts has a negative rest", () => {
  expect(divideToken({...measured, whole: 1.7}).rest).toBeCloseTo(-0.04);
});

test("a core is as fast as one workgroup alone, and the memory as its bandwidth", () => {
  expect(ratesOf({milliseconds: 7, stages}, 5e6)).toEqual({core: 140 / 7, memory: 5000});
  const repeated = {...stage(100), repeated: true};
  expect(divideToken({...measured, stages: [repeated], rates: {core: 1e9, memory: 1}}).memory).toBeCloseTo(50);
});
