import type {Gpu, limitNames} from "../gpu/device.js";
import {layerCacheFloats} from "../model/layout.js";
import type {Shape} from "../model/shape.js";
import type {DecoderOptions} from "./decoder.js";
import {planSlots} from "./gpu-weights.js";
import {tileGroupsBeside} from "./plan.js";

/** Buffers that `fused` can bind for the layers: kernels/lib/model.wgsl has bindings for three. */
const fusedSlots = 3;

/** Storage buffers beside the layers': ends, rotations, cache, activations, state. */
const otherBindings = 5;

/**
 * Why a device cannot run a factoring at a shape, with what is needed and what is there, before anything is
 * allocated; null when it can.
 */
export function whyUnsupported(
  {shape, factoring, features}: Pick<DecoderOptions, "shape" | "factoring" | "features">,
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

/** Activations that should fit in workgroup memory at once: fewer and the copying costs more than it saves. */
const enoughTileGroups = 32;

/** The workgroup size and lanes a factoring starts with on a device. */
export function defaultGeometry(
  {shape, factoring, features}: Pick<DecoderOptions, "shape" | "factoring" | "features">,
  {description, adapter}: Pick<Gpu, "description" | "adapter">
): Pick<DecoderOptions, "workgroupSize" | "lanes"> {
  const limit = (name: (typeof limitNames)[number]) => description.limits[name]!;
  // One workgroup alone should be as large as it can; many are scheduled better when they are small.
  const most = Math.min(
    limit("maxComputeInvocationsPerWorkgroup"),
    limit("maxComputeWorkgroupSizeX"),
    factoring === "fused" ? 1024 : 256
  );
  const storage = limit("maxComputeWorkgroupStorageSize");
  let workgroupSize = 2 ** Math.floor(Math.log2(most));
  while (tileGroupsBeside(workgroupSize, features, shape.headDim, storage) < enoughTileGroups) workgroupSize /= 2;
  // 128 is the largest subgroup that WebGPU knows.
  const lanes = features.includes("subgroups") ? (adapter.info.subgroupMaxSize ?? 128) : 32;
  return {workgroupSize, lanes: Math.min(workgroupSize, lanes)};
}
