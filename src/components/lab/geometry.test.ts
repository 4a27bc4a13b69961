import {expect, test} from "vitest";
import {defaultLimits} from "../gpu/default-limits.js";
import type {Gpu} from "../gpu/device.js";
import {shapes} from "../model/shape.js";
import {repeatsOfStart} from "./geometry.js";

const gpuWith = (features: string[], size: number) => {
  const limits = {
    ...defaultLimits,
    maxComputeInvocationsPerWorkgroup: size,
    maxComputeWorkgroupSizeX: size,
    maxComputeWorkgroupStorageSize: 49152
  };
  const info = {subgroupMinSize: 32, subgroupMaxSize: 32};
  return {adapter: {info}, description: {limits, features}} as unknown as Gpu;
};

test("a choice that the kernel makes anyway is the same kernel again", () => {
  const same = repeatsOfStart(shapes["phi3-mini"], gpuWith(["subgroups", "packed_4x8_integer_dot_product"], 1024));
  expect(same).toEqual(["resident", "size-512", "team-rows-8", "qkv-rows-6", "residual-rows-2", "read-ahead-9"]);
});

test("which ones those are depends on the device", () => {
  const small = repeatsOfStart(shapes["phi3-mini"], gpuWith(["packed_4x8_integer_dot_product"], 256));
  expect(small).toContain("size-256");
  expect(small).toContain("portable");
  expect(small).not.toContain("size-512");
});
