import {layerCacheFloats} from "../model/layout.js";
import type {Shape} from "../model/shape.js";
import type {SlotPlan} from "./gpu-weights.js";
import {divideIntoRanges, type Factoring, type LayerRange} from "./plan.js";

/** Buffers that a kernel of whole layers can bind for them: kernels/lib/model.wgsl has bindings for three. */
const mostSlots = 3;

/** Storage buffers beside the layers': ends, rotations, cache, activations, state. */
const otherBindings = 5;

/** What a dispatch of whole layers binds of the layers' weights and of the KV cache. */
export interface LayerBinding {
  /** Buffers of weights. */
  slots: number;
  /** Layers whose part of the cache is bound. */
  layers: number;
  /** Those of the dispatch alone, and the buffers that hold them; else everything. */
  own: boolean;
}

/**
 * Everything where that can be bound at once, so that dispatches of some layers differ from one of all in nothing else;
 * where it cannot, dispatches of some layers bind their own.
 */
export function planLayerBinding(
  shape: Shape,
  {factoring, layersPerDispatch}: {factoring: Factoring; layersPerDispatch: number},
  {slots, layersPerSlot}: Pick<SlotPlan, "slots" | "layersPerSlot">,
  limits: BindingLimits
): LayerBinding {
  const {layers} = shape;
  const cacheBytes = 4 * layers * layerCacheFloats(shape);
  const allFit = slots <= usableSlots(limits) && cacheBytes <= (limits.maxStorageBufferBindingSize ?? 0);
  if (factoring !== "chunked" || allFit) return {slots, layers, own: false};
  // After as many dispatches as a buffer has layers, one begins with a buffer's first layer again.
  const some = {layers: Math.min(layers, layersPerDispatch * layersPerSlot)};
  const counts = divideIntoRanges(some, layersPerDispatch).map((range) => slotsOf(range, layersPerSlot).count);
  return {slots: counts.reduce((a, b) => Math.max(a, b)), layers: Math.min(layers, layersPerDispatch), own: true};
}

/** What the limits of a device decide it by. */
export type BindingLimits = Partial<Record<"maxStorageBufferBindingSize" | "maxStorageBuffersPerShaderStage", number>>;

/** Buffers of layers that a dispatch can bind on a device. */
export function usableSlots({maxStorageBuffersPerShaderStage: buffers = 0}: BindingLimits): number {
  return Math.min(mostSlots, buffers - otherBindings);
}

/** The buffers that hold a range of layers: the first of them, and how many. */
export function slotsOf({first, end}: LayerRange, layersPerSlot: number): {first: number; count: number} {
  const firstSlot = Math.floor(first / layersPerSlot);
  return {first: firstSlot, count: Math.floor((end - 1) / layersPerSlot) - firstSlot + 1};
}
