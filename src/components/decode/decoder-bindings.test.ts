import {expect, test} from "vitest";
import {plainGeometry} from "../../testing/kernel-builds.js";
import {layerCacheFloats} from "../model/layout.js";
import {shapes} from "../model/shape.js";
import {bindPlan} from "./decoder-bindings.js";
import type {DecoderBuffers} from "./decoder-memory.js";
import type {GpuWeights} from "./gpu-weights.js";
import {planToken} from "./plan.js";

const shape = {...shapes.tiny, layers: 7};
const layerCache = 4 * layerCacheFloats(shape);
const buffer = (label: string) => ({label}) as GPUBuffer;

/** What is bound for the layers, four buffers of two layers each, and of the cache: a line for each dispatch. */
function boundBy(layersPerDispatch: number, ownLayers: boolean, boundSlots: number): string[] {
  const weights = {
    slots: ["01", "23", "45", "6"].map(buffer),
    layersPerSlot: 2,
    layerBytes: 4096,
    ends: buffer("ends")
  } as unknown as GpuWeights;
  const names = ["rotations", "cache", "activations", "state"];
  const buffers = Object.fromEntries(names.map((name) => [name, buffer(name)])) as DecoderBuffers;
  const device = {createBindGroup: ({entries}: GPUBindGroupDescriptor) => entries} as unknown as GPUDevice;
  const plan = planToken(shape, "chunked", plainGeometry({layersPerDispatch}), ownLayers);
  const groups = bindPlan(device, {} as GPUBindGroupLayout, plan, weights, buffers, shape, boundSlots);
  return (groups as unknown as GPUBindGroupEntry[][]).map((entries) => {
    const at = new Map(entries.map(({binding, resource}) => [binding, resource as GPUBufferBinding]));
    expect([1, 2, 4, 5].map((binding) => at.get(binding)!.buffer.label)).toEqual([
      "ends",
      "rotations",
      "activations",
      "state"
    ]);
    const {offset = 0, size = 7 * layerCache} = at.get(3)!;
    const layers = [0, 6, 7].flatMap((binding) => at.get(binding)?.buffer.label ?? []);
    return `${layers.join(" ")}, cache of ${offset / layerCache} to ${(offset + size) / layerCache}`;
  });
}

test("a dispatch that binds its own layers has the buffers that hold them and their part of the cache", () => {
  expect(boundBy(2, true, 1)).toEqual([
    "01, cache of 0 to 2",
    "23, cache of 2 to 4",
    "45, cache of 4 to 6",
    "6, cache of 6 to 7"
  ]);
});

test("where the layers of some dispatches are in fewer buffers, the last one stands in for those that lack", () => {
  expect(boundBy(3, true, 2)).toEqual(["01 23, cache of 0 to 3", "23 45, cache of 3 to 6", "6 6, cache of 6 to 7"]);
});

test("dispatches that bind everything share what binds it", () => {
  const everything = "01 23 45, cache of 0 to 7"; // and the fourth buffer, for which no kernel has a binding
  expect(boundBy(3, false, 4)).toEqual([everything, everything, everything]);
});
