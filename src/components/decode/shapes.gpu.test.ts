import {afterAll, describe, expect, test} from "vitest";
import {linkKernels} from "../../data/link-kernels.js";
import {decode, expectFromReference, largestError} from "../../testing/fixtures.js";
import {changeGeometry, describeFeatures, featureSets} from "../../testing/geometries.js";
import {manyKernelFactorings, openTestGpu, quickFactorings, withLimits} from "../../testing/test-gpu.js";
import {endsLayout, layerLayout} from "../model/layout.js";
import {checkShape, shapes, type Shape} from "../model/shape.js";
import {createDecoder} from "./decoder.js";
import {createSyntheticWeights} from "./gpu-weights.js";

const tolerance = 1e-4;

const gpu = await openTestGpu();
afterAll(() => gpu.destroy());
const kernels = await linkKernels();

const base: Shape = {...shapes.tiny, context: 64};

const shapesToTry: Shape[] = [
  {...base, id: "grouped-query", hidden: 128, layers: 3, heads: 4, kvHeads: 2, headDim: 32, ffn: 160, vocabulary: 301},
  {...base, id: "multi-query", hidden: 96, layers: 1, heads: 3, kvHeads: 1, headDim: 128, ffn: 224, vocabulary: 77},
  {...base, id: "smallest", hidden: 32, layers: 1, heads: 2, kvHeads: 1, headDim: 16, ffn: 32, vocabulary: 3},
  {...base, id: "head-of-80", hidden: 64, layers: 2, heads: 2, kvHeads: 2, headDim: 80, ffn: 96, vocabulary: 130, ropeTheta: 500}
];

describe.each(featureSets(gpu))("%s", (...features) => {
  const where = describeFeatures(features);
  const runs = shapesToTry.flatMap((shape) => manyKernelFactorings(gpu).map((factoring) => ({id: shape.id, shape, factoring})));

  test.each(runs)(`${where}, $factoring matches the reference at the shape $id`, async ({shape, factoring}) => {
    checkShape(shape);
    const expected = await expectFromReference(shape, {positions: 6, tokens: 2});
    const weights = await createSyntheticWeights(gpu.device, kernels, shape);
    const geometry = changeGeometry(gpu, shape, features, {kernel: {workgroupSize: 64}});
    const decoder = await createDecoder(gpu.device, kernels, weights, {shape, factoring, geometry});
    const actual = await decode(decoder, expected);
    expect(largestError(actual, expected)).toBeLessThanOrEqual(tolerance);
    expect(actual.greedy).toEqual(expected.greedy);
    decoder.destroy();
    weights.destroy();
  });

  test.each(manyKernelFactorings(gpu))(`${where}, %s attends to more positions than a chunk has, up to the last of the context`, async (factoring) => {
    const shape = {...shapesToTry[0]!, layers: 1, context: 45};
    const expected = await expectFromReference(shape, {positions: 43, tokens: 3});
    const weights = await createSyntheticWeights(gpu.device, kernels, shape);
    const geometry = changeGeometry(gpu, shape, features, {kernel: {workgroupSize: 64}});
    const decoder = await createDecoder(gpu.device, kernels, weights, {shape, factoring, geometry});
    const actual = await decode(decoder, expected);
    expect(decoder.position).toBe(shape.context);
    expect(largestError(actual, expected)).toBeLessThanOrEqual(tolerance);
    expect(actual.greedy).toEqual(expected.greedy);
    decoder.destroy();
    weights.destroy();
  });
});

const layered: Shape = {...base, id: "layered", hidden: 64, heads: 2, kvHeads: 2, headDim: 32, ffn: 96, vocabulary: 96};

describe.each([
  {layers: 3, perSlot: 2, slots: 2},
  {layers: 5, perSlot: 2, slots: 3},
  {layers: 3, perSlot: 1, slots: 3}
])("$layers layers over $slots buffers", ({layers, perSlot, slots}) => {
  const shape = {...layered, layers};

  test.each(quickFactorings(gpu))("%s matches the reference", async (factoring) => {
    const maxStorageBufferBindingSize = perSlot * layerLayout(shape, 0).bytes;
    expect(maxStorageBufferBindingSize).toBeGreaterThanOrEqual(endsLayout(shape).bytes);
    const device = withLimits(gpu.device, {maxStorageBufferBindingSize});
    const weights = await createSyntheticWeights(device, kernels, shape);
    expect(weights.slots).toHaveLength(slots);
    expect(weights.layersPerSlot).toBe(perSlot);
    const expected = await expectFromReference(shape, {positions: 3, tokens: 2});
    const geometry = changeGeometry(gpu, shape, featureSets(gpu)[0]!, {kernel: {workgroupSize: 64}});
    const decoder = await createDecoder(gpu.device, kernels, weights, {shape, factoring, geometry});
    const actual = await decode(decoder, expected);
    expect(largestError(actual, expected)).toBeLessThanOrEqual(tolerance);
    expect(actual.greedy).toEqual(expected.greedy);
    decoder.destroy();
    weights.destroy();
  });
});
