import {afterAll, beforeAll, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {mutate} from "../../testing/mutations.js";
import {hasSlowCompiler, openTestGpu} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import type {Kernels} from "../gpu/kernels.js";
import {shapes, type Shape} from "../model/shape.js";
import {int4Experiment} from "./int4.js";
import {logitTolerance, type Verification} from "./record.js";
import {VerificationError} from "./subject.js";

const sources = readSources();
const kernels = readKernels(sources);
const shape: Shape = {...shapes.tiny, id: "small", hidden: 64, layers: 1, heads: 2, kvHeads: 1, headDim: 32, ffn: 96};
const never = new AbortController().signal;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu();
});
afterAll(() => gpu.destroy());

const probe = await openTestGpu();
const subgroups = probe.adapter.features.has("subgroups");
const slow = hasSlowCompiler(probe);
probe.destroy();

test.runIf(subgroups)("the formats of a run share its reference, and each matches it", async () => {
  const variants = int4Experiment({kernels}).variants(shape);
  for (const id of slow ? ["staged-float16"] : ["staged-float16", "staged-int4", "staged-float32"]) {
    const subject = await variants
      .find(({identity}) => identity.variant === id)!
      .prepare({gpu, signal: never, progress: () => {}});
    const verification = (await subject.verify(never)) as Verification;
    expect(verification).toMatchObject({tolerance: logitTolerance, positions: 4, tokens: 2});
    expect(verification.maxRelativeError).toBeGreaterThan(0);
    await subject.run(2);
    subject.destroy();
  }
});

test.runIf(subgroups && !slow)(
  "a unit of 16 tokens in a dispatch is a whole dispatch, which is verified too",
  async () => {
    const prepare = (kernels: Kernels) =>
      int4Experiment({kernels})
        .variants(shape)
        .at(-1)!
        .prepare({gpu, signal: never, progress: () => {}});
    const subject = await prepare(kernels);
    expect(await subject.verify(never)).toMatchObject({tolerance: logitTolerance});
    expect(subject.maxUnits).toBe(shape.context / 2 / 16);
    subject.restart!();
    await subject.run(subject.maxUnits);
    subject.destroy();

    // Alone each position is right: only what is decoded together shows it.
    const mutant = readKernels(
      mutate(sources, {path: "fused_tokens.wgsl", find: "token < tokens;", replace: "token < min(tokens, 1u);"})
    );
    await expect((await prepare(mutant)).verify(never)).rejects.toThrow(VerificationError);
  }
);
