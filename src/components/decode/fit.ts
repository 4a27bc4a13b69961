import type {Gpu} from "../gpu/device.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {layerCacheFloats} from "../model/layout.js";
import type {Shape} from "../model/shape.js";
import {planSlots} from "./gpu-weights.js";
import type {Factoring} from "./plan.js";

/** Buffers that `fused` can bind for the layers: kernels/lib/model.wgsl has bindings for three. */
const fusedSlots = 3;

/** Storage buffers beside the layers': ends, rotations, cache, activations, state. */
const otherBindings = 5;

/**
 * Why a device cannot run a factoring at a shape, with what is needed and what is there, before anything is
 * allocated; null when it can.
 */
export function whyUnsupported(
  {shape, factoring, features}: {shape: Shape; factoring: Factoring; features: readonly KernelFeature[]},
  device: Pick<Gpu["description"], "features" | "limits">
): string | null {
  const missing = features.find((feature) => !device.features.includes(feature));
  if (missing) return `This device does not offer the WebGPU feature ${missing}.`;
  const {
    maxStorageBufferBindingSize: binding = 0,
    maxStorageBuffersPerShaderStage: buffers = 0,
    maxBufferSize = 0
  } = device.limits;
  let slots: number;
  try {
    ({slots} = planSlots(shape, device.limits));
  } catch (error) {
    return (error as Error).message;
  }
  if (factoring === "fused" && (slots > fusedSlots || slots + otherBindings > buffers)) {
    return (
      `One dispatch must see all ${shape.layers} layers at once: ${slots} bindings of at most ${binding} bytes ` +
      `(maxStorageBufferBindingSize). It can use ${Math.min(fusedSlots, buffers - otherBindings)} here.`
    );
  }
  const layerCache = 4 * layerCacheFloats(shape);
  const cache = shape.layers * layerCache;
  const bound = factoring === "fused" ? cache : layerCache;
  if (bound > binding) {
    return `A dispatch must bind a KV cache of ${bound} bytes; this device allows ${binding} (maxStorageBufferBindingSize).`;
  }
  if (cache > maxBufferSize) {
    return `The KV cache has ${cache} bytes; this device allows ${maxBufferSize} in a buffer (maxBufferSize).`;
  }
  return null;
}
