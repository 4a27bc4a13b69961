import {afterAll, expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {decode, largestError, loadFixture, shorten} from "../../testing/fixtures.js";
import {changeGeometry, describeFeatures, featureSets, storageForTile} from "../../testing/geometries.js";
import {retryStalled} from "../gpu/stalls.js";
import {hasSlowCompiler, manyKernelFactorings, openTestGpu, quickFactorings} from "../../testing/test-gpu.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {logitTolerances} from "../lab/record.js";
import {createDecoder} from "./decoder.js";
import {uploadWeights} from "./gpu-weights.js";
import {arithmetics, planToken, type Factoring, type Geometry} from "./plan.js";

const gpu = await openTestGpu();
afterAll(() => gpu.destroy());
const kernels = readKernels();
const {model, expected} = await loadFixture("phi3-tiny");
const {shape} = model;
const weights = await uploadWeights(gpu.device, shape, model.tensors);

const {maxComputeInvocationsPerWorkgroup} = gpu.device.limits;
const largest = Math.min(1024, maxComputeInvocationsPerWorkgroup);

interface Case {
  name: string;
  geometry(features: readonly KernelFeature[]): Geometry;
  factorings: readonly Factoring[];
  /** Left out where compiling takes long: the other drivers have it. */
  optional?: true;
}

const some = manyKernelFactorings(gpu);
const fused = quickFactorings(gpu).filter((factoring) => factoring === "fused");

const anywhere: Case[] = [
  {
    name: "workgroups of 64 with room for one group of the input",
    factorings: some,
    geometry: withTile(1, 64)
  },
  {
    name: "workgroups of 128, teams of two rows and room for four groups of the input, which do not divide it",
    factorings: some,
    optional: true,
    geometry: withTile(4, 128, 2)
  },
  {
    name: "one row a team where rows come singly",
    factorings: ["staged"],
    optional: true,
    geometry(features) {
      const geometry = change({kernel: {workgroupSize: 64, teamRows: 2, residualRows: 1}})(features);
      geometry.kernels.lm_head.teamRows = 1;
      return geometry;
    }
  },
  {
    name: "teams of two rows, and one row where they are elements of the residual",
    factorings: some,
    optional: true,
    geometry: change({kernel: {workgroupSize: 64, teamRows: 2, residualRows: 1}})
  },
  {
    name: "two rows of the residual a team",
    factorings: some,
    optional: true,
    geometry: change({kernel: {workgroupSize: 128, residualRows: 2}})
  },
  {
    name: "16-bit activations and room for four groups of the input, which do not divide it",
    factorings: some,
    optional: true,
    geometry: withTile(4, 64, 4, {arithmetic: "int16"})
  },
  {
    name: "two workgroups of 64 with room for one group of the input",
    factorings: fused,
    geometry: withTile(1, 64, 4, {workgroups: 2})
  },
  {
    name: "two workgroups of 128, teams of two rows and room for four groups of the input, which do not divide it",
    factorings: fused,
    geometry: withTile(4, 128, 2, {workgroups: 2})
  },
  {
    name: "two workgroups of 64, 16-bit activations and room for four groups of the input, which do not divide it",
    factorings: fused,
    geometry: withTile(4, 64, 4, {workgroups: 2, arithmetic: "int16"})
  },
  {
    name: "workgroups as large as can be for every stage",
    factorings: some,
    geometry: (features) =>
      change({workgroupStorage: enoughStorage(features), kernel: {workgroupSize: largestWith(features)}})(features)
  }
];

const withSubgroups: Case[] = [
  {
    name: "workgroups of 128, teams of two rows, one where they are elements of the residual, and four groups of the input",
    factorings: ["unfused"],
    optional: true,
    geometry: withTile(4, 128, 2, {}, 1)
  },
  {
    name: "subgroups of a size not known before",
    factorings: some,
    optional: true,
    geometry: change({lanesAreFixed: false})
  },
  {
    name: "subgroups of up to 64 of which none is so large",
    factorings: some,
    geometry: change({lanesAreFixed: false, lanes: 64, kernel: {workgroupSize: 64}})
  }
];

const withoutSubgroups: Case[] = [
  {name: "teams of 4", factorings: some, optional: true, geometry: change({lanes: 4, kernel: {workgroupSize: 64}})},
  {
    name: "teams as large as a workgroup",
    factorings: some,
    optional: true,
    geometry: change({lanes: 64, kernel: {workgroupSize: 64}})
  }
];

const runs = featureSets(gpu).flatMap((features) =>
  [...anywhere, ...(features.includes("subgroups") ? withSubgroups : withoutSubgroups)]
    .filter(({optional}) => !(optional && hasSlowCompiler(gpu)))
    .flatMap((one) =>
      one.factorings.map((factoring) => ({...one, factoring, features, where: describeFeatures(features)}))
    )
);

test.each(runs.map((run) => [run.factoring, run.where, run.name, run] as const))(
  "%s %s matches transformers with %s",
  async (factoring, _where, _name, {features, geometry}) => {
    const options = {shape, factoring, geometry: geometry(features)};
    const decoder = await createDecoder(gpu.device, kernels, weights, options);
    const short = shorten(expected, 5);
    const actual = await retryStalled(() => decode(decoder, short));
    expect(largestError(actual, short)).toBeLessThanOrEqual(logitTolerances[options.geometry.arithmetic]);
    expect(actual.greedy).toEqual(short.greedy);
    decoder.destroy();
  }
);

test("the tiles of this test are as small as they are meant to be", () => {
  for (const features of featureSets(gpu)) {
    for (const groups of [1, 4]) {
      for (const arithmetic of arithmetics) {
        const geometry = withTile(groups, 64, 4, {arithmetic})(features);
        for (const workgroups of [1, 2]) {
          expect(planToken(shape, "fused", {...geometry, workgroups})[0]!.tileGroups).toBe(groups);
        }
        for (const {path, tileGroups} of planToken(shape, "staged", geometry)) {
          expect(tileGroups, path).toBeLessThanOrEqual(groups);
        }
      }
    }
  }
});

function withTile(
  groups: number,
  workgroupSize: number,
  teamRows = 4,
  more: Partial<Geometry> = {},
  residualRows?: number
) {
  return (features: readonly KernelFeature[]) => {
    const arithmetic = more.arithmetic ?? "float32";
    const workgroupStorage = storageForTile(groups, workgroupSize, shape, {features, arithmetic});
    const kernel = {workgroupSize, teamRows, ...(residualRows && {residualRows})};
    return change({workgroupStorage, kernel, ...more})(features);
  };
}

/** Without subgroups, sums over teams take so much memory that attention has room for fewer invocations. */
function largestWith(features: readonly KernelFeature[]): number {
  return features.includes("subgroups") ? largest : Math.min(512, largest);
}

/** All the device has; a plan counts the memory of every stage together, which a staged kernel does not need. */
function enoughStorage(features: readonly KernelFeature[]): number {
  const least = storageForTile(1, largestWith(features), shape, {features, arithmetic: "float32"});
  return Math.max(gpu.device.limits.maxComputeWorkgroupStorageSize, least);
}

function change(changes: Parameters<typeof changeGeometry>[3]) {
  return (features: readonly KernelFeature[]) => changeGeometry(gpu, shape, features, changes);
}
