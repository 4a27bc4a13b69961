import {describe, expect, test} from "vitest";
import {layerCacheFloats} from "../model/layout.js";
import {shapes} from "../model/shape.js";
import {planLayerBinding, slotsOf} from "./layer-binding.js";
import type {Factoring} from "./plan.js";

const shape = {...shapes.tiny, layers: 12};
const cacheBytes = 4 * shape.layers * layerCacheFloats(shape);
const roomy = {maxStorageBufferBindingSize: 2 ** 31, maxStorageBuffersPerShaderStage: 8};
const plan = (layersPerSlot: number, layersPerDispatch: number, limits = roomy, factoring: Factoring = "chunked") => {
  const slots = {slots: Math.ceil(shape.layers / layersPerSlot), layersPerSlot};
  return planLayerBinding(shape, {factoring, layersPerDispatch}, slots, limits);
};

describe("dispatches of some layers", () => {
  test.each([12, 6, 4])("bind everything where it can be bound at once, %i layers in a buffer", (layersPerSlot) => {
    for (const layersPerDispatch of [1, 5, 12]) {
      expect(plan(layersPerSlot, layersPerDispatch)).toEqual({slots: 12 / layersPerSlot, layers: 12, own: false});
    }
  });

  test.each([
    {layersPerSlot: 3, layersPerDispatch: 3, slots: 1},
    {layersPerSlot: 3, layersPerDispatch: 6, slots: 2},
    {layersPerSlot: 3, layersPerDispatch: 4, slots: 2},
    {layersPerSlot: 3, layersPerDispatch: 5, slots: 3}, // layers 5 to 9 of buffers of 0 to 2, 3 to 5, 6 to 8, 9 to 11
    {layersPerSlot: 1, layersPerDispatch: 3, slots: 3},
    {layersPerSlot: 1, layersPerDispatch: 99, slots: 12}
  ])(
    "bind what the one that needs most needs: $layersPerDispatch layers, $layersPerSlot in a buffer",
    ({layersPerSlot, layersPerDispatch, slots}) => {
      const layers = Math.min(layersPerDispatch, 12);
      expect(plan(layersPerSlot, layersPerDispatch)).toEqual({slots, layers, own: true});
    }
  );

  test("bind their own where the device has too few bindings for all buffers, or too small ones for the cache", () => {
    const all = {slots: 3, layers: 12, own: false};
    const own = {slots: 1, layers: 4, own: true};
    expect(plan(4, 4, {...roomy, maxStorageBuffersPerShaderStage: 8})).toEqual(all);
    expect(plan(4, 4, {...roomy, maxStorageBuffersPerShaderStage: 7})).toEqual(own);
    expect(plan(4, 4, {...roomy, maxStorageBufferBindingSize: cacheBytes})).toEqual(all);
    expect(plan(4, 4, {...roomy, maxStorageBufferBindingSize: cacheBytes - 1})).toEqual(own);
  });
});

test("one dispatch of all layers binds everything, whether it can or not", () => {
  expect(plan(3, 1, roomy, "fused")).toEqual({slots: 4, layers: 12, own: false});
});

test("a range of layers is in the buffers from that of its first to that of its last", () => {
  expect(slotsOf({first: 0, end: 3}, 3)).toEqual({first: 0, count: 1});
  expect(slotsOf({first: 2, end: 4}, 3)).toEqual({first: 0, count: 2});
  expect(slotsOf({first: 5, end: 10}, 3)).toEqual({first: 1, count: 3});
  expect(slotsOf({first: 11, end: 12}, 3)).toEqual({first: 3, count: 1});
});
