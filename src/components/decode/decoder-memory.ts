import {allocate, GpuError} from "../gpu/errors.js";
import {Readback} from "../gpu/readback.js";
import {activationLayout, layerCacheFloats} from "../model/layout.js";
import type {Shape} from "../model/shape.js";

/** All that a decoder allocates beside the weights. */
export interface DecoderMemory {
  buffers: DecoderBuffers;
  logits: Readback;
  tokens: Readback;
  poison: Readback;
  destroy(): void;
}

export type DecoderBuffers = Record<"rotations" | "cache" | "activations" | "state", GPUBuffer>;

/** Words of `state` (kernels/lib/sequence.wgsl): what a dispatch does is counted in tokens or in layers. */
export const perDispatchAt = 2;
export const poisonAt = 4;
export const tokensAt = 5;

/**
 * Allocates it for the whole context of a shape.
 * @throws {GpuError} when the KV cache is larger than a buffer may be or memory runs out, with nothing left allocated.
 */
export async function allocateMemory(device: GPUDevice, shape: Shape): Promise<DecoderMemory> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const cacheBytes = 4 * shape.layers * layerCacheFloats(shape);
  const {maxBufferSize} = device.limits;
  if (cacheBytes > maxBufferSize) {
    throw new GpuError(`the KV cache needs ${cacheBytes} bytes; this device allows ${maxBufferSize} (maxBufferSize)`);
  }
  const storage = (label: keyof DecoderBuffers, size: number) => device.createBuffer({label, size, usage});
  return allocate(device, `allocating the KV cache of ${shape.label}`, () => {
    const buffers = {
      rotations: storage("rotations", 4 * shape.context * shape.headDim),
      cache: storage("cache", cacheBytes),
      activations: storage("activations", 4 * activationLayout(shape).words),
      state: storage("state", 4 * (tokensAt + shape.context + 1))
    };
    const readbacks = {
      logits: new Readback(device, 4 * shape.vocabulary),
      tokens: new Readback(device, 4 * shape.context + 4),
      poison: new Readback(device, 4)
    };
    device.queue.writeBuffer(buffers.rotations, 0, rotations(shape));
    const destroy = () => {
      for (const resource of [...Object.values(buffers), ...Object.values(readbacks)]) resource.destroy();
    };
    return {buffers, ...readbacks, destroy};
  });
}

/** Cosine and sine of position · theta^(−2i / headDim), [context][headDim / 2]; WGSL's own are good to 2⁻¹¹ only. */
function rotations({context, headDim, ropeTheta}: Shape): Float32Array<ArrayBuffer> {
  const half = headDim / 2;
  const values = new Float32Array(context * headDim);
  for (let position = 0; position < context; ++position) {
    for (let i = 0; i < half; ++i) {
      const angle = position * ropeTheta ** ((-2 * i) / headDim);
      values[2 * (position * half + i)] = Math.cos(angle);
      values[2 * (position * half + i) + 1] = Math.sin(angle);
    }
  }
  return values;
}
