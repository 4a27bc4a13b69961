import {afterAll, describe, expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {decode, expectFromReference, largestError} from "../../testing/fixtures.js";
import {changeGeometry, describeFeatures, featureSets} from "../../testing/geometries.js";
import {retryStalled} from "../gpu/stalls.js";
import {
  hasSlowCompiler,
  manyKernelFactorings,
  openTestGpu,
  quickFactorings,
  withLimits
} from "../../testing/test-gpu.js";
import {endsLayout, layerLayout} from "../model/layout.js";
import {checkShape, shapes, type Shape} from "../model/shape.js";
import {logitTolerances} from "../lab/record.js";
import {createDecoder, type Decoder} from "./decoder.js";
import {createSyntheticWeights} from "./gpu-weights.js";
import {arithmetics, factorings, type Factoring, type Geometry} from "./plan.js";

const gpu = await openTestGpu();
afterAll(() => gpu.destroy());
const kernels = readKernels();

/** Decoders that ran: as long as something refers to a pipeline, the device does not compile it again for another. */
const kept: Decoder[] = [];

const base: Shape = {...shapes.tiny, layers: 1, context: 64};

const cases: {why: string; shape: Shape; positions: number}[] = [
  {
    why: "two heads share keys and values, and attention takes several chunks up to the last of the context",
    shape: {
      ...base,
      id: "grouped-query",
      hidden: 128,
      layers: 2,
      heads: 4,
      kvHeads: 2,
      headDim: 32,
      ffn: 160,
      vocabulary: 301,
      context: 45
    },
    positions: 43
  },
  {
    why: "all heads share keys and values, and a head is longer than a workgroup",
    shape: {...base, id: "multi-query", hidden: 96, heads: 3, kvHeads: 1, headDim: 128, ffn: 224, vocabulary: 77},
    positions: 4
  },
  {
    why: "everything is as small as can be",
    shape: {...base, id: "smallest", hidden: 32, heads: 2, kvHeads: 1, headDim: 16, ffn: 32, vocabulary: 3},
    positions: 4
  },
  {
    why: "half a head is no power of two, and the rotation's base is another",
    shape: {
      ...base,
      id: "head-of-80",
      hidden: 64,
      heads: 2,
      kvHeads: 2,
      headDim: 80,
      ffn: 96,
      vocabulary: 130,
      ropeTheta: 500
    },
    positions: 4
  }
];

/** What is launched: a factoring, with the geometry that matters here. */
interface Launch extends Pick<Geometry, "workgroups" | "arithmetic"> {
  factoring: Factoring;
}

const unfused: Launch = {factoring: "unfused", workgroups: 1, arithmetic: "float32"};
const launches: Launch[] = factorings.flatMap((factoring) =>
  (factoring === "fused" ? [1, 2] : [1]).flatMap((workgroups) =>
    arithmetics.map((arithmetic) => ({factoring, workgroups, arithmetic}))
  )
);
const quick = launches.filter(({factoring}) => quickFactorings(gpu).includes(factoring));
/** The chunked factoring is the fused kernel: once is enough for each set of features. */
const first = quick.filter(({factoring, arithmetic}) => factoring !== "chunked" || arithmetic === "int16");
/** One and several workgroups, and both arithmetics, once each. */
const some = manyKernelFactorings(gpu).flatMap((factoring) =>
  quick.filter((launch) => launch.factoring === factoring && launch.workgroups > 1 === (launch.arithmetic === "int16"))
);

describe.each(featureSets(gpu))("%s", (...features) => {
  const where = describeFeatures(features);
  const mine = cases.slice(0, hasSlowCompiler(gpu) || features.length === 0 ? 1 : cases.length);
  const runs = mine.flatMap((one, i) =>
    (i === 0 ? [...first, unfused] : some).map(
      (launch) => [launch.factoring, launch.workgroups, launch.arithmetic, one.why, one] as const
    )
  );

  test.each(runs)(
    `${where} %s by %i in %s matches the reference where %s`,
    async (factoring, workgroups, arithmetic, _why, {shape, positions}) => {
      checkShape(shape);
      const expected = await expectFromReference(shape, {positions, tokens: 2});
      const weights = await createSyntheticWeights(gpu.device, kernels, shape);
      const geometry = changeGeometry(gpu, shape, features, {
        arithmetic,
        workgroups,
        kernel: {workgroupSize: 64}
      });
      const decoder = await createDecoder(gpu.device, kernels, weights, {shape, factoring, geometry});
      const actual = await retryStalled(() => decode(decoder, expected));
      expect(largestError(actual, expected)).toBeLessThanOrEqual(logitTolerances[arithmetic]);
      expect(actual.greedy).toEqual(expected.greedy);
      decoder.destroy();
      kept.push(decoder);
      weights.destroy();
    }
  );
});

test("attention takes several chunks in the first of the shapes, of which the last is not full", () => {
  const [{positions}] = cases as [(typeof cases)[0]];
  const chunk = 64 / 4;
  expect(positions / chunk).toBeGreaterThan(2);
  expect(positions % chunk).not.toBe(0);
});

const layered: Shape = {...base, id: "layered", hidden: 64, heads: 2, kvHeads: 2, headDim: 32, ffn: 96, vocabulary: 96};

const floats = quick.filter(({arithmetic}) => arithmetic === "float32");
const splits = [
  {layers: 5, perSlot: 2, slots: 3, launches: floats},
  {layers: 3, perSlot: 2, slots: 2, launches: floats.filter(({factoring}) => factoring === "fused")}
].flatMap(({launches, ...split}) => launches.map((launch) => ({...split, ...launch})));

test.each(splits)(
  "$factoring by $workgroups matches the reference with $layers layers over $slots buffers",
  async ({factoring, workgroups, layers, perSlot, slots}) => {
    const shape = {...layered, layers};
    const maxStorageBufferBindingSize = perSlot * layerLayout(shape, 0).bytes;
    expect(maxStorageBufferBindingSize).toBeGreaterThanOrEqual(endsLayout(shape).bytes);
    const device = withLimits(gpu.device, {maxStorageBufferBindingSize});
    const weights = await createSyntheticWeights(device, kernels, shape);
    expect(weights.slots).toHaveLength(slots);
    expect(weights.layersPerSlot).toBe(perSlot);
    const expected = await expectFromReference(shape, {positions: 3, tokens: 2});
    const geometry = changeGeometry(gpu, shape, featureSets(gpu)[0]!, {
      workgroups,
      layersPerDispatch: 3, // of a buffer's two, so that a dispatch ends within a buffer and the last one is short
      kernel: {workgroupSize: 64}
    });
    const decoder = await createDecoder(gpu.device, kernels, weights, {shape, factoring, geometry});
    const actual = await retryStalled(() => decode(decoder, expected));
    expect(largestError(actual, expected)).toBeLessThanOrEqual(logitTolerances.float32);
    expect(actual.greedy).toEqual(expected.greedy);
    decoder.destroy();
    kept.push(decoder);
    weights.destroy();
  }
);
