import {Float16Array} from "@petamoriken/float16";
import {afterAll, describe, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {decode, expectFromReference, largestError} from "../../testing/fixtures.js";
import {changeGeometry, describeFeatures, featureSets, storageForTile} from "../../testing/geometries.js";
import {mutate} from "../../testing/mutations.js";
import {countBuffers, hasSlowCompiler, openTestGpu, withLimits} from "../../testing/test-gpu.js";
import {GpuError} from "../gpu/errors.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {Readback} from "../gpu/readback.js";
import {logitTolerance} from "../lab/record.js";
import {endsLayout, layerLayout} from "../model/layout.js";
import {shapes, type Shape, type WeightFormat} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import {modelMatrices} from "../model/weights.js";
import {createDecoder} from "./decoder.js";
import {expandWeights} from "./expanded-weights.js";
import {createSyntheticWeights, type GpuWeights} from "./gpu-weights.js";
import type {Geometry} from "./plan.js";

/** Scales in odd numbers (77 · 3 = 231), and two layers that differ. */
const odd: Shape = {...shapes.tiny, id: "odd", hidden: 96, ffn: 224, vocabulary: 77, heads: 3, kvHeads: 1, headDim: 32};

const sources = readSources();
const kernels = readKernels(sources);
const formats = ["float16", "float32"] as const;
const gpu = await openTestGpu();
const slow = hasSlowCompiler(gpu);
const int4 = await createSyntheticWeights(gpu.device, kernels, odd);
const expected = await expectFromReference(odd, {positions: 4, tokens: 3});
afterAll(() => gpu.destroy());

describe.each(formats)("weights in %s", (format) => {
  test("are on the GPU what the reference multiplies, exactly", async () => {
    const weights = await expandWeights(gpu.device, kernels, odd, int4, format);
    expect(weights.format).toBe(format);
    expect(await findDifferences(weights)).toEqual([]);
    weights.destroy();
  });

  test("are the same in several buffers", async () => {
    const most = Math.max(layerLayout(odd, 0, format).bytes, endsLayout(odd, format).bytes);
    const device = withLimits(gpu.device, {maxStorageBufferBindingSize: most});
    const weights = await expandWeights(device, kernels, odd, int4, format);
    expect(weights.slots.length).toBe(2);
    expect(await findDifferences(weights)).toEqual([]);
    weights.destroy();
  });

  test.each([
    {what: "a shift", find: "word >> 8u", replace: "word >> 4u"},
    {
      what: "the zero",
      find: "vec4u(15u)) - 7.0) * scale;\n  let high",
      replace: "vec4u(15u)) - 8.0) * scale;\n  let high"
    },
    {what: "the group", find: "index / 4u;", replace: "index / 8u;"},
    {what: "the half of a scale's word", find: ">> (16u * (at & 1u))", replace: ""}
  ])("expanded with $what wrong are seen", async ({find, replace}) => {
    const mutant = readKernels(mutate(sources, {path: "expand.wgsl", find, replace}));
    const weights = await expandWeights(gpu.device, mutant, odd, int4, format);
    expect(await findDifferences(weights)).not.toEqual([]);
    weights.destroy();
  });

  test("leave nothing allocated when memory runs out, and say what it was for", async () => {
    for (const failAt of [0, 2, 4]) {
      const counted = countBuffers(gpu, failAt);
      const failing = expandWeights(counted.device, kernels, odd, int4, format);
      await expect(failing, `buffer ${failAt}`).rejects.toThrow(GpuError);
      await expect(failing, `buffer ${failAt}`).rejects.toThrow(/^(allocating|writing) the (weights|embedding) /);
      expect(counted.buffers.destroyed, `buffer ${failAt}`).toBe(counted.buffers.created);
    }
  });
});

/** Two rows a team and an input in pieces that do not divide it, or as many rows as the lanes allow. */
function geometryWith(features: readonly KernelFeature[], rows: "few" | "many"): Geometry {
  const few = {teamRows: 2, qkvRows: 2, residualRows: 1};
  const many = {teamRows: 8, qkvRows: 8, residualRows: 8};
  const kernel = {workgroupSize: 64, ...(rows === "few" ? few : many)};
  const workgroupStorage = storageForTile(4, 64, odd, {features, arithmetic: "float32"});
  return changeGeometry(gpu, odd, features, {kernel, ...(rows === "few" && {workgroupStorage})});
}

const [all] = featureSets(gpu);
const cases = [
  ...featureSets(gpu).map((features) => ({factoring: "staged", features, rows: "few"}) as const),
  {factoring: "staged", features: all!, rows: "many"} as const,
  {factoring: "fused", features: all!, rows: "few"} as const
].slice(0, slow ? 1 : undefined);
const runs = formats.flatMap((format) => cases.map((one) => ({...one, format, where: describeFeatures(one.features)})));

test.concurrent.each(runs.map((run) => [run.factoring, run.format, run.where, run.rows, run] as const))(
  "%s in %s %s matches the reference with %s rows a team",
  async (_factoring, format, _where, rows, {factoring, features}) => {
    const weights = await expandWeights(gpu.device, kernels, odd, int4, format);
    const geometry = geometryWith(features, rows);
    const decoder = await createDecoder(gpu.device, kernels, weights, {shape: odd, factoring, geometry});
    const actual = await decode(decoder, expected);
    expect(largestError(actual, expected)).toBeLessThanOrEqual(logitTolerance);
    expect(actual.greedy).toEqual(expected.greedy);
    decoder.destroy();
    weights.destroy();
  },
  300_000
);

/** Its heads allow six rows. */
const six: Shape = {...odd, id: "six", headDim: 48, heads: 2};
test.skipIf(slow)("six rows of queries, keys and values a team match the reference", async () => {
  const weights = await createSyntheticWeights(gpu.device, kernels, six);
  const expanded = await expandWeights(gpu.device, kernels, six, weights, "float32");
  const geometry = changeGeometry(gpu, six, all!, {kernel: {workgroupSize: 64, qkvRows: 6}});
  const decoder = await createDecoder(gpu.device, kernels, expanded, {shape: six, factoring: "staged", geometry});
  const reference = await expectFromReference(six, {positions: 3, tokens: 1});
  const actual = await decode(decoder, reference);
  expect(largestError(actual, reference)).toBeLessThanOrEqual(logitTolerance);
  decoder.destroy();
});

const chunked: Shape = {...odd, id: "chunked", layers: 4};
test.skipIf(slow)("dispatches that bind their own layers in float32 alone match the reference", async () => {
  const {bytes} = layerLayout(chunked, 0, "float32");
  expect(bytes).toBeGreaterThanOrEqual(endsLayout(chunked, "float32").bytes);
  const device = withLimits(gpu.device, {maxStorageBufferBindingSize: bytes});
  const weights = await createSyntheticWeights(gpu.device, kernels, chunked);
  const expanded = await expandWeights(device, kernels, chunked, weights, "float32");
  expect(expanded.slots).toHaveLength(4);
  const geometry = changeGeometry(gpu, chunked, all!, {kernel: {workgroupSize: 64}, layersPerDispatch: 2});
  const options = {shape: chunked, geometry};
  const decoder = await createDecoder(gpu.device, kernels, expanded, {...options, factoring: "chunked"});
  const reference = await expectFromReference(chunked, {positions: 3, tokens: 2});
  const actual = await decode(decoder, reference);
  expect(largestError(actual, reference)).toBeLessThanOrEqual(logitTolerance);
  expect(actual.greedy).toEqual(reference.greedy);
  const together = createDecoder(gpu.device, kernels, expanded, {...options, factoring: "fused"});
  await expect(together).rejects.toThrow("a dispatch can bind 3 buffers of layers, not 4");
  decoder.destroy();
});

test.each(formats)("weights in %s are not multiplied in integers, nor by workgroups that wait", async (format) => {
  const weights = await expandWeights(gpu.device, kernels, odd, int4, format);
  for (const change of [{arithmetic: "int16"}, {workgroups: 2}] as const) {
    const geometry = changeGeometry(gpu, odd, all!, change);
    const making = createDecoder(gpu.device, kernels, weights, {shape: odd, factoring: "fused", geometry});
    await expect(making).rejects.toThrow(`weights in ${format} are multiplied only in float32`);
  }
  weights.destroy();
});

/** Names of the tensors whose elements differ from what the CPU's weights give. */
async function findDifferences(weights: GpuWeights): Promise<string[]> {
  const matrices = modelMatrices(odd);
  const source = syntheticWeights(odd);
  const original = await readTensors(int4);
  const different: string[] = [];
  for (const [name, bytes] of await readTensors(weights)) {
    const matrix = name.replace(/\.weight$/, "");
    const size = original.has(name) ? undefined : matrices.get(matrix);
    const same = size
      ? Buffer.compare(bytes, expandOnCpu(matrix, size.rows, size.columns, weights.format)) === 0
      : Buffer.compare(bytes, original.get(name)!) === 0;
    if (!same) different.push(name);
  }
  return different;

  function expandOnCpu(matrix: string, rows: number, columns: number, format: WeightFormat): Uint8Array {
    const values = new Float64Array(rows * columns);
    const words = new Uint32Array(columns / 8);
    const scales = new Float64Array(columns / 32);
    for (let row = 0; row < rows; ++row) {
      source.readWords(matrix, row, words);
      source.readScales(matrix, row, scales);
      for (let column = 0; column < columns; ++column) {
        const nibble = (words[Math.floor(column / 8)]! >>> (4 * (column % 8))) & 15;
        values[row * columns + column] = (nibble - 7) * scales[Math.floor(column / 32)]!;
      }
    }
    const floats = format === "float16" ? new Float16Array(values) : new Float32Array(values);
    expect([...floats], "the format holds the weights exactly").toEqual([...values]);
    return new Uint8Array(floats.buffer as ArrayBuffer);
  }
}

async function readTensors(weights: GpuWeights): Promise<Map<string, Uint8Array>> {
  const tensors = new Map<string, Uint8Array>();
  for (let layer = 0; layer < odd.layers; ++layer) {
    const slot = await readAll(weights.slots[Math.floor(layer / weights.layersPerSlot)]!);
    const start = (layer % weights.layersPerSlot) * weights.layerBytes;
    for (const {name, offset, bytes} of layerLayout(odd, layer, weights.format).tensors) {
      tensors.set(name, slot.subarray(start + offset, start + offset + bytes));
    }
  }
  const ends = await readAll(weights.ends);
  for (const {name, offset, bytes} of endsLayout(odd, weights.format).tensors) {
    tensors.set(name, ends.subarray(offset, offset + bytes));
  }
  return tensors;
}

async function readAll(buffer: GPUBuffer): Promise<Uint8Array> {
  const readback = new Readback(gpu.device, buffer.size);
  const bytes = new Uint8Array(await readback.read(buffer));
  readback.destroy();
  return bytes;
}
