import {afterAll, describe, expect, test} from "vitest";
import {linkKernels} from "../../data/link-kernels.js";
import {decode, largestError, loadFixture, shorten} from "../../testing/fixtures.js";
import {changeGeometry, describeFeatures, featureSets, storageForTile} from "../../testing/geometries.js";
import {manyKernelFactorings, openTestGpu} from "../../testing/test-gpu.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {createDecoder} from "./decoder.js";
import {uploadWeights} from "./gpu-weights.js";
import {planToken, type Factoring, type Geometry} from "./plan.js";

const tolerance = 1e-4;

const gpu = await openTestGpu();
afterAll(() => gpu.destroy());
const kernels = await linkKernels();
const {model, expected} = await loadFixture("phi3-tiny");
const {shape} = model;
const weights = await uploadWeights(gpu.device, shape, model.tensors);
const {maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupStorageSize} = gpu.device.limits;

interface Case {
  name: string;
  geometry(features: readonly KernelFeature[]): Geometry;
  /** Where the case is not for both. */
  only?: "with subgroups" | "without";
  factorings?: readonly Factoring[];
}

const sizes = [64, 128, 256, 512, 1024].filter((size) => size <= maxComputeInvocationsPerWorkgroup);

const cases: Case[] = [
  ...sizes.map((workgroupSize) => ({
    name: `workgroups of ${workgroupSize}`,
    geometry: change({kernel: {workgroupSize}})
  })),
  {name: "two rows a team", geometry: change({kernel: {workgroupSize: 128, teamRows: 2}})},
  {
    name: "one row a team where rows come singly",
    factorings: ["staged"],
    geometry(features) {
      const geometry = change({kernel: {workgroupSize: 64}})(features);
      for (const stage of ["o_proj", "down", "lm_head"] as const) geometry.kernels[stage].teamRows = 1;
      return geometry;
    }
  },
  {name: "subgroups of a size not known before", only: "with subgroups", geometry: change({lanesAreFixed: false})},
  {
    name: "subgroups of up to 64",
    only: "with subgroups",
    geometry: change({lanesAreFixed: false, lanes: 64, kernel: {workgroupSize: 64}})
  },
  ...[4, 16, 64].map((lanes) => ({
    name: `teams of ${lanes}`,
    only: "without" as const,
    geometry: change({lanes, kernel: {workgroupSize: 64}})
  })),
  ...[1, 4, 5].map((groups) => ({
    name: `room for ${groups} groups of the input`,
    geometry: (features: readonly KernelFeature[]) =>
      change({workgroupStorage: storageForTile(groups, 64, shape, features), kernel: {workgroupSize: 64}})(features)
  }))
];

describe.each(featureSets(gpu))("%s", (...features) => {
  const mine = cases.filter(({only}) => !only || (only === "with subgroups") === features.includes("subgroups"));
  const runs = mine.flatMap(({name, geometry, factorings = manyKernelFactorings(gpu)}) =>
    factorings.map((factoring) => ({name, factoring, geometry: geometry(features)}))
  );
  test.each(runs)(`${describeFeatures(features)}, $factoring with $name matches transformers`, async ({factoring, geometry}) => {
    const decoder = await createDecoder(gpu.device, kernels, weights, {shape, factoring, geometry});
    const short = shorten(expected, 5);
    const actual = await decode(decoder, short);
    expect(largestError(actual, short)).toBeLessThanOrEqual(tolerance);
    expect(actual.greedy).toEqual(short.greedy);
    decoder.destroy();
  });
});

test("the tiles of this test are as small as they are meant to be", () => {
  for (const features of featureSets(gpu)) {
    for (const groups of [1, 4, 5]) {
      const workgroupStorage = storageForTile(groups, 64, shape, features);
      expect(workgroupStorage).toBeLessThan(maxComputeWorkgroupStorageSize);
      const plan = planToken(shape, "staged", change({workgroupStorage, kernel: {workgroupSize: 64}})(features));
      for (const {path, tileGroups} of plan) if (/qkv|down|lm_head/.test(path)) expect(tileGroups, path).toBe(groups);
    }
  }
});

function change(changes: Parameters<typeof changeGeometry>[3]) {
  return (features: readonly KernelFeature[]) => changeGeometry(gpu, shape, features, changes);
}
