import type {Gpu, languageFeatures} from "../gpu/device.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {layerCacheFloats} from "../model/layout.js";
import {layerMatrices, type Shape, type WeightFormat} from "../model/shape.js";
import {planSlots} from "./gpu-weights.js";
import {isOneKernel, planToken, type Arithmetic, type Factoring, type Geometry, type KernelGeometry} from "./plan.js";

/** Buffers that a kernel of the whole model can bind for the layers: kernels/lib/model.wgsl has bindings for three. */
const fusedSlots = 3;

/** What dot products of activations in 16-bit integers are made of (kernels/lib/int4.wgsl). */
export const packedDot: (typeof languageFeatures)[number] = "packed_4x8_integer_dot_product";

/** Storage buffers beside the layers': ends, rotations, cache, activations, state. */
const otherBindings = 5;

/**
 * Why a device cannot run a factoring at a shape, with what is needed and what is there, before anything is
 * allocated; null when it can.
 */
export function whyUnsupported(
  {
    shape,
    factoring,
    features,
    arithmetic = "float32",
    weightFormat = "int4"
  }: {
    shape: Shape;
    factoring: Factoring;
    features: readonly KernelFeature[];
    arithmetic?: Arithmetic;
    weightFormat?: WeightFormat;
  },
  device: Pick<Gpu["description"], "features" | "limits">
): string | null {
  const missing = features.find((feature) => !device.features.includes(feature));
  if (missing) return `This device does not offer the WebGPU feature ${missing}.`;
  if (arithmetic === "int16" && !device.features.includes(packedDot)) {
    return `Arithmetic in 16-bit integers needs the WGSL language feature ${packedDot}, which is not offered here.`;
  }
  const {
    maxStorageBufferBindingSize: binding = 0,
    maxStorageBuffersPerShaderStage: buffers = 0,
    maxBufferSize = 0
  } = device.limits;
  let slots: number;
  let layerBytes: number;
  try {
    ({slots, layerBytes} = planSlots(shape, device.limits, weightFormat));
  } catch (error) {
    return (error as Error).message;
  }
  if (isOneKernel(factoring) && (slots > fusedSlots || slots + otherBindings > buffers)) {
    const usable = Math.min(fusedSlots, buffers - otherBindings);
    const most = Math.min(binding, maxBufferSize);
    const needed = Math.ceil(shape.layers / usable) * layerBytes;
    return (
      `One dispatch must see all ${shape.layers} layers at once, ${shape.layers * layerBytes} bytes: ${slots} bindings ` +
      `of at most ${most} bytes (maxStorageBufferBindingSize, maxBufferSize). It can use ${usable} here, so each would ` +
      `need ${needed} bytes.`
    );
  }
  const layerCache = 4 * layerCacheFloats(shape);
  const cache = shape.layers * layerCache;
  const bound = isOneKernel(factoring) ? cache : layerCache;
  if (bound > binding) {
    return `A dispatch must bind a KV cache of ${bound} bytes; this device allows ${binding} (maxStorageBufferBindingSize).`;
  }
  if (cache > maxBufferSize) {
    return `The KV cache has ${cache} bytes; this device allows ${maxBufferSize} in a buffer (maxBufferSize).`;
  }
  return null;
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
