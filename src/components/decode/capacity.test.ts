import {describe, expect, test} from "vitest";
import {defaultLimits} from "../gpu/default-limits.js";
import {sizedShapes} from "../model/sized-shapes.js";
import {checkShape, shapes, type Shape} from "../model/shape.js";
import {activationTile, fewestDispatches, hiddenStep, largestHidden, layerBindings, mostLayers} from "./capacity.js";
import {scaleShape, sizesOf, whyNoFit, type Offer} from "./capacity.js";
import {whyUnsupported} from "./fit.js";
import {divideLayers, factorings} from "./plan.js";

const phi3 = shapes["phi3-mini"];
const defaults: Offer = {features: [], limits: defaultLimits};
/** A limit more than WebGPU's defaults. */
const roomy = (limits: Partial<typeof defaultLimits>): Offer => ({features: [], limits: {...defaultLimits, ...limits}});
const all: readonly Shape[] = [...Object.values(shapes), ...Object.values(sizedShapes)];

test.each(all)("the kernels could run $id", (shape) => {
  expect(checkShape(shape)).toBe(shape);
});

test("the sizes of Phi-3-mini are those of its tensors", () => {
  const weights = (9216 + 3072) * 3072 + (2 * 8192 + 8192) * 3072;
  const {layer, ends, layerCache, all} = sizesOf(phi3);
  expect(layer).toBe((weights * 9) / 16 + 2 * 2 * 3072);
  expect(ends).toBe((2 * 32064 * 3072 * 9) / 16 + 2 * 3072);
  expect(layerCache).toBe(2 * 32 * 96 * 256 * 4);
  expect(all).toBe(32 * (layer + layerCache) + ends);
});

describe("with WebGPU's defaults", () => {
  test("one dispatch sees three bindings of two layers of Phi-3-mini, and a dispatch a stage any number", () => {
    expect(layerBindings(phi3, defaults)).toBe(16);
    expect(whyNoFit(phi3, "fused", defaults)).toMatch(/all 32 layers at once, \d+ bytes: 16 bindings/);
    expect(mostLayers(phi3, "fused", defaults)).toEqual({
      value: 6,
      reason: expect.stringMatching(/all 7 layers at once, \d+ bytes: 4 bindings/)
    });
    expect(whyNoFit(phi3, "staged", defaults)).toBeNull();
  });

  test("the layers of Phi-3-mini are divided over as many dispatches as bind six of them at most", () => {
    expect(fewestDispatches(phi3, defaults)).toEqual({dispatches: 6, bindings: 3});
    expect(fewestDispatches({...phi3, layers: 6}, defaults)).toEqual({dispatches: 1, bindings: 3});
    expect(fewestDispatches({...phi3, layers: 43}, defaults), "whose KV cache has no room").toBeNull();
    expect(fewestDispatches(sizedShapes["llama-1b"], defaults)).toBeNull();
  });

  test("the fewest dispatches fit, and no fewer do", () => {
    for (const layers of [1, 7, 8, 13, 24, 32, 42]) {
      const shape = {...phi3, layers};
      const fits = (dispatches: number) => {
        const layersPerDispatch = divideLayers(shape, dispatches);
        return (
          layersPerDispatch !== null &&
          whyUnsupported({shape, factoring: "chunked", features: [], layersPerDispatch}, defaults) === null
        );
      };
      const counts = Array.from({length: layers}, (_, i) => i + 1);
      expect(fewestDispatches(shape, defaults)!.dispatches, `${layers} layers`).toBe(counts.find(fits));
    }
  });

  test("it is the KV cache in one buffer that ends the staged design's layers", () => {
    const {value, reason} = mostLayers(phi3, "staged", defaults);
    expect(value).toBe(Math.floor(2 ** 28 / sizesOf(phi3).layerCache));
    expect(reason).toMatch(/KV cache .*maxBufferSize/);
  });

  test.each(Object.values(sizedShapes))("the embedding and the LM head of $id are too large for a binding", (shape) => {
    for (const factoring of factorings) {
      expect(whyNoFit(shape, factoring, defaults)).toMatch(
        new RegExp(`needs bindings of ${sizesOf(shape).ends} bytes`)
      );
    }
    expect(layerBindings(shape, defaults)).toBeNull();
    expect(mostLayers(shape, "staged", defaults).value).toBe(0);
  });
});

describe.each(factorings)("the largest that fits %s", (factoring) => {
  test.each([defaults, roomy({maxStorageBufferBindingSize: 2 ** 31 - 4, maxBufferSize: 2 ** 40})])(
    "fits, and one step more does not (%#)",
    (offer) => {
      const layers = mostLayers(phi3, factoring, offer);
      expect(whyNoFit({...phi3, layers: layers.value}, factoring, offer)).toBeNull();
      expect(whyNoFit({...phi3, layers: layers.value + 1}, factoring, offer)).toBe(layers.reason);
      const small = {...phi3, layers: 4};
      const hidden = largestHidden(small, factoring, offer);
      const step = hiddenStep(phi3);
      expect(hidden.value).toBeGreaterThan(0);
      expect(whyNoFit(scaleShape(small, {hidden: hidden.value}), factoring, offer)).toBeNull();
      expect(whyNoFit(scaleShape(small, {hidden: hidden.value + step}), factoring, offer)).toBe(hidden.reason);
    }
  );

  test("says so when the search ends before the device does", () => {
    expect(
      mostLayers(phi3, factoring, roomy({maxStorageBufferBindingSize: 2 ** 40, maxBufferSize: 2 ** 40}), 50)
    ).toEqual({value: 50, reason: null});
  });
});

test.each(all)("some layers of $id a dispatch fit where a dispatch a stage does, for the same reasons", (shape) => {
  for (const maxStorageBufferBindingSize of [2 ** 20, 2 ** 24, 2 ** 27, 2 ** 31]) {
    for (const maxBufferSize of [2 ** 27, 2 ** 28, 2 ** 40]) {
      for (const change of [{}, {layers: 43}, {context: 2 ** 16}]) {
        const offer = roomy({maxStorageBufferBindingSize, maxBufferSize});
        const [chunked, staged] = (["chunked", "staged"] as const).map((one) =>
          whyNoFit({...shape, ...change}, one, offer)
        );
        expect(chunked).toBe(staged);
      }
    }
  }
});

describe("a shape of other size", () => {
  test("keeps the size of its heads, how many share keys and values, and the proportion of its FFN", () => {
    const larger = scaleShape(sizedShapes["llama-1b"], {hidden: 4096, layers: 3});
    expect(larger).toMatchObject({hidden: 4096, layers: 3, heads: 64, kvHeads: 16, headDim: 64, ffn: 16384});
    expect(scaleShape(phi3, {})).toEqual(phi3);
  });

  test("comes in steps of whole groups of heads, of a multiple of 32", () => {
    expect(hiddenStep(phi3)).toBe(96);
    expect(hiddenStep(sizedShapes["llama-1b"])).toBe(256);
    expect(hiddenStep(sizedShapes["qwen2-0.5b"])).toBe(448);
    expect(hiddenStep({...phi3, headDim: 16})).toBe(32);
    for (const hidden of [100, 0, -96, NaN]) {
      expect(() => scaleShape(phi3, {hidden})).toThrow(`hidden size of ${hidden} is no multiple of 96`);
    }
  });

  test("is refused where the kernels could not run it", () => {
    expect(() => scaleShape(phi3, {layers: 0})).toThrow(/layers is 0, not a positive integer/);
  });
});

test("the activation tile holds all of the input, or equal pieces of it within workgroup memory", () => {
  const offers: Offer[] = [
    defaults,
    {
      features: ["subgroups", "packed_4x8_integer_dot_product"],
      limits: {
        ...defaultLimits,
        maxComputeInvocationsPerWorkgroup: 1024,
        maxComputeWorkgroupSizeX: 1024,
        maxComputeWorkgroupStorageSize: 49152
      }
    }
  ];
  const [small, large] = offers.map((offer) => activationTile(phi3, offer));
  for (const [i, tile] of [small!, large!].entries()) {
    expect(tile.groups).toBe(8192 / 32);
    expect(tile.tileGroups * tile.groupBytes).toBeLessThan(offers[i]!.limits.maxComputeWorkgroupStorageSize!);
    expect(tile.pieces * tile.tileGroups).toBeGreaterThanOrEqual(tile.groups);
  }
  expect(small!.arithmetic).toBe("float32");
  expect(small!.pieces).toBeGreaterThan(1);
  expect(large).toMatchObject({arithmetic: "int16", pieces: 1, tileGroups: 256});
});
