import {expect, test} from "vitest";
import {readResults} from "../../data/read-results.js";
import type {RunRecord} from "../lab/record.js";
import {ownCost} from "./own-cost.js";

const file = readResults().find(({name}) => name === "h200-workgroups.json")!;
const run = file.content as RunRecord;
const without = (variants: RegExp): RunRecord => ({
  ...run,
  rows: run.rows.filter(({variant}) => !variants.test(variant))
});

test("a run with enough counts of workgroups says what a wait costs, and what it predicts of the most", () => {
  const {model, most, predicted, fitted} = ownCost(run)!;
  expect(fitted.map(({workgroups}) => workgroups)).toEqual([2, 4, 8, 12, 16, 32]);
  expect(model.slowdown).toBeGreaterThan(1);
  expect(1000 * model.boundary).toBeGreaterThan(0.5);
  expect(most.workgroups).toBe(132);
  expect(predicted).toBeCloseTo(1000 / most.milliseconds, -2);
});

test("a small GPU's run is fitted to its first three counts", () => {
  const small = ownCost(without(/-(32|64|128|resident)/))!;
  expect(small.fitted.map(({workgroups}) => workgroups)).toEqual([2, 4, 8]);
  expect(small.most.workgroups).toBe(16);
});

test("a run without one workgroup, or with fewer than four counts of several, says nothing", () => {
  expect(ownCost(without(/^fused-1$/))).toBeNull();
  expect(ownCost(without(/-(12|16|32|64|128|resident)/))).toBeNull();
});
