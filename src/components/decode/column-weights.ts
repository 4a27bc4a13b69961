import {finishWork, guard} from "../gpu/errors.js";
import type {Kernels} from "../gpu/kernels.js";
import {createPipeline} from "../gpu/pipelines.js";
import {linearWorkgroups} from "../gpu/workgroups.js";
import {endsLayout, layerLayout, type BlobTensor} from "../model/layout.js";
import {groupSize, type Shape} from "../model/shape.js";
import {matrixNames, modelMatrices} from "../model/weights.js";
import type {GpuWeights} from "./gpu-weights.js";

/**
 * A copy of the weights in int4 with every matrix re-laid on the GPU in the order of the recorded kernels: [column][row], the
 * scales too. The embedding and the norms are as they were, and every tensor is where it was.
 * @throws {GpuError} when memory runs out; everything allocated is freed then.
 */
export async function layColumns(
  device: GPUDevice,
  kernels: Kernels,
  shape: Shape,
  weights: GpuWeights
): Promise<GpuWeights> {
  const {layersPerSlot, layerBytes} = weights;
  const pipeline = await createPipeline(device, kernels, {path: "record/transpose.wgsl"});
  const copies = new Map<GPUBuffer, GPUBuffer>();
  const parameters: GPUBuffer[] = [];
  const destroy = () => {
    for (const buffer of copies.values()) buffer.destroy();
  };

  function transpose(encoder: GPUCommandEncoder, source: GPUBuffer, start: number, tensor: MatrixTensor) {
    const {offset, bytes, rows, columns, bits} = tensor;
    const words = Math.ceil(bytes / 4);
    const uniform = device.createBuffer({size: 20, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST});
    parameters.push(uniform);
    device.queue.writeBuffer(uniform, 0, new Uint32Array([(start + offset) / 4, words, rows, columns, bits]));
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const entries = [source, copies.get(source)!, uniform].map((buffer, binding) => ({binding, resource: {buffer}}));
    pass.setBindGroup(0, device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries}));
    pass.dispatchWorkgroups(...linearWorkgroups(words));
    pass.end();
  }

  try {
    await guard(device, `allocating the weights of ${shape.label} column by column`, () => {
      for (const source of [...weights.slots, weights.ends]) {
        const {label, size, usage} = source;
        copies.set(source, device.createBuffer({label: `${label}, column by column`, size, usage}));
      }
    });
    await guard(device, `laying the weights of ${shape.label} column by column`, () => {
      const encoder = device.createCommandEncoder();
      for (const [source, copy] of copies) encoder.copyBufferToBuffer(source, 0, copy, 0, source.size);
      for (let layer = 0; layer < shape.layers; ++layer) {
        const source = weights.slots[Math.floor(layer / layersPerSlot)]!;
        const start = (layer % layersPerSlot) * layerBytes;
        for (const tensor of matrixTensors(shape, layerLayout(shape, layer).tensors)) {
          transpose(encoder, source, start, tensor);
        }
      }
      for (const tensor of matrixTensors(shape, endsLayout(shape).tensors)) {
        transpose(encoder, weights.ends, 0, tensor);
      }
      device.queue.submit([encoder.finish()]);
    });
    await finishWork(device, `laying the weights of ${shape.label} column by column`);
  } catch (error) {
    destroy();
    throw error;
  } finally {
    for (const buffer of parameters) buffer.destroy();
  }
  return {
    format: weights.format,
    slots: weights.slots.map((slot) => copies.get(slot)!),
    layersPerSlot,
    layerBytes,
    ends: copies.get(weights.ends)!,
    destroy
  };
}

/** The words or the scales of a matrix that is multiplied: elements of `bits` bits, [rows][columns]. */
interface MatrixTensor extends BlobTensor {
  rows: number;
  columns: number;
  bits: number;
}

function matrixTensors(shape: Shape, tensors: readonly BlobTensor[]): MatrixTensor[] {
  const matrices = modelMatrices(shape);
  matrices.delete(matrixNames.embedding); // a row of it is looked up
  return tensors.flatMap((tensor) => {
    const [, name, half] = /^(.*)\.(q_weight|q_scale)$/.exec(tensor.name) ?? [];
    const size = name === undefined ? undefined : matrices.get(name);
    if (!size) return [];
    const {rows, columns} = size;
    return half === "q_weight"
      ? [{...tensor, rows, columns, bits: 4}]
      : [{...tensor, rows, columns: columns / groupSize, bits: 16}];
  });
}
