import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {mutate} from "../../testing/mutations.js";
import {countBuffers, openTestGpu, withLimits} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import {StalledError} from "../gpu/errors.js";
import {retryStalled} from "../gpu/stalls.js";
import {limitsExperiment} from "./limits.js";
import type {Subject} from "./subject.js";

const sources = readSources();
const kernels = readKernels(sources);
const signal = new AbortController().signal;

let gpu: Gpu;
beforeAll(async () => {
  const opened = await openTestGpu();
  gpu = {...opened, device: withLimits(opened.device, {maxBufferSize: 2 ** 22})};
});
afterAll(() => gpu.destroy());

const variants = limitsExperiment(kernels).variants(null);

test("only the variants that count residents wait, and how many they count is not known before", () => {
  for (const {identity, waits} of variants) {
    expect(waits ?? false, identity.variant).toBe(identity.variant.startsWith("resident-"));
    expect(identity.workgroups === null, identity.variant).toBe(waits ?? false);
  }
});

describe("a read", () => {
  test("adds up every word, by one workgroup of any size that fits and by many", async () => {
    const counted = countBuffers(gpu);
    const sizes = [64, 128, 512, 1024].map((size) => `read-1-of-${size}`);
    const found = ["read-1", "read-8", "read-64", ...sizes].map((id) => find(id));
    const fit = found.filter((variant) => variant.unsupported(counted) === null);
    expect(fit.length).toBeGreaterThan(3);
    for (const variant of fit) {
      const subject = await variant.prepare({gpu: counted, signal, progress() {}});
      expect(subject.bytesPerOperation).toBe(2 ** 22);
      expect(await subject.verify(signal), variant.identity.variant).toEqual({against: "exact values", values: 1});
      await subject.run(2);
      expect(await subject.verify(signal)).toEqual({against: "exact values", values: 1});
      subject.destroy();
    }
    // What the variants of a run share goes with its device.
    expect(counted.buffers.created - counted.buffers.destroyed).toBe(1);
  });

  test("is predicted from a part of it", async () => {
    const subject = await find("read-1").prepare({gpu, signal, progress() {}});
    expect(await subject.predictedMillisecondsPerUnit!(signal)).toBeGreaterThan(0);
    subject.destroy();
  });

  test("that leaves out some of the words is found, by a workgroup of any size", async () => {
    const mutant = readKernels(
      mutate(sources, {path: "probe/read_bandwidth.wgsl", find: "workgroups.x * workgroup_size", replace: "256u"})
    );
    for (const id of ["read-2", "read-1-of-64"]) {
      const subject = await find(id, mutant).prepare({gpu, signal, progress() {}});
      await expect(subject.verify(signal)).rejects.toThrow(/read a sum of \d+, not \d+/);
      subject.destroy();
    }
  });

  test("by more workgroups than a CPU has use for is refused there, and by larger ones than a device allows", () => {
    const why = (id: string, description: Partial<Gpu["description"]>) =>
      find(id).unsupported({...gpu, description: {...gpu.description, ...description}});
    expect(why("read-8192", {software: true})).toMatch(/is a CPU/);
    expect(why("read-8192", {software: false})).toBeNull();
    const limits = {...gpu.description.limits, maxComputeInvocationsPerWorkgroup: 512};
    expect(why("read-1-of-1024", {limits})).toMatch(/1024 is more .* 512 \(maxComputeInvocationsPerWorkgroup\)/);
  });
});

describe("resident workgroups", () => {
  test("are counted, at most four on a CPU, and each of them saw all answer", async () => {
    const counted = countBuffers(gpu);
    const [subject, verification] = await retryStalled(async () => {
      const subject = await find("resident-64").prepare({gpu: counted, signal, progress() {}});
      return verified(subject);
    });
    const {workgroups} = subject;
    expect(workgroups).toBeGreaterThan(0);
    if (gpu.description.software) expect(workgroups).toBeLessThanOrEqual(4);
    expect(verification).toEqual({against: "exact values", values: workgroups});
    expect(counted.buffers.destroyed).toBe(counted.buffers.created);
  });

  test("without memory for any one of their buffers free the others", async () => {
    for (let failAt = 0; failAt < 6; ++failAt) {
      const counted = countBuffers(gpu, failAt);
      const preparing = find("resident-64").prepare({gpu: counted, signal, progress() {}});
      await expect(preparing).rejects.toThrow(/^allocating for \d+ workgroups: /);
      expect(counted.buffers).toEqual({created: 6, destroyed: 6});
    }
  });

  test("that do not wait for each other are found", async () => {
    const find = "grid_barrier(round, workgroups.x, invocation) >= round";
    const replace = "grid_barrier(0u, workgroups.x, invocation) >= round + 1u";
    const mutant = readKernels(mutate(sources, {path: "probe/roll_call.wgsl", find, replace}));
    const prepared = limitsExperiment(mutant)
      .variants(null)
      .find(({identity}) => identity.variant === "resident-64")!
      .prepare({gpu, signal, progress() {}});
    const subject = await prepared;
    await expect(subject.verify(signal)).rejects.toThrow(/saw all arrive in a number of rounds of/);
    subject.destroy();
  });

  test("that hold more memory than a workgroup may have are refused", () => {
    const limits = {...gpu.description.limits, maxComputeWorkgroupStorageSize: 16384};
    const why = (id: string) => find(id).unsupported({...gpu, description: {...gpu.description, limits}});
    expect(why("resident-256-16-kib")).toBeNull();
    expect(why("resident-256-32-kib")).toMatch(/32768 bytes .* 16384 \(maxComputeWorkgroupStorageSize\)/);
  });
});

function find(id: string, from = kernels) {
  const all = from === kernels ? variants : limitsExperiment(from).variants(null);
  return all.find(({identity}) => identity.variant === id)!;
}

/** What it was verified to be, and it destroyed. @throws {StalledError} where a busy machine had no core for all. */
async function verified(subject: Subject) {
  try {
    return [subject, await subject.verify(signal)] as const;
  } catch (error) {
    if (error instanceof StalledError) expect(error.message).toMatch(/^\d+ workgroups had answered a roll call/);
    throw error;
  } finally {
    subject.destroy();
  }
}
