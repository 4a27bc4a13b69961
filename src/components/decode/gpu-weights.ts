import {finishWork, guard} from "../gpu/errors.js";
import type {Kernels} from "../gpu/kernels.js";
import {createPipeline} from "../gpu/pipelines.js";
import {linearWorkgroups} from "../gpu/workgroups.js";
import {endsLayout, layerLayout, type BlobTensor} from "../model/layout.js";
import type {Shape, WeightFormat} from "../model/shape.js";
import {syntheticTensors} from "../model/synthetic.js";

/** A model's weights on the GPU, shared by every decoder of a run. */
export interface GpuWeights {
  format: WeightFormat;
  /** Layer blobs back to back, `layersPerSlot` in each buffer. */
  slots: GPUBuffer[];
  layersPerSlot: number;
  layerBytes: number;
  /** Embedding, LM head, final norm. */
  ends: GPUBuffer;
  destroy(): void;
}

/** How the layers of a shape are divided over buffers. */
export interface SlotPlan {
  layerBytes: number;
  endsBytes: number;
  layersPerSlot: number;
  slots: number;
}

/**
 * As few buffers as the limits allow.
 * @throws {Error} with the required and the actual number when not even one layer fits a binding.
 */
export function planSlots(shape: Shape, limits: Record<string, number>, format: WeightFormat = "int4"): SlotPlan {
  const {maxStorageBufferBindingSize: binding = 0, maxBufferSize = 0} = limits;
  const layerBytes = layerLayout(shape, 0, format).bytes;
  const endsBytes = endsLayout(shape, format).bytes;
  const most = Math.min(binding, maxBufferSize);
  const largest = Math.max(layerBytes, endsBytes);
  if (largest > most) {
    throw new Error(
      `${shape.label}${format === "int4" ? "" : ` in ${format}`} needs bindings of ${largest} bytes; this device allows ${most} (maxStorageBufferBindingSize, maxBufferSize).`
    );
  }
  const layersPerSlot = Math.min(shape.layers, Math.floor(most / layerBytes));
  return {layerBytes, endsBytes, layersPerSlot, slots: Math.ceil(shape.layers / layersPerSlot)};
}

/** Writes one tensor at a byte offset of a buffer. */
export type WriteTensor = (buffer: GPUBuffer, offset: number, tensor: BlobTensor) => void;

/**
 * Synthetic weights, made on the GPU: nothing is downloaded, and `syntheticWeights` recomputes any element.
 * @throws {GpuError} when memory runs out; everything allocated is freed then.
 */
export async function createSyntheticWeights(
  device: GPUDevice,
  kernels: Kernels,
  shape: Shape,
  seed?: number
): Promise<GpuWeights> {
  const pipeline = await createPipeline(device, kernels, {path: "synthetic.wgsl"});
  const tensors = new Map(syntheticTensors(shape, seed).map((tensor) => [tensor.name, tensor]));
  const parameters: GPUBuffer[] = [];
  try {
    return await createWeights(device, shape, "int4", (buffer, offset, {name, bytes}) => {
      const {key, kind, exponent, count} = tensors.get(name)!;
      const words = Math.ceil(bytes / 4);
      const fill = device.createBuffer({size: 24, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST});
      parameters.push(fill);
      const kinds = {words: 0, scales: 1, norm: 2};
      device.queue.writeBuffer(fill, 0, new Uint32Array([offset / 4, words, key, kinds[kind], exponent, count]));
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(pipeline);
      const entries = [buffer, fill].map((resource, binding) => ({binding, resource: {buffer: resource}}));
      pass.setBindGroup(0, device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries}));
      pass.dispatchWorkgroups(...linearWorkgroups(words));
      pass.end();
      device.queue.submit([encoder.finish()]);
    });
  } finally {
    for (const buffer of parameters) buffer.destroy();
  }
}

/** Weights read from an MLC folder, by tensor name. */
export function uploadWeights(
  device: GPUDevice,
  shape: Shape,
  tensors: ReadonlyMap<string, {bytes: Uint8Array}>
): Promise<GpuWeights> {
  return createWeights(device, shape, "int4", (buffer, offset, {name}) => {
    const bytes = tensors.get(name)!.bytes;
    const whole = bytes.byteLength & ~3;
    device.queue.writeBuffer(buffer, offset, bytes.buffer as ArrayBuffer, bytes.byteOffset, whole);
    if (whole === bytes.byteLength) return;
    const rest = new Uint8Array(4);
    rest.set(bytes.subarray(whole));
    device.queue.writeBuffer(buffer, offset + whole, rest);
  });
}

/**
 * Allocates the buffers of a format and has each tensor written.
 * @throws {GpuError} when memory runs out; everything allocated is freed then.
 */
export async function createWeights(
  device: GPUDevice,
  shape: Shape,
  format: WeightFormat,
  write: WriteTensor
): Promise<GpuWeights> {
  const {maxStorageBufferBindingSize, maxBufferSize} = device.limits;
  const limits = {maxStorageBufferBindingSize, maxBufferSize};
  const {layerBytes, endsBytes, layersPerSlot, slots} = planSlots(shape, limits, format);
  const buffers: GPUBuffer[] = [];
  const destroy = () => {
    for (const buffer of buffers) buffer.destroy();
  };
  const allocate = (label: string, size: number) => {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const buffer = device.createBuffer({label, size, usage});
    buffers.push(buffer);
    return buffer;
  };
  try {
    await guard(device, `allocating the weights of ${shape.label}`, () => {
      for (let slot = 0; slot < slots; ++slot) {
        const inSlot = Math.min(layersPerSlot, shape.layers - slot * layersPerSlot);
        allocate(`layers from ${slot * layersPerSlot}`, inSlot * layerBytes);
      }
      allocate("ends", endsBytes);
    });
    const ends = buffers[slots]!;
    for (let layer = 0; layer < shape.layers; ++layer) {
      const buffer = buffers[Math.floor(layer / layersPerSlot)]!;
      const start = (layer % layersPerSlot) * layerBytes;
      await guard(device, `writing the weights of layer ${layer}`, () => {
        for (const tensor of layerLayout(shape, layer, format).tensors) write(buffer, start + tensor.offset, tensor);
      });
    }
    await guard(device, "writing the embedding and the LM head", () => {
      for (const tensor of endsLayout(shape, format).tensors) write(ends, tensor.offset, tensor);
    });
    await finishWork(device, `writing the weights of ${shape.label}`);
    return {format, slots: buffers.slice(0, slots), layersPerSlot, layerBytes, ends, destroy};
  } catch (error) {
    destroy();
    throw error;
  }
}
