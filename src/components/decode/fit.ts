import type {Gpu, languageFeatures} from "../gpu/device.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {layerCacheFloats} from "../model/layout.js";
import {layerMatrices, type Shape, type WeightFormat} from "../model/shape.js";
import {planSlots, type SlotPlan} from "./gpu-weights.js";
import {planLayerBinding, usableSlots, type LayerBinding} from "./layer-binding.js";
import {isOneKernel, planToken, type Arithmetic, type Factoring, type Geometry, type KernelGeometry} from "./plan.js";

/** What dot products of activations in 16-bit integers are made of (kernels/lib/int4.wgsl). */
export const packedDot: (typeof languageFeatures)[number] = "packed_4x8_integer_dot_product";

/**
 * Why a device cannot run a factoring at a shape, with what is needed and what is there, before anything is
 * allocated; null when it can.
 * @param layersPerDispatch of the chunked factoring: by default a dispatch for each layer, which needs least
 */
export function whyUnsupported(
  {
    shape,
    factoring,
    features,
    arithmetic = "float32",
    weightFormat = "int4",
    layersPerDispatch = 1
  }: {
    shape: Shape;
    factoring: Factoring;
    features: readonly KernelFeature[];
    arithmetic?: Arithmetic;
    weightFormat?: WeightFormat;
    layersPerDispatch?: number;
  },
  device: Pick<Gpu["description"], "features" | "limits">
): string | null {
  const missing = features.find((feature) => !device.features.includes(feature));
  if (missing) return `This device does not offer the WebGPU feature ${missing}.`;
  if (arithmetic === "int16" && !device.features.includes(packedDot)) {
    return `Arithmetic in 16-bit integers needs the WGSL language feature ${packedDot}, which is not offered here.`;
  }
  const {limits} = device;
  const {maxStorageBufferBindingSize = 0, maxBufferSize = 0} = limits;
  let slots: SlotPlan;
  try {
    slots = planSlots(shape, limits, weightFormat);
  } catch (error) {
    return (error as Error).message;
  }
  const bound = isOneKernel(factoring)
    ? planLayerBinding(shape, {factoring, layersPerDispatch}, slots, limits)
    : {slots: 1, layers: 1, own: true};
  if (bound.slots > usableSlots(limits)) return whyTooManySlots(shape, bound, slots, limits);
  const layerCache = 4 * layerCacheFloats(shape);
  const boundCache = bound.layers * layerCache;
  if (boundCache > maxStorageBufferBindingSize) {
    return `A dispatch must bind a KV cache of ${boundCache} bytes; this device allows ${maxStorageBufferBindingSize} (maxStorageBufferBindingSize).`;
  }
  const cache = shape.layers * layerCache;
  if (cache > maxBufferSize) {
    return `The KV cache has ${cache} bytes; this device allows ${maxBufferSize} in a buffer (maxBufferSize).`;
  }
  return null;
}

function whyTooManySlots(
  {layers}: Shape,
  bound: LayerBinding,
  {slots, layersPerSlot, layerBytes}: SlotPlan,
  limits: Record<string, number>
): string {
  const usable = usableSlots(limits);
  const most = Math.min(limits.maxStorageBufferBindingSize!, limits.maxBufferSize!);
  if (bound.own) {
    return (
      `A dispatch must see its ${bound.layers} layers at once, ${bound.layers * layerBytes} bytes: ${bound.slots} bindings ` +
      `of at most ${most} bytes (maxStorageBufferBindingSize, maxBufferSize), ${layersPerSlot} of the layers in each. It can use ` +
      `${usable} here: divide the layers over more dispatches.`
    );
  }
  const needed = Math.ceil(layers / usable) * layerBytes;
  return (
    `One dispatch must see all ${layers} layers at once, ${layers * layerBytes} bytes: ${slots} bindings ` +
    `of at most ${most} bytes (maxStorageBufferBindingSize, maxBufferSize). It can use ${usable} here, so each would ` +
    `need ${needed} bytes.`
  );
}

/** Why a device, or the shape, has no room for a geometry, in a sentence; null where it has. */
export function whyUnplanned(
  shape: Shape,
  factoring: Factoring,
  geometry: Geometry,
  {limits}: Pick<Gpu["description"], "limits">
): string | null {
  const {maxComputeWorkgroupsPerDimension: most = 0} = limits;
  try {
    const largest = planToken(shape, factoring, geometry).find(({workgroups}) => workgroups > most);
    if (!largest) return null;
    const {path, workgroups} = largest;
    return `${path} needs a dispatch of ${workgroups} workgroups; this device allows ${most} (maxComputeWorkgroupsPerDimension).`;
  } catch (error) {
    return `This geometry does not fit: ${(error as Error).message}.`;
  }
}

/**
 * Workgroups that one dispatch may have: each must have a row of every matrix, because a workgroup that hands nothing on
 * could fall a whole exchange behind the others without their noticing (kernels/lib/activations.wgsl).
 */
export function mostWorkgroups(
  shape: Shape,
  {teamRows, qkvRows, residualRows}: Pick<KernelGeometry, "teamRows" | "qkvRows" | "residualRows">
): number {
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  const units = [qkv.rows / qkvRows, gateUp.rows / teamRows, o.rows / residualRows, down.rows / residualRows];
  return Math.floor(Math.min(...units));
}
