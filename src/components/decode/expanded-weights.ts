import type {Kernels} from "../gpu/kernels.js";
import {createPipeline} from "../gpu/pipelines.js";
import {linearWorkgroups} from "../gpu/workgroups.js";
import {endsLayout, layerLayout, type BlobTensor} from "../model/layout.js";
import type {Shape, WeightFormat} from "../model/shape.js";
import {createWeights, type GpuWeights} from "./gpu-weights.js";

/**
 * The same weights with the layers' matrices and the LM head expanded to floats on the GPU, (nibble − 7) · scale each;
 * embedding and norms are copied. In float32 they are exact. In float16 they are where the product of three bits and
 * the scale's has no more than eleven bits, as with synthetic weights, whose scales have four; else they are rounded,
 * by 2⁻¹¹ at most.
 * @param weights in int4; they stay as they are
 * @throws {GpuError} when memory runs out; everything allocated is freed then.
 */
export async function expandWeights(
  device: GPUDevice,
  kernels: Kernels,
  shape: Shape,
  weights: GpuWeights,
  format: Exclude<WeightFormat, "int4">
): Promise<GpuWeights> {
  const conditions = format === "float16" ? (["float16_weights"] as const) : [];
  const pipeline = await createPipeline(device, kernels, {path: "expand.wgsl", conditions});
  const sources = locateTensors(shape, weights);
  const parameters: GPUBuffer[] = [];
  try {
    return await createWeights(device, shape, format, (target, offset, {name, bytes}) => {
      const encoder = device.createCommandEncoder();
      const same = sources.get(name);
      if (same) {
        encoder.copyBufferToBuffer(same.buffer, same.offset, target, offset, Math.ceil(bytes / 4) * 4);
      } else {
        const matrix = name.replace(/\.weight$/, "");
        const words = sources.get(`${matrix}.q_weight`)!;
        const scales = sources.get(`${matrix}.q_scale`)!;
        const count = words.bytes / 4;
        const fields = device.createBuffer({size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST});
        parameters.push(fields);
        device.queue.writeBuffer(fields, 0, new Uint32Array([words.offset / 4, scales.offset / 2, offset / 16, count]));
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        const entries = [words.buffer, target, fields].map((buffer, binding) => ({binding, resource: {buffer}}));
        pass.setBindGroup(0, device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries}));
        pass.dispatchWorkgroups(...linearWorkgroups(count));
        pass.end();
      }
      device.queue.submit([encoder.finish()]);
    });
  } finally {
    for (const buffer of parameters) buffer.destroy();
  }
}

/** Where each tensor of int4 weights lies. */
function locateTensors(
  shape: Shape,
  {slots, layersPerSlot, layerBytes, ends}: GpuWeights
): Map<string, BlobTensor & {buffer: GPUBuffer}> {
  const located = endsLayout(shape).tensors.map((tensor) => ({...tensor, buffer: ends}));
  for (let layer = 0; layer < shape.layers; ++layer) {
    const buffer = slots[Math.floor(layer / layersPerSlot)]!;
    const start = (layer % layersPerSlot) * layerBytes;
    for (const tensor of layerLayout(shape, layer).tensors) {
      located.push({...tensor, buffer, offset: start + tensor.offset});
    }
  }
  return new Map(located.map((tensor) => [tensor.name, tensor]));
}
