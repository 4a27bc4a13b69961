import {layerCacheFloats} from "../model/layout.js";
import type {Shape} from "../model/shape.js";
import type {DecoderBuffers} from "./decoder-memory.js";
import type {GpuWeights} from "./gpu-weights.js";
import {slotsOf} from "./layer-binding.js";
import {isOneKernel, type Dispatch, type Factoring, type LayerRange} from "./plan.js";

/**
 * The bindings of kernels/lib/model.wgsl that a factoring has.
 * @param slots buffers of layers that a dispatch of whole layers binds
 */
export function createBindGroupLayout(device: GPUDevice, factoring: Factoring, slots: number): GPUBindGroupLayout {
  const extraSlots = Array.from({length: slots - 1}, (_, i) => 6 + i);
  const readOnly = isOneKernel(factoring) ? [0, 1, 2, ...extraSlots] : [0, 2];
  const entry = (type: GPUBufferBindingType) => (binding: number) => ({
    binding,
    visibility: GPUShaderStage.COMPUTE,
    buffer: {type}
  });
  return device.createBindGroupLayout({
    entries: [...readOnly.map(entry("read-only-storage")), ...[3, 4, 5].map(entry("storage"))]
  });
}

/**
 * One bind group a layer, one for the ends, one for everything or one for each range of layers: dispatches that bind the
 * same share it.
 */
export function bindPlan(
  device: GPUDevice,
  layout: GPUBindGroupLayout,
  plan: readonly Dispatch[],
  weights: GpuWeights,
  buffers: DecoderBuffers,
  shape: Shape,
  boundSlots: number
): GPUBindGroup[] {
  const {slots, ends, layersPerSlot, layerBytes} = weights;
  const {cache} = buffers;
  const layerCache = 4 * layerCacheFloats(shape);
  const bind = binder(device, layout, buffers);
  const bindLayers = (buffers: readonly GPUBuffer[], cacheOfLayers: GPUBufferBinding) => {
    const extra = Object.fromEntries(buffers.slice(1).map((buffer, i) => [6 + i, {buffer}]));
    return bind({0: {buffer: buffers[0]!}, 1: {buffer: ends}, 3: cacheOfLayers, ...extra});
  };
  const bindRange = (range: LayerRange) => {
    const {first} = slotsOf(range, layersPerSlot);
    // A dispatch that needs fewer buffers than others binds the last one again.
    const buffers = Array.from({length: boundSlots}, (_, i) => slots[Math.min(first + i, slots.length - 1)]!);
    const size = (range.end - range.first) * layerCache;
    return bindLayers(buffers, {buffer: cache, offset: range.first * layerCache, size});
  };
  const make = (bound: Dispatch["bound"]) => {
    if (bound === "all") return bindLayers(slots, {buffer: cache});
    if (typeof bound === "object") return bindRange(bound);
    if (bound === "ends") return bind({0: {buffer: ends}, 3: {buffer: cache, size: layerCache}});
    const buffer = slots[Math.floor(bound / layersPerSlot)]!;
    return bind({
      0: {buffer, offset: (bound % layersPerSlot) * layerBytes, size: layerBytes},
      3: {buffer: cache, offset: bound * layerCache, size: layerCache}
    });
  };
  const groups = new Map<Dispatch["bound"], GPUBindGroup>();
  return plan.map(({bound}) => {
    if (!groups.has(bound)) groups.set(bound, make(bound));
    return groups.get(bound)!;
  });
}

/**
 * The layers' weights as far as they have room for the ends, window by window, bound as the ends are: to time a stage of
 * the ends with weights that no cache holds.
 */
export function bindElsewhere(
  device: GPUDevice,
  layout: GPUBindGroupLayout,
  {slots, ends, layerBytes}: GpuWeights,
  buffers: DecoderBuffers,
  shape: Shape
): GPUBindGroup[] {
  const bind = binder(device, layout, buffers);
  const cache = {buffer: buffers.cache, size: 4 * layerCacheFloats(shape)};
  const stride = layerBytes * Math.ceil(ends.size / layerBytes);
  return slots.flatMap((buffer) =>
    Array.from({length: Math.floor(buffer.size / stride)}, (_, i) =>
      bind({0: {buffer, offset: i * stride, size: ends.size}, 3: cache})
    )
  );
}

/** Makes bind groups of weights and a cache, by their bindings, and of what is the same in all. */
function binder(device: GPUDevice, layout: GPUBindGroupLayout, {rotations, activations, state}: DecoderBuffers) {
  const shared = {2: {buffer: rotations}, 4: {buffer: activations}, 5: {buffer: state}};
  return (resources: Record<number, GPUBufferBinding>) =>
    device.createBindGroup({
      layout,
      entries: Object.entries({...resources, ...shared}).map(([binding, resource]) => ({
        binding: Number(binding),
        resource
      }))
    });
}
