import {expect, it} from "vitest";
import {costRows} from "../lab/cost-row.js";
import {exampleCost} from "../lab/lab-fakes.js";
import {chooseReads} from "./memory-diagram.js";

const rowsOf = (...reads: [workgroups: number, workgroupSize: number, microseconds: number][]) => {
  const {cost, dispatches} = exampleCost();
  const rows = reads.map(([workgroups, workgroupSize, median]) => ({
    ...dispatches,
    ...{variant: `read-${workgroups}-of-${workgroupSize}`, workgroups, workgroupSize},
    ...{operation: "read", bytesPerOperation: 1e9, microsecondsPerOperation: {median, p10: median, p90: median}}
  }));
  return costRows({...cost, rows}, "a.json");
};

it("shows the best single workgroup, two counts that the cores take one each, and the most on record", () => {
  const counts = [2, 4, 8, 16, 32, 64, 128, 256].map((count) => [count, 256, 9000 / count] as [number, number, number]);
  const rows = rowsOf([1, 256, 9000], [1, 1024, 3000], ...counts);
  expect(chooseReads(rows, 132)!.map(({variant}) => variant)).toEqual([
    "read-1-of-1024",
    "read-16-of-256",
    "read-128-of-256",
    "read-256-of-256"
  ]);
});

it("shows fewer where the record has fewer, and nothing where one workgroup reads as much as any", () => {
  expect(chooseReads(rowsOf([1, 256, 9000], [64, 256, 90]), 19)!.length).toBe(2);
  expect(chooseReads(rowsOf([1, 256, 90], [4, 256, 900]), 19)).toBeNull();
  expect(chooseReads(rowsOf([1, 256, 90]), 19)).toBeNull();
});
