import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {mutate} from "../../testing/mutations.js";
import {countBuffers, openTestGpu} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import type {Kernels} from "../gpu/kernels.js";
import {dispatchCostExperiment} from "./dispatch-cost.js";
import {StalledError} from "../gpu/errors.js";
import {VerificationError, type Subject} from "./subject.js";

const sources = readSources();
const kernels = readKernels(sources);
const never = new AbortController().signal;
const variantIds = dispatchCostExperiment(kernels)
  .variants(null)
  .map(({identity}) => identity.variant);

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu.destroy());

test("the variants are launches of one workgroup, and three ways to wait, by workgroups", () => {
  const waiting = ["barrier", "exchange", "barrier-exchange"].flatMap((kind) =>
    [1, 2, 8, 32, 128, 512].map((count) => `${kind}-${count}`)
  );
  expect(variantIds).toEqual(["no-op", "dispatches", "passes", "submits", "awaited-submits", ...waiting]);
  for (const {identity, waits} of dispatchCostExperiment(kernels).variants(null)) {
    expect(waits ?? false, identity.variant).toBe(identity.workgroups! > 1);
  }
});

// One workgroup waits for nobody, and software drivers run two at the same time when a core is free for it.
const light = variantIds.filter((id) => !/-\d+$/.test(id) || /-[12]$/.test(id));

test.each(light)("%s is what the CPU knows, also after it ran before, and nothing stays allocated", async (id) => {
  const counted = countBuffers(gpu);
  const first = await untilResident(id, kernels, counted, async (subject) => {
    const first = await subject.verify(never);
    await subject.run(2);
    expect(await subject.verify(never)).toEqual(first);
    return first;
  });
  expect(first).toEqual({against: "exact values", values: /-\d+$/.test(id) ? Number(id.match(/\d+$/)![0]) : 256});
  expect(counted.buffers.created).toBeGreaterThan(0);
  expect(counted.buffers.destroyed).toBe(counted.buffers.created);
});

test.each([
  {id: "no-op", buffers: 2},
  {id: "barrier-1", buffers: 6}
])("$id without memory for any one of its $buffers buffers frees the others", async ({id, buffers}) => {
  for (let failAt = 0; failAt < buffers; ++failAt) {
    const counted = countBuffers(gpu, failAt);
    await expect(prepare(id, kernels, counted)).rejects.toThrow(/^allocating for /);
    expect(counted.buffers).toEqual({created: buffers, destroyed: buffers});
  }
});

test.each(["no-op", "barrier-1"])("%s on buffers that are no more is an error in a scope", async (id) => {
  const subject = await prepare(id, kernels, gpu);
  subject.destroy();
  await expect(subject.verify(never)).rejects.toThrow(/^setting the (values|totals): /);
});

describe("a mistake in a kernel", () => {
  test.each([
    ["no_op", "a no-op that another dispatch can see", "no-op", "read>", "read_write>", "_ = ", "values[0] = "],
    ["increment", "values that are not read again", "dispatches", "+= 1u", "= 1u"],
    ["increment", "values that grow by two", "submits", "+= 1u", "+= 2u"],
    ["waiting", "a barrier that does not wait", "barrier-2", "count < rounds * workgroups && ", "false && "],
    ["waiting", "a barrier that one workgroup fewer passes", "barrier-2", "rounds * workgroups", "rounds"],
    ["barrier", "a barrier that is left out once", "barrier-1", "round <= rounds", "round < rounds"],
    ["exchange", "a word of any round", "exchange-2", "(word & 255u) != tag", "word == 0xffffffffu"],
    ["exchange", "a share that is not published", "exchange-1", "next_value(i)", "0.0"],
    [
      "barrier_exchange",
      "no barrier before values are taken",
      "barrier-exchange-2",
      "grid_barrier(round",
      "grid_barrier(0u"
    ],
    ["values", "values that are not those taken before", "barrier-exchange-1", "(index + 1u) % count", "0u"],
    ["values", "a value that is taken twice", "exchange-1", "sum += u32(taken[256u * i", "sum += u32(taken[0u * i"]
  ])("in %s: %s is found by %s", async (name, _, id, ...changes) => {
    let mutated = sources;
    for (let i = 0; i < changes.length; i += 2) {
      mutated = mutate(mutated, {path: `probe/${name}.wgsl`, find: changes[i]!, replace: changes[i + 1]!});
    }
    const mutant = readKernels(mutated);
    const verified = untilResident(id, mutant, gpu, (subject) => subject.verify(never));
    await expect(verified).rejects.toThrow(VerificationError);
  });
});

describe("more workgroups than are resident", () => {
  test.each(["barrier-32", "exchange-32", "barrier-exchange-32"])(
    "end %s as a named error, soon, and the device goes on",
    async (id) => {
      if (!gpu.description.software) return; // a GPU may hold them all
      const subject = await prepare(id, kernels, gpu);
      const start = performance.now();
      const stalls = subject.verify(never);
      await expect(stalls).rejects.toThrow(StalledError);
      await expect(stalls).rejects.toThrow(/^32 workgroups were not all resident at once: /);
      expect(performance.now() - start).toBeLessThan(20_000);
      subject.destroy();
      const after = await prepare("dispatches", kernels, gpu);
      await after.verify(never);
      after.destroy();
    }
  );

  test("are not tried again in the same run, nor are more", async () => {
    if (!gpu.description.software) return;
    const variants = dispatchCostExperiment(kernels).variants(null);
    const prepareIn = (id: string) =>
      variants.find(({identity}) => identity.variant === id)!.prepare({gpu, signal: never, progress() {}});
    const subject = await prepareIn("barrier-32");
    await expect(subject.verify(never)).rejects.toThrow(StalledError);
    subject.destroy();
    await expect(prepareIn("exchange-512")).rejects.toThrow(
      "512 workgroups were not tried: 32 were not all resident at once."
    );
    (await prepareIn("exchange-8")).destroy();
  });
});

/** Tries again when workgroups stalled, because a busy machine has no core for the second one; at most ten times. */
async function untilResident<T>(id: string, kernels: Kernels, gpu: Gpu, step: (subject: Subject) => Promise<T>) {
  for (let attempt = 1; ; ++attempt) {
    const subject = await prepare(id, kernels, gpu);
    try {
      return await step(subject);
    } catch (error) {
      if (!(error instanceof StalledError) || attempt === 10) throw error;
    } finally {
      subject.destroy();
    }
  }
}

/** A subject of an experiment of its own, which no stall before has told anything. */
function prepare(id: string, kernels: Kernels, gpu: Gpu) {
  const variant = dispatchCostExperiment(kernels)
    .variants(null)
    .find(({identity}) => identity.variant === id)!;
  return variant.prepare({gpu, signal: never, progress() {}});
}
