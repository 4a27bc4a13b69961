import {describe, expect, test} from "vitest";
import {plainGeometry} from "../../testing/kernel-builds.js";
import {shapes} from "../model/shape.js";
import {optionConditions, optionConstants, readsColumns, type KernelOptions} from "./kernel-options.js";
import {linkConditions, planToken, type Geometry} from "./plan.js";

const shape = shapes["phi3-mini"];
const alone: KernelOptions = {alone: "four weights"};
const plan = (options: KernelOptions, change: Partial<Geometry> = {}, factoring: "fused" | "staged" = "fused") =>
  planToken(shape, factoring, plainGeometry({...(options.alone && {lanes: 4}), ...change, options}));
const rows = (count: number): Partial<Geometry> => {
  const {kernels} = plainGeometry();
  const fused = {...kernels.fused, teamRows: count, qkvRows: count, residualRows: count};
  return {kernels: {...kernels, fused}};
};

describe("a plan with kernel options", () => {
  test("has no tile where activations stay in the buffer, and one where they do not", () => {
    expect(plan(alone)[0]!.tileGroups).toBe(0);
    expect(plan({alone: "each word"})[0]!.tileGroups).toBe(0);
    expect(plan({alone: "each word, from workgroup memory"})[0]!.tileGroups).toBeGreaterThan(0);
    expect(plan({scalarLoads: true})).toEqual(plan({}));
  });

  test("has a tile no larger than the most, in equal pieces", () => {
    const groups = shape.ffn / 32; // of `down`, which has the most
    expect(plan({mostTileGroups: 8})[0]!.tileGroups).toBe(8);
    expect(plan({mostTileGroups: 30})[0]!.tileGroups).toBe(Math.ceil(groups / Math.ceil(groups / 30)));
    expect(plan({mostTileGroups: 1e6})).toEqual(plan({}));
  });

  test("is of one dispatch of one workgroup", () => {
    for (const [change, factoring] of [[{workgroups: 2}, "fused"] as const, [{}, "staged"] as const]) {
      expect(() => plan({loads: 4}, change, factoring)).toThrow("only one dispatch of one workgroup");
    }
  });

  test("has a row for each invocation of four, in float32, without subgroups and without a choice of loads", () => {
    expect(() => plan(alone, {arithmetic: "int16"})).toThrow("only in float32");
    expect(() => plan(alone, {features: ["subgroups"]})).toThrow("without optional features");
    expect(() => plan(alone, {lanes: 32})).toThrow("four lanes and four rows");
    expect(() => plan(alone, {lanesAreFixed: false})).toThrow("four lanes and four rows");
    expect(() => plan(alone, rows(2))).toThrow("four lanes and four rows");
    expect(() => plan({...alone, loads: 1})).toThrow("for a team that shares its rows only");
  });

  test("has a choice of loads for any rows a team but six, which have the slots of eight", () => {
    for (const loads of [1, 2, 4, 8] as const) {
      for (const count of [2, 4, 8]) expect(() => plan({loads}, rows(count))).not.toThrow();
    }
    const {kernels} = plainGeometry();
    const six = {kernels: {...kernels, fused: {...kernels.fused, qkvRows: 6}}};
    expect(() => plan({loads: 8}, six)).toThrow("not chosen for six rows");
  });

  test("cuts the FFN at whole groups, and only where the next matrix lies row by row", () => {
    expect(plan({ffnTile: 256})).toEqual(plan({}));
    for (const ffnTile of [0, -32, 100, NaN]) expect(() => plan({ffnTile})).toThrow("a positive multiple of 32");
    expect(() => plan({alone: "each word", ffnTile: 256})).not.toThrow();
    expect(() => plan({alone: "each weight, column by column", ffnTile: 256})).toThrow("lie row by row");
  });
});

test("kernels are linked for what is chosen, and for nothing where nothing is", () => {
  expect(optionConditions({})).toEqual([]);
  expect(optionConditions({alone: "each weight, column by column"})).toEqual(["record"]);
  expect(optionConditions({alone: "each word, from workgroup memory", scalarLoads: true})).toEqual([
    "record",
    "record_tile",
    "scalar_loads"
  ]);
  expect(linkConditions("fused", plainGeometry({options: {loads: 1, qkvPasses: 3}}), 1)).toEqual([
    "ends",
    "loads",
    "qkv_passes"
  ]);
  expect(optionConditions({ffnTile: 64})).toEqual(["ffn_tiles"]);
  expect(optionConditions({mostTileGroups: 8})).toEqual([]);
});

test("only the recorded order reads columns", () => {
  expect(readsColumns()).toBe(false);
  expect(readsColumns({alone: "each word"})).toBe(false);
});

test("each way to compute a row alone is one change from the way before", () => {
  const changed = (from: KernelOptions["alone"], to: KernelOptions["alone"]) => {
    const [before, after] = [optionConstants({alone: from}), optionConstants({alone: to})];
    return Object.keys(after).filter((name) => after[name] !== before[name]);
  };
  expect(changed("each weight, column by column", "four weights, column by column")).toEqual(["four_at_a_time"]);
  expect(changed("four weights, column by column", "four weights")).toEqual(["column_order"]);
  expect(changed("four weights", "four weights, a scale for 32")).toEqual(["single_scales"]);
  expect(changed("four weights, a scale for 32", "each word")).toEqual(["single_weights"]);
  expect(changed("each word", "each word, written out")).toEqual(["written_out"]);
  expect(changed("each word, from workgroup memory", "each word, without conversion")).toEqual(["converted"]);
  expect(optionConstants({loads: 8, ffnTile: 64})).toMatchObject({loads_together: 8, ffn_tile: 64});
});
