import {afterAll, beforeAll, expect, test} from "vitest";
import {linkSources, readSources} from "../../data/link-kernels.js";
import {
  decode,
  expectFromReference,
  largestError,
  loadFixture,
  shorten,
  type Expected
} from "../../testing/fixtures.js";
import {changeGeometry, featureSets, storageForTile} from "../../testing/geometries.js";
import {mutate, mutations, type SubjectName} from "../../testing/mutations.js";
import {hasSlowCompiler, openTestGpu, withLimits} from "../../testing/test-gpu.js";
import type {KernelFeature, Kernels} from "../gpu/kernels.js";
import {endsLayout, layerLayout} from "../model/layout.js";
import {shapes, type Shape} from "../model/shape.js";
import {createDecoder, type DecoderOptions} from "./decoder.js";
import {createSyntheticWeights, uploadWeights, type GpuWeights} from "./gpu-weights.js";
import type {Geometry} from "./plan.js";

// What the checks are worth: each mutant of the kernels must be seen by the comparison that the other tests, the lab and
// `npm run verify` rely on. A mutant that passes fails its test, and so does one that does not compile or that is not
// made any more because the kernel has changed: then it proves nothing.

const tolerance = 1e-4;

const gpu = await openTestGpu();
afterAll(() => gpu.destroy());

const sources = readSources();
const kernels: Kernels = {sources, linked: await linkSources(sources)};

const stages = Object.keys(sources).filter((path) => path.startsWith("stages/"));
const tried = hasSlowCompiler(gpu)
  ? stages.flatMap((stage) => mutations.filter(({path}) => path === stage).slice(0, 1))
  : mutations;

/** What a mutant decodes, and what it should. */
interface Subject extends DecoderOptions {
  weights: GpuWeights;
  expected: Expected;
}

let subjects: Record<SubjectName, Subject>;
beforeAll(async () => {
  subjects = {...(await makeTinySubjects()), ...(await makeSyntheticSubjects())};
});

test.each([...new Set(tried.map(({on}) => on))])("the kernels as they are pass the check on %s", async (on) => {
  expect(await findMistake(kernels, subjects[on])).toBeNull();
});

test.each(tried.map((mutation) => [mutation.path, mutation.wrong, mutation] as const))(
  "it is seen in kernels/%s when %s",
  async (_path, _wrong, mutation) => {
    const mutated = mutate(sources, mutation);
    const mutant = {sources: mutated, linked: await linkSources(mutated)};
    expect(await findMistake(mutant, subjects[mutation.on]), "what the check says of the mutant").not.toBeNull();
  }
);

test("every stage has mutants", () => {
  expect(stages).not.toEqual([]);
  for (const stage of stages) expect(tried.map(({path}) => path)).toContain(stage);
});

/** What is wrong with what kernels compute, or null. */
async function findMistake(kernels: Kernels, {weights, expected, ...options}: Subject): Promise<string | null> {
  const decoder = await createDecoder(gpu.device, kernels, weights, options);
  try {
    const actual = await decode(decoder, expected);
    const error = largestError(actual, expected);
    if (!(error <= tolerance)) return `the relative error of logits is ${error}`;
    return actual.greedy.join() === expected.greedy.join() ? null : `the tokens are ${actual.greedy.join()}`;
  } finally {
    decoder.destroy();
  }
}

async function makeTinySubjects() {
  const {model, expected: whole} = await loadFixture("phi3-tiny");
  const {shape} = model;
  const weights = await uploadWeights(gpu.device, shape, model.tensors);
  // Three greedy tokens, so that what was chosen is decoded in turn.
  const expected = {...whole, greedy: whole.greedy.slice(0, 3)};
  const [all] = featureSets(gpu);
  const change = (features: readonly KernelFeature[], more: Partial<Geometry> = {}) =>
    changeGeometry(gpu, shape, features, {kernel: {workgroupSize: 64}, ...more});
  const pieces = {workgroupStorage: storageForTile(4, 64, shape, {features: all!, arithmetic: "float32"})};
  const staged = {factoring: "staged", shape, weights, expected, geometry: change(all!)} satisfies Subject;
  return {
    staged,
    portable: {...staged, expected: shorten(expected, 3), geometry: change([], {lanes: 8})},
    tiles: {...staged, geometry: change(all!, pieces)},
    varying: {...staged, geometry: change(all!, {lanesAreFixed: false})},
    fused: {...staged, factoring: "fused"},
    "fused tiles": {...staged, factoring: "fused", geometry: change(all!, pieces)}
  } satisfies Partial<Record<SubjectName, Subject>>;
}

async function makeSyntheticSubjects() {
  const shape: Shape = {
    ...shapes.tiny,
    id: "grouped-query",
    hidden: 64,
    layers: 1,
    heads: 4,
    kvHeads: 2,
    headDim: 32,
    ffn: 96,
    vocabulary: 96,
    epsilon: 0.01, // large enough to be missed
    context: 40
  };
  const geometry = changeGeometry(gpu, shape, featureSets(gpu)[0]!, {kernel: {workgroupSize: 64}});
  const layered = {...shape, layers: 3};
  const maxStorageBufferBindingSize = Math.max(layerLayout(layered, 0).bytes, endsLayout(layered).bytes);
  return {
    long: {
      factoring: "staged",
      shape,
      geometry,
      weights: await createSyntheticWeights(gpu.device, kernels, shape),
      expected: await expectFromReference(shape, {positions: 20, tokens: 2})
    },
    split: {
      factoring: "fused",
      shape: layered,
      geometry,
      weights: await createSyntheticWeights(withLimits(gpu.device, {maxStorageBufferBindingSize}), kernels, layered),
      expected: await expectFromReference(layered, {positions: 2, tokens: 1})
    }
  } satisfies Partial<Record<SubjectName, Subject>>;
}
