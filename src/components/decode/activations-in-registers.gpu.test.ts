import {expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {decodeAnew, expectFromReference, largestError} from "../../testing/fixtures.js";
import {changeGeometry} from "../../testing/geometries.js";
import {hasSlowCompiler, openTestGpu} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import {StalledError} from "../gpu/errors.js";
import {logitTolerances} from "../lab/record.js";
import {shapes} from "../model/shape.js";
import {createDecoder, type Decoder} from "./decoder.js";
import {createSyntheticWeights} from "./gpu-weights.js";
import {arithmetics, type KernelGeometry} from "./plan.js";

const shape = shapes.tiny; // its heads allow six rows of queries, keys and values
const kernels = readKernels();
const expected = await expectFromReference(shape, {positions: 5, tokens: 3});

const probe = await openTestGpu();
const slow = hasSlowCompiler(probe);
const offered = probe.adapter.features.has("subgroups");
const {software} = probe.description;
probe.destroy();

/** Small workgroups take several rounds for the rows of a matrix. */
const kernelCases: {name: string; kernel: Partial<KernelGeometry>}[] = [
  {name: "as many rows a team as the lanes allow", kernel: {workgroupSize: 64}},
  {name: "few rows a team", kernel: {workgroupSize: 64, teamRows: 2, qkvRows: 2, residualRows: 1}}
];

const cases = arithmetics.flatMap((arithmetic) =>
  kernelCases.slice(0, slow ? 1 : 2).map(({name, kernel}) => ({name, kernel, arithmetic}))
);

// Concurrent, on a device each: a driver compiles for several devices at the same time.
test.skipIf(!offered).concurrent.each(cases.map((one) => [one.arithmetic, one.name, one] as const))(
  "two workgroups with activations in registers match the reference in %s, with %s",
  async (_arithmetic, _name, {arithmetic, kernel}) => {
    const gpu = await openTestGpu();
    try {
      const decoder = await makeDecoder(gpu, {kernel, arithmetic, workgroups: 2, tokensPerDispatch: 4});
      const actual = await decodeAnew(decoder, expected);
      expect(largestError(actual, expected)).toBeLessThanOrEqual(logitTolerances[arithmetic]);
      expect(actual.greedy).toEqual(expected.greedy);
    } finally {
      gpu.destroy();
    }
  },
  400_000
);

// A GPU may hold eight workgroups.
test.skipIf(!offered || !software || slow)("more workgroups than are resident end as an error", async () => {
  const gpu = await openTestGpu();
  try {
    const decoder = await makeDecoder(gpu, {kernel: {workgroupSize: 64}, arithmetic: "int16", workgroups: 8});
    expect(await decoder.rollCall(8)).toBe(false);
    decoder.reset(expected.prompt);
    await expect(decoder.run(2)).rejects.toThrow(StalledError);
    expect(await decoder.rollCall(1)).toBe(true);
  } finally {
    gpu.destroy();
  }
});

async function makeDecoder(gpu: Gpu, changes: Parameters<typeof changeGeometry>[3]): Promise<Decoder> {
  const weights = await createSyntheticWeights(gpu.device, kernels, shape);
  const geometry = changeGeometry(gpu, shape, ["subgroups"], {activationsIn: "registers", ...changes});
  return createDecoder(gpu.device, kernels, weights, {shape, factoring: "fused", geometry});
}
