import {afterAll, beforeAll, expect, test} from "vitest";
import {readKernels, readSources} from "../data/read-kernels.js";
import {decode, expectFromReference, largestError, loadFixture, shorten, type Expected} from "./fixtures.js";
import {changeGeometry, featureSets, storageForTile} from "./geometries.js";
import {mutate, mutations, type Mutation, type SubjectName} from "./mutations.js";
import {retryStalled} from "../components/gpu/stalls.js";
import {hasSlowCompiler, openTestGpu, withLimits} from "./test-gpu.js";
import {StalledError} from "../components/gpu/errors.js";
import type {KernelFeature, Kernels} from "../components/gpu/kernels.js";
import {endsLayout, layerLayout} from "../components/model/layout.js";
import {compareLogits} from "../components/model/reference.js";
import {shapes, type Shape} from "../components/model/shape.js";
import {logitTolerances} from "../components/lab/record.js";
import {layColumns} from "../components/decode/column-weights.js";
import {createDecoder, type Decoder, type DecoderOptions} from "../components/decode/decoder.js";
import {expandWeights} from "../components/decode/expanded-weights.js";
import {createSyntheticWeights, uploadWeights, type GpuWeights} from "../components/decode/gpu-weights.js";
import {readsColumns, type KernelOptions} from "../components/decode/kernel-options.js";
import type {Geometry} from "../components/decode/plan.js";

const gpu = await openTestGpu();

const sources = readSources();
const unmutated = readKernels(sources);

const paths = (pattern: RegExp) => Object.keys(sources).filter((path) => pattern.test(path));
const stages = paths(/^stages\//);
const rest = paths(/^(lib|record|unfused)\//);
const tried = hasSlowCompiler(gpu)
  ? stages.flatMap((stage) => mutations.filter(({path}) => path === stage).slice(0, 1))
  : mutations.filter(({on}) => on !== "crowd" || gpu.description.software); // a GPU may hold a crowd

/** What a mutant decodes, and what it should. */
interface Subject extends DecoderOptions {
  weights: GpuWeights;
  expected: Expected;
  /** As many are not resident at once, and the roll call must say so; nothing is decoded. */
  crowd?: number;
}

/** Subjects of one kernel that computes whole layers. */
const oneKernel: readonly SubjectName[] = [
  ...(["fused", "chunked", "fused tiles", "tokens", "split", "layers", "grid", "registers", "wide", "crowd"] as const),
  ...(["record", "words", "record tiles", "loads", "passes"] as const)
];

/** Whether a subject's workgroups wait for each other, for which they need the cores that others would take. */
const waits = ({on}: {on: SubjectName}) => ["grid", "registers", "wide", "crowd"].includes(on);
const name = (mutation: Mutation) => [mutation.path, mutation.wrong, mutation] as const;

let subjects: Record<SubjectName, Subject>;

/** Decoders of the kernels as they are: as long as something refers to a pipeline, the device does not compile it again. */
const kept: Decoder[] = [];

/**
 * What the checks are worth: each mutant of the kernels must be seen by the comparison that the other tests, the lab and
 * `npm run verify` rely on. A mutant that passes fails its test, and so does one that does not compile or that is not
 * made any more because the kernel has changed: then it proves nothing.
 *
 * @param kind mutants of one kernel that computes whole layers, which take long to compile, or of the others
 */
export function testMutants(kind: "one kernel" | "many kernels"): void {
  afterAll(() => gpu.destroy());
  beforeAll(async () => {
    subjects = {...(await makeTinySubjects()), ...(await makeSyntheticSubjects())};
  });
  const mutants = tried.filter(({on}) => oneKernel.includes(on) === (kind === "one kernel"));

  if (mutants.length > 0) {
    test.each([...new Set(mutants.map(({on}) => on))])("the kernels as they are pass the check on %s", async (on) => {
      expect(await findMistake(unmutated, subjects[on])).toBeNull();
    });
  }

  test.concurrent.each(mutants.filter((mutation) => !waits(mutation)).map(name))(
    "it is seen in kernels/%s when %s",
    (_path, _wrong, mutation) => expectMistake(mutation)
  );

  test.each(mutants.filter(waits).map(name))("it is seen in kernels/%s when %s", (_path, _wrong, mutation) =>
    expectMistake(mutation)
  );
}

/** The best token of all is compared in halves of 16 bits: there must be tokens that have more. */
export function testWideTokens(): void {
  test("tokens of the wide subject have more than 16 bits", () => {
    expect(Math.max(...subjects.wide.expected.greedy)).toBeGreaterThan(65535);
  });
}

/** Every stage has a mutant that each driver tries; every library and every operation has one. */
export function testCoverage(): void {
  test("every stage, every library and every operation has mutants", () => {
    expect(stages).not.toEqual([]);
    for (const stage of stages) expect(tried.map(({path}) => path)).toContain(stage);
    for (const path of rest) expect(mutations.map(({path}) => path)).toContain(path);
  });
}

/** Fewer than the kernels as they are have, because a mutant that waits in vain does so each time, and that takes long. */
const attemptsOfMutants = 8;

async function expectMistake(mutation: Mutation): Promise<void> {
  const mutant = readKernels(mutate(sources, mutation));
  const mistake = await findMistake(mutant, subjects[mutation.on], attemptsOfMutants);
  expect(mistake, "what the check says of the mutant").not.toBeNull();
}

/**
 * What is wrong with what kernels compute, or null.
 * @param attempts in vain, after which workgroups that wait for each other are taken to wait for ever
 */
async function findMistake(kernels: Kernels, subject: Subject, attempts?: number): Promise<string | null> {
  const {crowd, shape, factoring, geometry} = subject;
  const columns = readsColumns(geometry.options) && (await layColumns(gpu.device, kernels, shape, subject.weights));
  const weights = columns || subject.weights;
  const decoder = await createDecoder(gpu.device, kernels, weights, {shape, factoring, geometry});
  if (kernels === unmutated) kept.push(decoder);
  try {
    if (crowd !== undefined) return (await decoder.rollCall(crowd)) ? `${crowd} workgroups answer the roll call` : null;
    return await retryStalled(() => findWrongResult(decoder, subject), attempts);
  } catch (error) {
    if (error instanceof StalledError) return error.message;
    throw error;
  } finally {
    decoder.destroy();
    if (columns) columns.destroy();
  }
}

async function findWrongResult(decoder: Decoder, {expected, geometry}: Subject): Promise<string | null> {
  const allowed = logitTolerances[geometry.arithmetic];
  if (geometry.workgroups > 1 && !(await decoder.rollCall(geometry.workgroups))) {
    throw new StalledError("the workgroups do not answer the roll call");
  }
  const actual = await decode(decoder, expected);
  const error = largestError(actual, expected);
  if (!(error <= allowed)) return `the relative error of logits is ${error}`;
  if (actual.greedy.join() !== expected.greedy.join()) return `the tokens are ${actual.greedy.join()}`;
  decoder.reset(expected.prompt);
  await decoder.run(expected.prompt.length);
  const together = compareLogits(await decoder.readLogits(), expected.logits.at(-1)!);
  return together <= allowed
    ? null
    : `the relative error of logits is ${together} where positions are decoded together`;
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
  const rows = {teamRows: 4, qkvRows: 4, residualRows: 4};
  const one = changeGeometry(gpu, shape, [], {lanes: 4, lanesAreFixed: true, kernel: {workgroupSize: 64, ...rows}});
  const alone = (options: KernelOptions) =>
    ({...staged, factoring: "fused", expected: shorten(expected, 3), geometry: {...one, options}}) as const;
  return {
    staged,
    portable: {...staged, expected: shorten(expected, 3), geometry: change([], {lanes: 8})},
    tiles: {...staged, geometry: change(all!, pieces)},
    varying: {...staged, geometry: change(all!, {lanesAreFixed: false})},
    packed: {...staged, geometry: change(all!, {arithmetic: "int16"})},
    grid: {...staged, factoring: "fused", geometry: change(all!, {workgroups: 2, tokensPerDispatch: 2})},
    registers: {
      ...staged,
      factoring: "fused",
      geometry: change(["subgroups"], {
        workgroups: 2,
        tokensPerDispatch: 2,
        arithmetic: "int16",
        activationsIn: "registers"
      })
    },
    crowd: {...staged, factoring: "fused", geometry: change(all!, {workgroups: 8}), crowd: 8},
    record: alone({alone: "each weight, column by column"}),
    scales: alone({alone: "four weights, a scale for 32"}),
    words: alone({alone: "each word, written out", scalarLoads: true}),
    "word by word": alone({alone: "each word"}),
    "record tiles": alone({alone: "each word, from workgroup memory", mostTileGroups: 4, ffnTile: 192}),
    loads: alone({loads: 2}),
    passes: alone({qkvPasses: 3}),
    fused: {...staged, factoring: "fused"},
    chunked: {...staged, factoring: "chunked", geometry: change(all!, {layersPerDispatch: 1})},
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
    context: 44
  };
  const geometry = changeGeometry(gpu, shape, featureSets(gpu)[0]!, {kernel: {workgroupSize: 64}});
  const layered = {...shape, layers: 3};
  const deep = {...shape, layers: 7};
  const wide = {...shape, hidden: 32, vocabulary: 140_000};
  const weights = await createSyntheticWeights(gpu.device, unmutated, shape);
  const expected = await expectFromReference(shape, {positions: 3, tokens: 2});
  const workgroupStorage = storageForTile(2, 64, shape, {features: geometry.features, arithmetic: "float32"});
  const pieces = {
    factoring: "staged",
    shape,
    expected,
    geometry: {...geometry, workgroupStorage}
  } satisfies Partial<Subject>;
  const maxStorageBufferBindingSize = Math.max(layerLayout(layered, 0).bytes, endsLayout(layered).bytes);
  const twoInEach = withLimits(gpu.device, {maxStorageBufferBindingSize: 2 * layerLayout(deep, 0).bytes});
  const long = {
    factoring: "staged",
    shape,
    geometry,
    weights,
    expected: await expectFromReference(shape, {positions: 40, tokens: 2})
  } satisfies Subject;
  return {
    long,
    unfused: {...long, factoring: "unfused"},
    expanded: {...pieces, weights: await expandWeights(gpu.device, unmutated, shape, weights, "float32")},
    halves: {...pieces, weights: await expandWeights(gpu.device, unmutated, shape, weights, "float16")},
    tokens: {
      factoring: "fused",
      shape: layered,
      geometry: {...geometry, tokensPerDispatch: 3},
      weights: await createSyntheticWeights(gpu.device, unmutated, layered),
      expected: await expectFromReference(layered, {positions: 3, tokens: 3})
    },
    wide: {
      factoring: "fused",
      shape: wide,
      geometry: {...geometry, workgroups: 2},
      weights: await createSyntheticWeights(gpu.device, unmutated, wide),
      expected: await expectFromReference(wide, {positions: 2, tokens: 6})
    },
    layers: {
      factoring: "chunked",
      shape: deep,
      geometry: {...geometry, layersPerDispatch: 3}, // of a buffer's two, so that a dispatch begins within a buffer
      weights: await createSyntheticWeights(twoInEach, unmutated, deep),
      expected: await expectFromReference(deep, {positions: 2, tokens: 1})
    },
    split: {
      factoring: "fused",
      shape: layered,
      geometry,
      weights: await createSyntheticWeights(withLimits(gpu.device, {maxStorageBufferBindingSize}), unmutated, layered),
      expected: await expectFromReference(layered, {positions: 2, tokens: 1})
    }
  } satisfies Partial<Record<SubjectName, Subject>>;
}
