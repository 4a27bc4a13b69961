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
  const {maxStorageBufferBindingSize: binding = 0, maxStorageBuffersPerShaderStage: buffers = 0} = device.limits;
  let slots: number;
  try {
    ({slots} = planSlots(shape, device.limits));
  } catch (error) {
    return (error as Error).message;
  }
  if (factoring === "staged") return null;
  if (slots > fusedSlots || slots + otherBindings > buffers) {
    return (
      `One dispatch must see all ${shape.layers} layers at once: ${slots} bindings of at most ${binding} bytes ` +
      `(maxStorageBufferBindingSize). It can use ${Math.min(fusedSlots, buffers - otherBindings)} here.`
    );
  }
  const cache = 4 * shape.layers * layerCacheFloats(shape);
  if (cache > binding) {
    return `One dispatch must bind the whole KV cache of ${cache} bytes; this device allows ${binding} (maxStorageBufferBindingSize).`;
  }
  return null;
}
