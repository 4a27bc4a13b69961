import {availableParallelism} from "node:os";
import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {mutate} from "../../testing/mutations.js";
import {hasSlowCompiler, openTestGpu} from "../../testing/test-gpu.js";
import {processMemory} from "../decode/residency.js";
import type {Decoder} from "../decode/decoder.js";
import type {Gpu} from "../gpu/device.js";
import type {Kernels} from "../gpu/kernels.js";
import {StalledError} from "../gpu/errors.js";
import {shapes} from "../model/shape.js";
import {alwaysVisible, systemClock} from "./clock.js";
import {decodeVariants, type DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";
import {logitTolerances, type Verification} from "./record.js";
import {runExperiment} from "./run-experiment.js";
import type {Subject} from "./subject.js";
import {workgroupsExperiment} from "./workgroups.js";

const minutes = 60_000;
const kernels = readKernels();
const never = new AbortController().signal;
const probe = await openTestGpu();
const {software} = probe.description;
const slow = hasSlowCompiler(probe);
probe.destroy();

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu.destroy());

test("two workgroups and all that are resident decode what the reference does", {timeout: 5 * minutes}, async () => {
  const residency = processMemory();
  const variants = workgroupsExperiment({kernels, residency}).variants(shapes.tiny);
  const prepare = (id: string) =>
    untilResident(() =>
      variants.find(({identity}) => identity.variant === id)!.prepare({gpu, signal: never, progress: () => {}})
    );
  const subjects: Subject[] = [];
  for (const id of ["fused-2", "fused-resident"]) {
    const subject = await prepare(id); // the kernel of both is the same, and compiled once while the first is there
    subjects.push(subject);
    const verification = (await untilResident(() => subject.verify(never))) as Verification;
    expect(verification).toMatchObject({positions: 4, tokens: 2, tolerance: logitTolerances.int16});
    expect(verification.maxRelativeError).toBeGreaterThan(0);
    expect(verification.maxRelativeError).toBeLessThanOrEqual(logitTolerances.int16);
    await untilResident(async () => {
      subject.restart!();
      await subject.run(3);
    });
  }
  const [two, all] = subjects;
  expect(two!.workgroups).toBe(2);
  expect(all!.workgroups).toBeGreaterThanOrEqual(2);
  if (software) expect(all!.workgroups).toBeLessThanOrEqual(4);
  for (const subject of subjects) subject.destroy();
});

describe.skipIf(slow)("four tokens in a dispatch", () => {
  const row: DecodeVariant = {
    ...{variant: "four", label: "Four", factoring: "fused", features: [], arithmetic: "int16"},
    ...{workgroups: 2, tokensPerDispatch: 4}
  };
  const verify = async (kernels: Kernels) => {
    const [variant] = decodeVariants({kernels}, shapes.tiny, [row], new WeakMap());
    const subject = await untilResident(() => variant!.prepare({gpu, signal: never, progress: () => {}}));
    try {
      expect((subject as unknown as {decoder: Decoder}).decoder.tokensPerDispatch).toBe(4);
      return await untilResident(() => subject.verify(never));
    } finally {
      subject.destroy();
    }
  };

  test("are verified together", {timeout: minutes}, async () => {
    expect(await verify(kernels)).toMatchObject({positions: 4, tokens: 2});
  });

  test("are not verified where only those after the first are wrong", {timeout: minutes}, async () => {
    const find = "append_token(position, token);";
    const replace = "append_token(position, select(token, token ^ 1u, position > start.position));";
    const mutant = readKernels(mutate(readSources(), {path: "fused_grid.wgsl", find, replace}));
    await expect(verify(mutant)).rejects.toThrow(/^4 tokens in one dispatch are [\d, ]+, and one by one [\d, ]+; /);
  });
});

// More than there are cores, on a CPU that is taken for a GPU, which is how the driver would be asked for so many.
test.skipIf(!software || slow)(
  "more workgroups than are resident are a named, discarded row within seconds, and the others go on",
  {timeout: 2 * minutes},
  async () => {
    const workgroups = 2 * Math.max(4, availableParallelism());
    const start = performance.now();
    const {state, record} = await runRows([
      {variant: "many", label: "Many", factoring: "fused", features: [], arithmetic: "int16", workgroups},
      {variant: "staged", label: "Staged", factoring: "staged", features: [], arithmetic: "int16"}
    ]);
    expect(state).toBe("done");
    const [many, staged] = record!.rows;
    expect(many).toMatchObject({variant: "many", status: "discarded", workgroups});
    expect(many).toHaveProperty(
      "message",
      expect.stringContaining(`The ${workgroups} workgroups of this kernel were not all resident at once`)
    );
    expect(staged).toMatchObject({variant: "staged", status: "measured", arithmetic: "int16"});
    expect(performance.now() - start).toBeLessThan(90_000); // of which the wait is a fraction of a second
  }
);

test("on a CPU more than four are not tried", async () => {
  if (!software) return;
  const variants = workgroupsExperiment({kernels}).variants(shapes.tiny);
  const reasons = variants.map((variant) => [variant.identity.variant, variant.unsupported(gpu)]);
  const unsupported = reasons.filter(([, reason]) => reason !== null).map(([id]) => id);
  expect(unsupported).toEqual(["fused-8", "fused-12", "fused-16", "fused-32", "fused-64", "fused-128"]);
});

function runRows(rows: readonly DecodeVariant[]) {
  const experiment: Experiment = {
    id: "test",
    question: "Do they wait in vain?",
    shapes: ["tiny"],
    defaultShape: "tiny",
    page: "/",
    variants: () => decodeVariants({kernels}, shapes.tiny, rows, new WeakMap())
  };
  return runExperiment({
    experiment,
    shape: shapes.tiny,
    async openGpu() {
      const opened = await openTestGpu();
      return {...opened, description: {...opened.description, software: false}};
    },
    allowWaits: true,
    runtime: {name: "the tests", os: "any"},
    clock: systemClock,
    visibility: alwaysVisible,
    confirm: async () => true,
    signal: never,
    onEvent: () => {}
  });
}

/** Tries again when workgroups stalled, because a busy machine has no core for the second one; at most ten times. */
async function untilResident<T>(step: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; ++attempt) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StalledError) || attempt === 10) throw error;
    }
  }
}
