import {expect, test} from "vitest";
import {linkKernels} from "../../data/link-kernels.js";
import {decode, largestError, loadFixture, type Expected, type FixtureName} from "../../testing/fixtures.js";
import {describeFeatures, featureSets} from "../../testing/geometries.js";
import {openTestGpu, quickFactorings} from "../../testing/test-gpu.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {createDecoder} from "./decoder.js";
import {defaultGeometry} from "./geometry.js";
import {uploadWeights} from "./gpu-weights.js";
import {factorings, type Factoring} from "./plan.js";

const tolerance = 1e-4;

/** Of one float32 kernel from another: both err by far less than the tolerance. */
const spread = 2e-5;

const probe = await openTestGpu();
const [all, ...less] = featureSets(probe);
const quick = quickFactorings(probe);
const isSlowWithoutSubgroups = /SwiftShader/.test(probe.description.label);
probe.destroy();

const kernels = await linkKernels();

const cases: {fixture: FixtureName; features: KernelFeature[]; factorings: readonly Factoring[]}[] = [
  ...[all!, ...less].map((features) => ({fixture: "phi3-tiny" as const, features, factorings})),
  {fixture: "phi3-tiny-deep", features: all!, factorings: quick},
  ...(isSlowWithoutSubgroups
    ? []
    : less.map((features) => ({fixture: "phi3-tiny-deep" as const, features, factorings: quick})))
];

// Concurrent, on a device each: a driver compiles for several devices at the same time.
test.concurrent.each(
  cases.map((one) => [one.fixture, describeFeatures(one.features), one.factorings.join(" and "), one] as const)
)(
  "%s %s: %s match transformers and each other",
  async (_fixture, _features, _factorings, {fixture, features, factorings}) => {
    const {model, expected} = await loadFixture(fixture);
    const {shape, tensors} = model;
    const gpu = await openTestGpu();
    try {
      const weights = await uploadWeights(gpu.device, shape, tensors);
      const results = new Map<Factoring, Expected>();
      for (const factoring of factorings) {
        const options = {shape, factoring, geometry: defaultGeometry(shape, features, gpu)};
        const decoder = await createDecoder(gpu.device, kernels, weights, options);
        const actual = await decode(decoder, expected);
        expect(actual.logits, factoring).toHaveLength(expected.prompt.length);
        expect(largestError(actual, expected), factoring).toBeLessThanOrEqual(tolerance);
        expect(actual.greedy, factoring).toEqual(expected.greedy);
        results.set(factoring, actual);
        decoder.destroy();
      }
      const [first, ...others] = results.values();
      for (const other of others) expect(largestError(other, first!)).toBeLessThanOrEqual(spread);
    } finally {
      gpu.destroy();
    }
  },
  400_000
);
