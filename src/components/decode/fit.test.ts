import {describe, expect, test} from "vitest";
import {activationLayout, endsLayout, layerCacheFloats, layerLayout} from "../model/layout.js";
import {checkShape, shapes, type Shape} from "../model/shape.js";
import {defaultLimits} from "../gpu/default-limits.js";
import {mostWorkgroups, whyUnplanned, whyUnsupported} from "./fit.js";
import {defaultGeometry} from "./geometry.js";
import {planSlots} from "./gpu-weights.js";
import {factorings, type Factoring} from "./plan.js";

const shape: Shape = {...shapes.tiny, id: "five", label: "Five layers", layers: 5, vocabulary: 64, context: 16};
const layerBytes = layerLayout(shape, 0).bytes;
const endsBytes = endsLayout(shape).bytes;

describe("planSlots", () => {
  test.each([
    {layers: 5, slots: 1, layersPerSlot: 5},
    {layers: 4, slots: 2, layersPerSlot: 4},
    {layers: 2, slots: 3, layersPerSlot: 2},
    {layers: 1, slots: 5, layersPerSlot: 1}
  ])("with room for $layers layers in a binding has $slots slots", ({layers, slots, layersPerSlot}) => {
    for (const limits of [
      {maxStorageBufferBindingSize: (layers + 1) * layerBytes - 1, maxBufferSize: 2 ** 40},
      {maxStorageBufferBindingSize: 2 ** 40, maxBufferSize: (layers + 1) * layerBytes - 1}
    ]) {
      expect(planSlots(shape, limits)).toEqual({layerBytes, endsBytes, layersPerSlot, slots});
    }
  });

  test("names what one layer needs and what the device allows", () => {
    const limits = {maxStorageBufferBindingSize: layerBytes - 1, maxBufferSize: 2 ** 40};
    expect(() => planSlots(shape, limits)).toThrow(
      new RegExp(
        `Five layers needs bindings of ${layerBytes} bytes; this device allows ${layerBytes - 1} .*maxStorageBufferBindingSize`
      )
    );
  });

  test("names what the embedding and the LM head need, where that is more than a layer", () => {
    const wide = {...shape, vocabulary: 32064};
    const needed = endsLayout(wide).bytes;
    const limits = {maxStorageBufferBindingSize: needed - 1, maxBufferSize: 2 ** 40};
    expect(() => planSlots(wide, limits)).toThrow(`${needed} bytes; this device allows ${needed - 1}`);
  });
});

describe("whyUnsupported", () => {
  const roomy = {maxStorageBufferBindingSize: 2 ** 31, maxBufferSize: 2 ** 31, maxStorageBuffersPerShaderStage: 8};
  const why = (factoring: Factoring, limits: Partial<typeof roomy>, features: string[] = []) =>
    whyUnsupported({shape, factoring, features: []}, {limits: {...roomy, ...limits}, features});

  test.each(factorings)("has nothing against %s on a roomy device", (factoring) => {
    expect(why(factoring, {})).toBeNull();
  });

  test.each(factorings)("names a feature that %s would miss", (factoring) => {
    const ask = (features: string[]) =>
      whyUnsupported({shape, factoring, features: ["subgroups"]}, {limits: roomy, features});
    expect(ask([])).toMatch(/does not offer .*subgroups/);
    expect(ask(["subgroups"])).toBeNull();
  });

  test.each(factorings)("names what %s in 16-bit integers would miss of WGSL", (factoring) => {
    const ask = (features: string[]) =>
      whyUnsupported({shape, factoring, features: [], arithmetic: "int16"}, {limits: roomy, features});
    expect(ask([])).toMatch(/WGSL language feature packed_4x8_integer_dot_product/);
    expect(ask(["packed_4x8_integer_dot_product"])).toBeNull();
  });

  test.each(factorings)("says what %s needs when not even a layer fits, and what there is", (factoring) => {
    expect(why(factoring, {maxStorageBufferBindingSize: 1000})).toMatch(
      new RegExp(`needs bindings of ${layerBytes} bytes; this device allows 1000`)
    );
  });

  test("counts the bindings that one dispatch needs for the layers", () => {
    const forLayers = (count: number) => ({maxStorageBufferBindingSize: (count + 1) * layerBytes - 1});
    expect(why("fused", forLayers(2))).toBeNull();
    expect(why("fused", forLayers(1))).toMatch(
      new RegExp(
        `all 5 layers at once, ${5 * layerBytes} bytes: 5 bindings of at most ${2 * layerBytes - 1} bytes .*` +
          `It can use 3 here, so each would need ${2 * layerBytes} bytes`
      )
    );
    expect(why("staged", forLayers(1))).toBeNull();
    expect(why("chunked", forLayers(1))).toBeNull();
  });

  test.each(["int4", "float16", "float32"] as const)(
    "counts the bindings that the layers of a dispatch need in %s, and says that more dispatches need fewer",
    (weightFormat) => {
      const {bytes} = layerLayout(shape, 0, weightFormat);
      const most = 2 * bytes - 1;
      const device = {features: [], limits: {...roomy, maxStorageBufferBindingSize: most}};
      const ask = (layersPerDispatch: number) =>
        whyUnsupported({shape, factoring: "chunked", features: [], weightFormat, layersPerDispatch}, device);
      for (const few of [1, 2, 3]) expect(ask(few)).toBeNull();
      expect(ask(4)).toBe(
        `A dispatch must see its 4 layers at once, ${4 * bytes} bytes: 4 bindings of at most ${most} bytes ` +
          `(maxStorageBufferBindingSize, maxBufferSize), 1 of the layers in each. It can use 3 here: divide the layers ` +
          `over more dispatches.`
      );
      expect(ask(5)).toContain("its 5 layers at once");
      expect(ask(9), "more than there are").toContain("its 5 layers at once");
    }
  );

  test("binds the part of the KV cache that the layers of a dispatch need, where the whole does not fit", () => {
    const long = {...shape, context: 65536};
    const layerCache = 4 * layerCacheFloats(long);
    const device = {features: [], limits: {...roomy, maxStorageBufferBindingSize: 3 * layerCache - 1}};
    const ask = (layersPerDispatch: number) =>
      whyUnsupported({shape: long, factoring: "chunked", features: [], layersPerDispatch}, device);
    expect(ask(2)).toBeNull();
    expect(ask(3)).toContain(`KV cache of ${3 * layerCache} bytes; this device allows ${3 * layerCache - 1}`);
  });

  test("counts the bindings that the device has", () => {
    const three = {maxStorageBufferBindingSize: 3 * layerBytes - 1};
    expect(why("fused", {...three, maxStorageBuffersPerShaderStage: 8})).toBeNull();
    expect(why("fused", {...three, maxStorageBuffersPerShaderStage: 7})).toMatch(/3 bindings .*It can use 2/);
    expect(why("staged", {...three, maxStorageBuffersPerShaderStage: 7})).toBeNull();
  });

  test("says when the whole KV cache does not fit one binding", () => {
    const long = {...shape, context: 65536};
    const cache = 4 * long.layers * layerCacheFloats(long);
    const ask = (factoring: Factoring) =>
      whyUnsupported(
        {shape: long, factoring, features: []},
        {features: [], limits: {...roomy, maxStorageBufferBindingSize: cache - 1}}
      );
    expect(ask("fused")).toMatch(new RegExp(`KV cache of ${cache} bytes; this device allows ${cache - 1}`));
    expect(ask("staged")).toBeNull();
  });

  test.each(factorings)("says when the KV cache of a layer is more than a binding of %s", (factoring) => {
    const long = {...shape, layers: 1, context: 2 ** 22};
    const cache = 4 * layerCacheFloats(long);
    const reason = whyUnsupported({shape: long, factoring, features: []}, {features: [], limits: roomy});
    expect(reason ?? "nothing").toContain(`${cache} bytes; this device allows ${roomy.maxStorageBufferBindingSize}`);
  });

  test("says when the KV cache of all layers is more than a buffer of the staged factoring", () => {
    const long = {...shape, context: 65536};
    const cache = 4 * long.layers * layerCacheFloats(long);
    const limits = {...roomy, maxStorageBufferBindingSize: cache - 1, maxBufferSize: cache - 1};
    const reason = whyUnsupported({shape: long, factoring: "staged", features: []}, {features: [], limits});
    expect(reason ?? "nothing").toContain(`${cache} bytes; this device allows ${cache - 1}`);
  });
});

describe("whyUnplanned", () => {
  const limits = {...defaultLimits};
  const why = (shape: Shape, factoring: Factoring) =>
    whyUnplanned(shape, factoring, defaultGeometry(shape, [], {limits}), {limits});

  test.each(factorings)("has nothing against %s by default, at any preset", (factoring) => {
    for (const preset of Object.values(shapes)) expect(why(preset, factoring), preset.id).toBeNull();
  });

  test("names the kernel whose dispatch would have more workgroups than the device allows", () => {
    const long = {...shapes["phi3-mini-1-layer"], heads: 64, kvHeads: 8, headDim: 48, context: 2 ** 17};
    expect(why(long, "staged")).toBeNull();
    expect(why(long, "unfused")).toBe(
      "unfused/scores.wgsl needs a dispatch of 131072 workgroups; this device allows 65535 (maxComputeWorkgroupsPerDimension)."
    );
  });
});

describe("mostWorkgroups", () => {
  test("are several at any shape, so that several workgroups of one dispatch can be predicted from a small part", () => {
    const least = checkShape({...shape, hidden: 32, heads: 2, kvHeads: 1, headDim: 16, ffn: 32, vocabulary: 1});
    expect(mostWorkgroups(least, {teamRows: 8, qkvRows: 8, residualRows: 8})).toBe(4);
  });

  test("have room for the best logit of each, also where there are more of them than tokens", () => {
    for (const each of [shapes["phi3-mini"], {...shapes["phi3-mini-1-layer"], vocabulary: 32}]) {
      const {bests, projected} = activationLayout(each);
      const most = mostWorkgroups(each, {teamRows: 2, qkvRows: 2, residualRows: 1});
      expect(projected - bests).toBeGreaterThanOrEqual(4 * most);
    }
  });
});
