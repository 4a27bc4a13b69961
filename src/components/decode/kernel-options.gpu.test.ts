import {afterAll, expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {decode, expectFromReference, largestError} from "../../testing/fixtures.js";
import {changeGeometry, featureSets} from "../../testing/geometries.js";
import {countBuffers, hasSlowCompiler, openTestGpu} from "../../testing/test-gpu.js";
import {GpuError} from "../gpu/errors.js";
import {logitTolerances} from "../lab/record.js";
import {endsLayout, layerLayout} from "../model/layout.js";
import type {Shape} from "../model/shape.js";
import {shapes} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import {matrixNames} from "../model/weights.js";
import {layColumns} from "./column-weights.js";
import {createDecoder} from "./decoder.js";
import {createSyntheticWeights} from "./gpu-weights.js";
import {readsColumns, type KernelOptions} from "./kernel-options.js";
import type {Geometry, KernelGeometry} from "./plan.js";

const gpu = await openTestGpu();
afterAll(() => gpu.destroy());
const kernels = readKernels();

/** Heads that share keys and values, tensors whose scales end in the middle of a word, a last unit that reaches back. */
const shape: Shape = {
  ...shapes.tiny,
  id: "small",
  hidden: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  ffn: 96,
  vocabulary: 133,
  context: 16
};
const expected = await expectFromReference(shape, {positions: 3, tokens: 2});
const weights = await createSyntheticWeights(gpu.device, kernels, shape);
const columns = await layColumns(gpu.device, kernels, shape, weights);

const rows = (count: number) => ({teamRows: count, qkvRows: count, residualRows: count});

interface Case {
  name: string;
  options: KernelOptions;
  kernel?: Partial<KernelGeometry>;
  change?: Partial<Geometry>;
}

const alone = {lanes: 4, lanesAreFixed: true, features: []} as const;
const teams = {lanes: 16, lanesAreFixed: true, features: []} as const;
const [best] = featureSets(gpu);
const most = {features: best!, arithmetic: "int16"} as const;

const cases: Case[] = [
  {name: "the recorded style", options: {alone: "each weight, column by column"}, change: alone},
  {name: "four weights at a time", options: {alone: "four weights, column by column"}, change: alone},
  {name: "weights row by row", options: {alone: "four weights"}, change: alone},
  {name: "a scale for 32 weights", options: {alone: "four weights, a scale for 32"}, change: alone},
  {name: "a word at a time", options: {alone: "each word"}, change: alone},
  {name: "a word written out", options: {alone: "each word, written out", scalarLoads: true}, change: alone},
  {
    name: "a word at a time from a tile in pieces",
    options: {alone: "each word, from workgroup memory", scalarLoads: true, mostTileGroups: 2},
    change: alone
  },
  {name: "16 bytes a load", options: {alone: "each word, without conversion"}, change: alone},
  {name: "two rows for four invocations", options: {loads: 1}, kernel: rows(2), change: alone},
  {name: "two rows a team, one load", options: {loads: 1}, kernel: rows(2), change: teams},
  {name: "four loads", options: {loads: 4}, change: teams},
  {name: "two loads", options: {loads: 2}, change: most},
  {name: "four loads for eight rows", options: {loads: 4}, kernel: rows(8), change: teams},
  {name: "three passes, a tile in pieces", options: {qkvPasses: 3, mostTileGroups: 2}, change: most},
  {name: "the FFN in a tile and a half", options: {ffnTile: 64, loads: 2}, change: most},
  {name: "eight loads, each in four", options: {loads: 8, scalarLoads: true}, change: most}
];

// Mesa's llvmpipe compiles a fused kernel in half a minute.
test.skipIf(hasSlowCompiler(gpu)).each(cases.map((one) => [one.name, one] as const))(
  "one workgroup with %s matches the reference",
  async (_name, {options, kernel, change}) => {
    const {features = best!, ...rest} = change ?? {};
    const changes = {...rest, features, kernel: {workgroupSize: 64, ...rows(4), ...kernel}};
    const geometry = {...changeGeometry(gpu, shape, features, changes), options};
    const used = readsColumns(options) ? columns : weights;
    const decoder = await createDecoder(gpu.device, kernels, used, {shape, factoring: "fused", geometry});
    const actual = await decode(decoder, expected);
    expect(largestError(actual, expected)).toBeLessThanOrEqual(logitTolerances[geometry.arithmetic]);
    expect(actual.greedy).toEqual(expected.greedy);
    decoder.destroy();
  }
);

test("matrices are re-laid column by column, bit for bit, and all else stays", async () => {
  const source = syntheticWeights(shape);
  const {tensors, bytes} = layerLayout(shape, 1);
  const slot = await readBuffer(columns.slots[0]!);
  const layer = slot.subarray(bytes, 2 * bytes);
  const matrix = matrixNames.gateUp(1);
  const at = (name: string) => tensors.find((tensor) => tensor.name === name)!.offset;
  const [rows, inputs] = [2 * shape.ffn, shape.hidden];
  const nibbles = Array.from({length: rows}, (_, row) => {
    const words = new Uint32Array(inputs / 8);
    source.readWords(matrix, row, words);
    return Array.from({length: inputs}, (_, column) => (words[column >> 3]! >>> (4 * (column & 7))) & 15);
  });
  for (let place = 0; place < rows * inputs; ++place) {
    const byte = layer[at(`${matrix}.q_weight`) + (place >> 1)]!;
    const wanted = nibbles[place % rows]![Math.floor(place / rows)];
    if (((byte >> (4 * (place & 1))) & 15) !== wanted) expect.fail(`weight ${place} is another`);
  }
  const before = (await readBuffer(weights.slots[0]!)).subarray(bytes, 2 * bytes);
  const halves = (blob: Uint8Array) =>
    new Uint16Array(blob.slice(at(`${matrix}.q_scale`), at(`${matrix}.q_scale`) + (2 * rows * inputs) / 32).buffer);
  const [scales, scalesBefore] = [halves(layer), halves(before)];
  const groups = inputs / 32;
  expect([...scales]).toEqual(
    Array.from(scales, (_, place) => scalesBefore[(place % rows) * groups + Math.floor(place / rows)])
  );
  const norms = at(`transformer.h.1.ln.weight`);
  expect([...layer.subarray(norms)]).toEqual([...before.subarray(norms)]);

  const ends = await readBuffer(columns.ends);
  const endsBefore = await readBuffer(weights.ends);
  const head = endsLayout(shape).tensors.find(({name}) => name === "lm_head.q_weight")!.offset;
  expect([...ends.subarray(0, head)]).toEqual([...endsBefore.subarray(0, head)]);
  expect([...ends.subarray(head)]).not.toEqual([...endsBefore.subarray(head)]);
});

test("a copy that does not fit leaves nothing allocated", async () => {
  const counted = countBuffers(gpu, 1);
  await expect(layColumns(counted.device, kernels, shape, weights)).rejects.toThrow(GpuError);
  expect(counted.buffers.created).toBeGreaterThan(0);
  expect(counted.buffers.destroyed).toBe(counted.buffers.created);
});

test("a finished copy holds one buffer for each of the weights' own", async () => {
  const counted = countBuffers(gpu);
  const copy = await layColumns(counted.device, kernels, shape, weights);
  expect(counted.buffers.created - counted.buffers.destroyed).toBe(weights.slots.length + 1);
  copy.destroy();
  expect(counted.buffers.destroyed).toBe(counted.buffers.created);
});

async function readBuffer(buffer: GPUBuffer): Promise<Uint8Array> {
  const {device} = gpu;
  const copy = device.createBuffer({size: buffer.size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ});
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await copy.mapAsync(GPUMapMode.READ);
  const bytes = new Uint8Array(copy.getMappedRange().slice(0));
  copy.destroy();
  return bytes;
}
