import {afterAll, beforeAll, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {mutate} from "../../testing/mutations.js";
import {countBuffers, openTestGpu, withLimits} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import {measureReadBandwidth} from "./read-bandwidth.js";

const sources = readSources();
const kernels = readKernels(sources);
const never = new AbortController().signal;

/** With little to read, because a software device would take seconds for what it reads by default. */
let gpu: Gpu;
beforeAll(async () => {
  const opened = await openTestGpu();
  gpu = {...opened, device: withLimits(opened.device, {maxBufferSize: 2 ** 22})};
});
afterAll(() => gpu.destroy());

test("read bandwidth is a positive number of bytes per second, and nothing stays allocated", async () => {
  const counted = countBuffers(gpu);
  const bytesPerSecond = await measureReadBandwidth(kernels, counted, never);
  expect(bytesPerSecond).toBeGreaterThan(0);
  expect(bytesPerSecond).toBeLessThan(1e15); // more than any memory has
  expect(counted.buffers.created).toBeGreaterThan(0);
  expect(counted.buffers.destroyed).toBe(counted.buffers.created);
});

test("a kernel that skips some of the data gives no figure, and nothing stays allocated", async () => {
  const mutation = {
    path: "probe/read_bandwidth.wgsl",
    find: "let b = data[i + stride];",
    replace: "let b = vec4u(0u);"
  };
  const mutated = mutate(sources, mutation);
  const mutant = readKernels(mutated);
  const counted = countBuffers(gpu);
  await expect(measureReadBandwidth(mutant, counted, never)).rejects.toThrow(
    /bandwidth probe read a sum of \d+, not \d+: it did not read all/
  );
  expect(counted.buffers.destroyed).toBe(counted.buffers.created);
});

test("a cancelled measurement ends with the signal's reason, and nothing stays allocated", async () => {
  const counted = countBuffers(gpu);
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(new Error("enough")), 100);
  await expect(measureReadBandwidth(kernels, counted, cancel.signal)).rejects.toThrow("enough");
  expect(counted.buffers.created).toBeGreaterThan(0);
  expect(counted.buffers.destroyed).toBe(counted.buffers.created);
});

test("no memory for it is an error that says so, and nothing stays allocated", async () => {
  for (const [failAt, says] of [/^allocating \d+ bytes to read: /, ...Array(2).fill(/^allocating a sum /)].entries()) {
    const counted = countBuffers(gpu, failAt);
    await expect(measureReadBandwidth(kernels, counted, never)).rejects.toThrow(says as RegExp);
    expect(counted.buffers.destroyed).toBe(counted.buffers.created);
  }
});
