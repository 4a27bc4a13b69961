import {describe, expect, it, test} from "vitest";
import {shapes} from "../model/shape.js";
import type {DecodeVariant} from "./decode-variant.js";
import {ablated, ablations, ladder} from "./tiling.js";
import {chooseGeometry} from "./variant-geometry.js";

const shape = shapes["phi3-mini"];

/** What the experiment may run on: subgroups of one size, of several, and a CPU standing in for a GPU. */
const devices = {
  "a GPU with subgroups of 32": device([32, 32], false),
  "a GPU with subgroups of 4 to 64": device([4, 64], false),
  "a CPU with subgroups of 8": device([8, 8], true)
};

/** All that a rung may change, of the one kernel that it runs. */
function kernelOf(row: DecodeVariant, on: TestDevice) {
  const {options = {}, kernels, ...geometry} = chooseGeometry(shape, row, on);
  const several = row.workgroups === "resident";
  const {workgroupSize, teamRows, qkvRows, residualRows, readAhead} = kernels[several ? "fused_grid" : "fused"];
  return {
    alone: options.alone,
    scalarLoads: options.scalarLoads,
    loads: options.loads,
    sums: row.features!.includes("subgroups") ? "subgroups" : "workgroup memory",
    lanes: geometry.lanesAreFixed ? geometry.lanes : "some of a subgroup's",
    arithmetic: geometry.arithmetic,
    several,
    workgroupSize,
    rows: teamRows,
    qkvRows: several && qkvRows !== teamRows ? qkvRows : undefined,
    residualRows: several && residualRows !== teamRows ? residualRows : undefined,
    readAhead: several && readAhead > 0 ? readAhead : undefined
  };
}

function changes(before: DecodeVariant, after: DecodeVariant, on: TestDevice): string[] {
  const [from, to] = [kernelOf(before, on), kernelOf(after, on)];
  return (Object.keys(from) as (keyof typeof from)[]).filter((key) => from[key] !== to[key]);
}

/**
 * What each rung changes of what can be chosen. A team that shares its rows begins with the fewest rows and with one load,
 * and a subgroup may have another number of lanes than the teams before.
 */
const expected: Record<string, string[]> = {
  "record-256": ["workgroupSize"],
  unrolled: ["alone"],
  "row-order": ["alone"],
  scales: ["alone"],
  word: ["alone"],
  "written-out": ["alone", "scalarLoads"],
  tile: ["alone"],
  unconverted: ["alone"],
  vectors: ["scalarLoads"],
  "shared-by-4": ["alone", "loads", "rows"],
  teams: ["lanes"],
  loads: ["loads"],
  "four-rows": ["rows"],
  "subgroup-sums": ["sums"],
  "invocations-512": ["workgroupSize"],
  integers: ["arithmetic"],
  "eight-loads": ["loads"],
  "eight-rows": ["rows"],
  "resident-alike": ["loads", "several"],
  "residual-rows": ["residualRows"],
  "qkv-rows": ["qkvRows"],
  resident: ["readAhead"]
};

describe.each(Object.entries(devices))("on %s", (name, on) => {
  test.each(ladder.slice(1).map((row, i) => [row.label, ladder[i]!, row] as const))(
    "“%s” changes what the page says of it",
    (_label, before, after) => {
      // The last rung is the default, which has fewer rows where the size of a subgroup is not known.
      if (after === ladder.at(-1) && name.includes("4 to 64")) return;
      const resized = after.variant === "subgroup-sums" && !name.includes("of 32") ? ["lanes"] : [];
      expect(changes(before, after, on)).toEqual([...expected[after.variant]!, ...resized]);
    }
  );

  it("ablates the default, as nothing but the device chose it", () => {
    const geometry = chooseGeometry(shape, ablated, on);
    for (const row of ablations.filter(({kernel}) => !kernel)) {
      if (row.arithmetic === "int16" && row.features?.length) {
        expect(chooseGeometry(shape, row, on).kernels, row.label).toEqual(geometry.kernels);
      }
    }
  });
});

it("ends, on a GPU, with what the ablations change, before there are several workgroups", () => {
  const on = devices["a GPU with subgroups of 32"];
  const last = ladder.findLast(({workgroups = 1}) => workgroups === 1)!;
  expect(chooseGeometry(shape, ablated, on).kernels.fused).toEqual(chooseGeometry(shape, last, on).kernels.fused);
});

it("has no label twice, so that a plot can tell its lines apart", () => {
  const labels = [...ladder, ablated, ...ablations].map(({label}) => label);
  expect(new Set(labels).size).toBe(labels.length);
});

type TestDevice = ReturnType<typeof device>;

function device([subgroupMinSize, subgroupMaxSize]: [number, number], software: boolean) {
  const limits = {
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupStorageSize: 49152
  };
  return {limits, features: [], software, subgroupMinSize, subgroupMaxSize};
}
