import {describe, expect, test} from "vitest";
import {costRows} from "../lab/cost-row.js";
import {atSpeed, exampleCost, exampleRun} from "../lab/lab-fakes.js";
import {runRows} from "../lab/result-row.js";
import {shapes, weightBytesPerToken} from "../model/shape.js";
import {decodingReachOf, reachOf, readRows, residentRows} from "./reach.js";
import {onEachCore} from "./residents-table.js";

/** A row that reads a gigabyte in so many microseconds. */
function read(workgroups: number, workgroupSize: number, microseconds: number) {
  const {dispatches} = exampleCost();
  const statistics = {median: microseconds, p10: microseconds, p90: microseconds};
  const variant = `read-${workgroups}-of-${workgroupSize}`;
  const row = {...dispatches, variant, operation: "read", bytesPerOperation: 1e9, microsecondsPerOperation: statistics};
  return {...row, workgroups, workgroupSize};
}

function rowsOf(...reads: ReturnType<typeof read>[]) {
  const {cost, dispatches, stalled} = exampleCost();
  return costRows({...cost, rows: [dispatches, ...reads, stalled]}, "a.json");
}

describe("what one workgroup reaches", () => {
  test("is its best size against the best of all, whatever their order", () => {
    const rows = rowsOf(read(1, 256, 50_000), read(64, 256, 1000), read(1, 1024, 20_000), read(512, 256, 2000));
    const {one, all, ratio} = reachOf(rows)!;
    expect([one.variant, all.variant]).toEqual(["read-1-of-1024", "read-64-of-256"]);
    expect(ratio).toBeCloseTo(20);
    expect(one.bytesPerSecond.median).toBeCloseTo(5e10);
  });

  test("may be all there is", () => {
    expect(reachOf(rowsOf(read(1, 256, 1000), read(8, 256, 3000)))!.ratio).toBe(1);
  });

  test("is not said where only one of both was measured", () => {
    expect(reachOf(rowsOf(read(1, 64, 1000), read(1, 256, 1000)))).toBeNull();
    expect(reachOf(rowsOf(read(8, 256, 1000)))).toBeNull();
    expect(reachOf(rowsOf())).toBeNull();
  });
});

test("dispatches are no reads, and a row that stalled after it was counted is no resident", () => {
  const {cost, dispatches} = exampleCost();
  const rollCall = {...dispatches, operation: "roll call", workgroups: 1056};
  const {status, label, operationsPerBatch, workgroupSize} = {...rollCall, status: "discarded" as const};
  const stalled = {
    status,
    label,
    operationsPerBatch,
    workgroupSize,
    variant: "b",
    operation: "roll call",
    workgroups: 4
  };
  const rows = costRows(
    {
      ...cost,
      rows: [
        {...rollCall, variant: "a"},
        {...stalled, message: "later did not"}
      ]
    },
    null
  );
  expect(readRows(rows)).toEqual([]);
  expect(residentRows(rows).map(({variant, workgroups}) => [variant, workgroups])).toEqual([["a", 1056]]);
});

test("what is on each core is a whole number where the count divides, and two where it does not", () => {
  expect(onEachCore(1056, 132)).toBe("8 on each of 132 cores");
  expect(onEachCore(140, 132)).toBe("1 or 2 on each of 132 cores");
});

test("the decoder that reads most is told by the bytes of its weights, not by its tokens", () => {
  const {run, fused, staged} = exampleRun();
  const rows = runRows(
    {
      ...run,
      experiment: "int4",
      rows: [
        {...atSpeed(fused, 20), variant: "int4"},
        {...atSpeed(fused, 9), variant: "float32", weightFormat: "float32"},
        {...atSpeed(staged, 900), variant: "staged"}
      ]
    },
    "a.json"
  );
  const reach = decodingReachOf(rows, run.device.label)!;
  expect(reach.row.id).toBe("a/float32");
  expect(reach.bytesPerSecond).toBe(9 * weightBytesPerToken(shapes["phi3-mini"], "float32"));
  expect(decodingReachOf(rows, "another")).toBeNull();
  const inBrowser = rows.map((row) => ({...row, runtime: "Chromium 156"}));
  expect(decodingReachOf(inBrowser, run.device.label)).toBeNull();
  expect(decodingReachOf(inBrowser, `${run.device.label} in Chromium 156`)!.row.id).toBe("a/float32");
  expect(
    decodingReachOf(
      rows.map((row) => ({...row, experiment: "tiling"})),
      run.device.label
    )
  ).toBeNull();
});
