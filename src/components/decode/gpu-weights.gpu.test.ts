import {Float16Array} from "@petamoriken/float16";
import {afterEach, beforeEach, describe, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {loadFixture} from "../../testing/fixtures.js";
import {mutate} from "../../testing/mutations.js";
import {countBuffers, openTestGpu, withLimits} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import {GpuError} from "../gpu/errors.js";
import {Readback} from "../gpu/readback.js";
import {endsLayout, layerLayout} from "../model/layout.js";
import {shapes, type Shape} from "../model/shape.js";
import {syntheticTensors, syntheticWeights} from "../model/synthetic.js";
import {modelMatrices, modelNorms} from "../model/weights.js";
import {createSyntheticWeights, uploadWeights, type GpuWeights} from "./gpu-weights.js";

/** Scales in odd numbers (77 · 3 = 231), tensors that are no multiple of 16 or of 4 bytes. */
const odd: Shape = {...shapes.tiny, id: "odd", hidden: 96, ffn: 224, vocabulary: 77, heads: 3, kvHeads: 1, headDim: 32};

const kernels = readKernels();
let gpu: Gpu;
beforeEach(async () => {
  gpu = await openTestGpu();
});
afterEach(() => gpu.destroy());

describe.each([shapes.tiny, odd])("synthetic weights of $id", (shape) => {
  test.each([1, 7])("with seed %i are on the GPU what they are on the CPU, bit for bit", async (seed) => {
    const weights = await createSyntheticWeights(gpu.device, kernels, shape, seed);
    expect(await findDifferences(weights, shape, syntheticTensorBytes(shape, seed))).toEqual([]);
    weights.destroy();
  });

  test("are the same in several slots", async () => {
    const maxStorageBufferBindingSize = Math.max(layerLayout(shape, 0).bytes, endsLayout(shape).bytes);
    const device = withLimits(gpu.device, {maxStorageBufferBindingSize});
    const weights = await createSyntheticWeights(device, kernels, {...shape, layers: 5});
    expect(weights.slots.length).toBe(Math.ceil(5 / weights.layersPerSlot));
    expect(weights.slots.length).toBeGreaterThan(1);
    expect(await findDifferences(weights, {...shape, layers: 5}, syntheticTensorBytes({...shape, layers: 5}))).toEqual(
      []
    );
    weights.destroy();
  });
});

test("the odd shape has the tensors it is named for", () => {
  const sizes = [...layerLayout(odd, 0).tensors, ...endsLayout(odd).tensors].map(({bytes}) => bytes);
  expect(sizes.some((bytes) => bytes % 16 !== 0)).toBe(true);
  expect(sizes.some((bytes) => bytes % 4 !== 0)).toBe(true);
});

test.each([
  {what: "the hash", find: "0x846ca68bu", replace: "0x846ca68du"},
  {what: "the zero that a nibble of 15 becomes", find: "word ^ (fifteens << 3u)", replace: "word"},
  {what: "the scale's key", find: "0x5ca1ab1eu", replace: "0x5ca1ab1fu"},
  {what: "the norm's offset", find: "/ 16.0 + 0.5", replace: "/ 16.0 + 0.25"},
  {what: "the last half", find: "if (index >= fill.halves) { return 0u; }", replace: ""}
])("a kernel that makes synthetic weights with $what wrong is seen", async ({find, replace}) => {
  const sources = mutate(readSources(), {path: "synthetic.wgsl", find, replace});
  const mutant = readKernels(sources);
  const weights = await createSyntheticWeights(gpu.device, mutant, odd);
  expect(await findDifferences(weights, odd, syntheticTensorBytes(odd), true)).not.toEqual([]);
});

test("tensors of an MLC folder lie where the layout says", async () => {
  const {model} = await loadFixture("phi3-tiny");
  const weights = await uploadWeights(gpu.device, model.shape, model.tensors);
  const bytes = new Map(Array.from(model.tensors, ([name, tensor]) => [name, tensor.bytes]));
  expect(await findDifferences(weights, model.shape, bytes)).toEqual([]);
  bytes.set("lm_head.q_scale", bytes.get("transformer.embd.q_scale")!);
  expect(await findDifferences(weights, model.shape, bytes)).toEqual(["lm_head.q_scale"]);
});

test("a tensor whose last bytes make no whole word is uploaded whole", async () => {
  const bytes = syntheticTensorBytes(odd);
  const tensors = new Map(Array.from(bytes, ([name, value]) => [name, {bytes: value}]));
  const weights = await uploadWeights(gpu.device, odd, tensors);
  expect(await findDifferences(weights, odd, bytes)).toEqual([]);
});

const makers: [name: string, make: (device: GPUDevice) => Promise<GpuWeights>, buffers: number][] = [
  [
    "synthetic weights",
    (device) => createSyntheticWeights(device, kernels, shapes.tiny),
    2 + syntheticTensors(shapes.tiny).length
  ],
  [
    "uploaded weights",
    async (device) => {
      const {model} = await loadFixture("phi3-tiny");
      return uploadWeights(device, model.shape, model.tensors);
    },
    2
  ]
];

describe.each(makers)("%s", (_name, make, buffers) => {
  test("are freed when destroyed", async () => {
    const counted = countBuffers(gpu);
    (await make(counted.device)).destroy();
    expect(counted.buffers).toEqual({created: buffers, destroyed: buffers});
  });

  test("leave nothing allocated when memory runs out, and say what it was for", async () => {
    for (const failAt of [...new Set([0, 1, buffers - 1])]) {
      const counted = countBuffers(gpu, failAt);
      const failing = make(counted.device);
      await expect(failing, `buffer ${failAt}`).rejects.toThrow(GpuError);
      await expect(failing, `buffer ${failAt}`).rejects.toThrow(/^(allocating|writing) the (weights|embedding) /);
      expect(counted.buffers.destroyed, `buffer ${failAt}`).toBe(counted.buffers.created);
    }
  });
});

test("a layer that no binding holds is refused with both numbers before anything is allocated", async () => {
  const counted = countBuffers(gpu);
  const device = withLimits(counted.device, {maxStorageBufferBindingSize: 4096});
  await expect(createSyntheticWeights(device, kernels, shapes.tiny)).rejects.toThrow(
    /Tiny.* needs bindings of \d+ bytes; this device allows 4096/
  );
  expect(counted.buffers.created).toBe(0);
});

/** Names of the tensors that differ on the GPU from `expected`; with `tails`, in the padding after them as well. */
async function findDifferences(
  weights: GpuWeights,
  shape: Shape,
  expected: ReadonlyMap<string, Uint8Array>,
  tails = false
): Promise<string[]> {
  const different: string[] = [];
  const compare = (blob: Uint8Array, tensors: {name: string; offset: number}[]) => {
    for (const {name, offset} of tensors) {
      const bytes = expected.get(name)!;
      const padding = tails ? (4 - (bytes.length % 4)) % 4 : 0;
      const actual = blob.subarray(offset, offset + bytes.length + padding);
      if (Buffer.compare(actual, Buffer.concat([bytes, new Uint8Array(padding)])) !== 0) different.push(name);
    }
  };
  for (let layer = 0; layer < shape.layers; ++layer) {
    const slot = await readAll(weights.slots[Math.floor(layer / weights.layersPerSlot)]!);
    const start = (layer % weights.layersPerSlot) * weights.layerBytes;
    compare(slot.subarray(start, start + weights.layerBytes), layerLayout(shape, layer).tensors);
  }
  compare(await readAll(weights.ends), endsLayout(shape).tensors);
  return different;
}

async function readAll(buffer: GPUBuffer): Promise<Uint8Array> {
  const readback = new Readback(gpu.device, buffer.size);
  const bytes = new Uint8Array(await readback.read(buffer));
  readback.destroy();
  return bytes;
}

/** Every tensor of a synthetic model as its bytes, by way of the CPU's weights alone. */
function syntheticTensorBytes(shape: Shape, seed?: number): Map<string, Uint8Array> {
  const source = syntheticWeights(shape, seed);
  const bytes = new Map<string, Uint8Array>();
  for (const [name, {rows, columns}] of modelMatrices(shape)) {
    const words = new Uint32Array((rows * columns) / 8);
    const scales = new Float64Array((rows * columns) / 32);
    for (let row = 0; row < rows; ++row) {
      source.readWords(name, row, words.subarray((row * columns) / 8, ((row + 1) * columns) / 8));
      source.readScales(name, row, scales.subarray((row * columns) / 32, ((row + 1) * columns) / 32));
    }
    bytes.set(`${name}.q_weight`, new Uint8Array(words.buffer));
    bytes.set(`${name}.q_scale`, asFloat16(scales));
  }
  for (const name of modelNorms(shape)) {
    const values = new Float64Array(shape.hidden);
    source.readNorm(name, values);
    bytes.set(name, asFloat16(values));
  }
  return bytes;
}

function asFloat16(values: Float64Array): Uint8Array {
  return new Uint8Array(new Float16Array(values).buffer as ArrayBuffer);
}
