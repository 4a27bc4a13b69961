import {expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {
  decode,
  decodeAnew,
  largestError,
  loadFixture,
  type Expected,
  type FixtureName
} from "../../testing/fixtures.js";
import {describeFeatures, featureSets} from "../../testing/geometries.js";
import {hasSlowCompiler, openTestGpu} from "../../testing/test-gpu.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {logitTolerances} from "../lab/record.js";
import {createDecoder} from "./decoder.js";
import {defaultGeometry} from "./geometry.js";
import {uploadWeights} from "./gpu-weights.js";
import type {Arithmetic, Factoring} from "./plan.js";

/** Of one float32 kernel from another: both err by far less than the tolerance. */
const spread = 2e-5;

/** Kernels for 16-bit activations that differ from float32 by less are float32. Measured: 6e-5 and more. */
const leastDifference = 2e-5;

/** A way to launch the stages. */
interface Launch {
  factoring: Factoring;
  workgroups: number;
}

const staged: Launch = {factoring: "staged", workgroups: 1};
const fused: Launch = {factoring: "fused", workgroups: 1};
const chunked: Launch = {factoring: "chunked", workgroups: 1};
const unfused: Launch = {factoring: "unfused", workgroups: 1};
const grid: Launch = {factoring: "fused", workgroups: 2};

const describeLaunch = ({factoring, workgroups}: Launch) =>
  workgroups > 1 ? `${factoring} by ${workgroups}` : factoring;

const probe = await openTestGpu();
const [all, ...less] = featureSets(probe);
const slow = hasSlowCompiler(probe);
const everything = [staged, fused, chunked, grid];
const quick = slow ? [staged] : everything;
const isSlowWithoutSubgroups = /SwiftShader/.test(probe.description.label);
probe.destroy();

const kernels = readKernels();

/** A layer of two in each dispatch; and four of six, so that the second dispatch has fewer. */
const layersPerDispatch: Record<FixtureName, number> = {"phi3-tiny": 1, "phi3-tiny-deep": 4};

interface Case {
  fixture: FixtureName;
  features: KernelFeature[];
  float32: readonly Launch[];
  int16: readonly Launch[];
}

// Chunked after fused, whose pipeline it is: the device has it then.
const tiny = {fixture: "phi3-tiny" as const, float32: [...everything, unfused], int16: [...everything, unfused]};
const deep = {fixture: "phi3-tiny-deep" as const, float32: quick, int16: quick};

const cases: Case[] = [
  {...tiny, features: all!},
  ...less.map((features) => ({
    ...tiny,
    features,
    int16: everything,
    ...(slow && {float32: [staged, fused, chunked, unfused], int16: [staged]})
  })),
  {...deep, features: all!},
  ...(isSlowWithoutSubgroups ? [] : less.map((features) => ({...deep, features})))
];

const describeCase = ({float32, int16}: Case) =>
  `${float32.map(describeLaunch).join(", ")}; ${int16.map(describeLaunch).join(", ")} with 16-bit activations`;

// Concurrent, on a device each: a driver compiles for several devices at the same time.
test.concurrent.each(
  cases.map((one) => [one.fixture, describeFeatures(one.features), describeCase(one), one] as const)
)(
  "%s %s: %s match transformers and each other",
  async (_fixture, _features, _launches, {fixture, features, ...launches}) => {
    const {model, expected} = await loadFixture(fixture);
    const {shape, tensors} = model;
    const gpu = await openTestGpu();
    try {
      const weights = await uploadWeights(gpu.device, shape, tensors);
      const run = async (arithmetic: Arithmetic, {factoring, workgroups}: Launch): Promise<Expected> => {
        const geometry = defaultGeometry(shape, features, gpu.description, arithmetic);
        const decoder = await createDecoder(gpu.device, kernels, weights, {
          shape,
          factoring,
          geometry: {
            ...geometry,
            workgroups,
            tokensPerDispatch: workgroups > 1 ? shape.context : 1,
            layersPerDispatch: layersPerDispatch[fixture]
          }
        });
        if (factoring === "chunked") expect(decoder.plan).toHaveLength(2);
        const actual = await (workgroups > 1 ? decodeAnew : decode)(decoder, expected);
        decoder.destroy();
        return actual;
      };
      const results = new Map<Launch, Expected>();
      for (const arithmetic of ["float32", "int16"] as const) {
        for (const launch of launches[arithmetic]) {
          const name = `${describeLaunch(launch)} in ${arithmetic}`;
          const actual = await run(arithmetic, launch);
          const error = largestError(actual, expected);
          console.log(`${fixture} ${describeFeatures(features)}: ${name} errs by ${error.toExponential(1)}`);
          expect(actual.logits, name).toHaveLength(expected.prompt.length);
          expect(error, name).toBeLessThanOrEqual(logitTolerances[arithmetic]);
          expect(actual.greedy, name).toEqual(expected.greedy);
          if (arithmetic === "float32") results.set(launch, actual);
          else expect(largestError(actual, results.get(launch)!), name).toBeGreaterThan(leastDifference);
        }
      }
      const first = results.get(staged)!;
      for (const other of [fused, unfused]) {
        if (results.has(other)) expect(largestError(results.get(other)!, first)).toBeLessThanOrEqual(spread);
      }
      // The same compiled kernel does the same, wherever it stops in between.
      if (results.has(chunked)) expect(results.get(chunked)!.logits).toEqual(results.get(fused)!.logits);
    } finally {
      gpu.destroy();
    }
  },
  400_000
);
