import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {decode, expectFromReference, largestError, type Expected} from "../../testing/fixtures.js";
import {changeGeometry, featureSets} from "../../testing/geometries.js";
import {retryStalled} from "../gpu/stalls.js";
import {hasSlowCompiler, openTestGpu} from "../../testing/test-gpu.js";
import {GpuError, StalledError} from "../gpu/errors.js";
import {compareLogits, Reference} from "../model/reference.js";
import {shapes, type Shape} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import {createDecoder, type Decoder} from "./decoder.js";
import {createSyntheticWeights, type GpuWeights} from "./gpu-weights.js";
import {defaultGeometry} from "./geometry.js";
import type {Geometry} from "./plan.js";

const tolerance = 1e-4;

const gpu = await openTestGpu();
afterAll(() => gpu.destroy());
const kernels = readKernels();

const shape: Shape = {
  ...shapes.tiny,
  id: "small",
  hidden: 64,
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  ffn: 96,
  vocabulary: 96,
  context: 100
};

interface Model {
  shape: Shape;
  weights: GpuWeights;
}

/** Stamps repeat after 255 exchanges, and a position has one a layer and one more. */
const positionsOfAllStamps = Math.ceil(255 / (shape.layers + 1));

/** On a software driver: two are resident where two cores are free, and nowhere eight. */
const tooMany = 8;

// On lavapipe, where compiling takes long, fixtures.gpu.test.ts tries two workgroups.
describe.skipIf(hasSlowCompiler(gpu))("a dispatch of two workgroups", () => {
  let weights: GpuWeights;
  let expected: Expected;
  let single: Decoder;
  let paired: Decoder;

  beforeAll(async () => {
    weights = await createSyntheticWeights(gpu.device, kernels, shape);
    expected = await expectFromReference(shape, {positions: 7, tokens: 4});
    [single, paired] = await Promise.all([makeDecoder({tokensPerDispatch: 1}), makeDecoder({tokensPerDispatch: 2})]);
  });

  test("is one dispatch, whatever the tokens in it", () => {
    for (const {plan} of [single, paired]) expect(plan.map(({workgroups}) => workgroups)).toEqual([2]);
  });

  test("decodes a full dispatch of two tokens and a rest of one as it does three single ones", async () => {
    const decodeThree = (decoder: Decoder) =>
      retryStalled(async () => {
        decoder.reset(expected.prompt);
        await decoder.run(3);
        expect(decoder.position).toBe(3);
        return decoder.readLogits();
      });
    const logits = await decodeThree(paired);
    expect(compareLogits(logits, expected.logits[2]!)).toBeLessThanOrEqual(tolerance);
    expect(logits).toEqual(await decodeThree(single));
  });

  test("goes on with full dispatches after a rest", async () => {
    const sequence = (decoder: Decoder, runs: number[]) =>
      retryStalled(async () => {
        decoder.reset(expected.prompt);
        for (const count of runs) await decoder.run(count);
        return {tokens: await decoder.readTokens(), logits: await decoder.readLogits()};
      });
    const one = await sequence(single, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    expect(one.tokens).toEqual([...expected.prompt, ...expected.greedy]);
    expect(await sequence(single, [10])).toEqual(one);
    expect(await sequence(paired, [10])).toEqual(one);
    expect(await sequence(paired, [3, 3, 4])).toEqual(one);
    expect(await sequence(paired, [1, 2, 1, 6])).toEqual(one);
  });

  test.each([
    ["one token", () => single],
    ["two tokens", () => paired]
  ])("of %s gives the same again after a reset in the middle", async (_name, decoder) => {
    const first = await retryStalled(() => decode(decoder(), expected));
    expect(largestError(first, expected)).toBeLessThanOrEqual(tolerance);
    expect(first.greedy).toEqual(expected.greedy);
    const again = await retryStalled(async () => {
      decoder().reset(expected.prompt.map((token) => token + 1));
      await decoder().run(5);
      return decode(decoder(), expected);
    });
    expect(again).toEqual(first);
  });

  test("does not take what it computed before a reset to the same position for what it waits for", async () => {
    // With one layer every word still bears the stamp that is waited for, unless the reset clears it.
    const layer = {...shape, layers: 1};
    const ownWeights = await createSyntheticWeights(gpu.device, kernels, layer);
    const decoder = await makeDecoder({}, {shape: layer, weights: ownWeights});
    const decodeFirst = (token: number) =>
      retryStalled(async () => {
        decoder.reset([token]);
        await decoder.run(1);
        return {logits: await decoder.readLogits(), tokens: await decoder.readTokens()};
      });
    for (const token of [3, 50]) {
      const {logits} = await decodeFirst(token);
      const [reference] = await new Reference({shape: layer, weights: syntheticWeights(layer)}).decode([token]);
      expect(compareLogits(logits, reference!)).toBeLessThanOrEqual(tolerance);
    }
    const [first, other] = [await decodeFirst(3), await decodeFirst(50)];
    for (let times = 0; times < 40; ++times) {
      expect(await decodeFirst(3)).toEqual(first);
      expect(await decodeFirst(50)).toEqual(other);
    }
    decoder.destroy();
    ownWeights.destroy();
  });

  test("decodes the same as one workgroup where stamps begin again", async () => {
    const first = positionsOfAllStamps - 5;
    const prompt = Array.from({length: first + 1}, (_, i) => i % shape.vocabulary);
    const run = async (workgroups: number) => {
      const decoder = await makeDecoder({workgroups, tokensPerDispatch: 5}); // its cache is all zeros so far
      const logits = await retryStalled(async () => {
        decoder.reset(prompt, first);
        await decoder.run(10);
        return decoder.readLogits();
      });
      decoder.destroy();
      return logits;
    };
    expect(compareLogits(await run(2), await run(1))).toBeLessThanOrEqual(tolerance);
  });

  test("is found resident by its roll call, which forgets the sequence", async () => {
    const attempts: boolean[] = [];
    while (!attempts.includes(true) && attempts.length < 10) attempts.push(await paired.rollCall(2));
    expect(attempts).toContain(true);
    expect(await paired.rollCall(1)).toBe(true);
    await expect(paired.run(1)).rejects.toThrow("no prompt was set");
  });

  test("has a roll call only where workgroups wait for each other", async () => {
    const one = await makeDecoder({workgroups: 1});
    await expect(one.rollCall(2)).rejects.toThrow(GpuError);
    await expect(one.rollCall(2)).rejects.toThrow("only workgroups that wait for each other have a roll call");
    one.destroy();
  });

  // A GPU may hold them all.
  describe.skipIf(!gpu.description.software)("of more workgroups than are resident", () => {
    const {spinLimit} = defaultGeometry(shape, featureSets(gpu)[0]!, gpu.description);

    test("is found out by the roll call, in bounded time", async () => {
      const decoder = await makeDecoder({spinLimit});
      await decoder.rollCall(1); // the first run pays for the driver's own compilation
      const milliseconds = await leastMilliseconds(async () => expect(await decoder.rollCall(tooMany)).toBe(false));
      console.log(`a roll call of ${tooMany} ended after ${milliseconds.toFixed(0)} ms`);
      expect(milliseconds).toBeLessThan(bound);
      expect(await decoder.rollCall(1)).toBe(true);
      decoder.destroy();
    });

    test("ends in bounded time as an error that names them, and what comes after is right", async () => {
      const decoder = await makeDecoder({workgroups: tooMany, spinLimit});
      const reset = () => decoder.reset(expected.prompt);
      reset();
      await decoder.run(1).catch(() => {}); // the first run pays for the driver's own compilation
      for (const tokens of [1, 7]) {
        const milliseconds = await leastMilliseconds(async () => {
          reset();
          const stalls = decoder.run(tokens);
          await expect(stalls).rejects.toThrow(StalledError);
          await expect(stalls).rejects.toThrow(
            /^the 8 workgroups of a dispatch waited for each other in vain: .* use fewer workgroups/
          );
        });
        console.log(`${tokens} tokens of ${tooMany} workgroups ended after ${milliseconds.toFixed(0)} ms`);
        // What was submitted ahead ends without waiting, but a software driver takes long to launch it.
        if (tokens === 1) expect(milliseconds).toBeLessThan(bound);
      }
      decoder.destroy();
      const after = await retryStalled(() => decode(single, expected));
      expect(largestError(after, expected)).toBeLessThanOrEqual(tolerance);
      expect(after.greedy).toEqual(expected.greedy);
    });

    test("ends every run until it is reset", async () => {
      const decoder = await makeDecoder({workgroups: tooMany, spinLimit});
      decoder.reset(expected.prompt);
      await expect(decoder.run(1)).rejects.toThrow(StalledError);
      const logits = await decoder.readLogits();
      await expect(decoder.run(2)).rejects.toThrow(StalledError);
      expect(await decoder.readLogits(), "of a dispatch that decodes nothing").toEqual(logits);
      decoder.destroy();
    });
  });

  function makeDecoder(changes: Partial<Geometry>, model: Model = {shape, weights}): Promise<Decoder> {
    const geometry = changeGeometry(gpu, model.shape, featureSets(gpu)[0]!, {
      kernel: {workgroupSize: 64},
      workgroups: 2,
      ...changes
    });
    return createDecoder(gpu.device, kernels, model.weights, {shape: model.shape, factoring: "fused", geometry});
  }
});

/** Milliseconds that a wait in vain may take. */
const bound = 200;

/** The shortest of some attempts, because a busy machine takes longer; one within the bound is enough. */
async function leastMilliseconds(step: () => Promise<void>): Promise<number> {
  let least = Infinity;
  for (let attempt = 0; attempt < 20 && least > bound; ++attempt) {
    const start = performance.now();
    await step();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}
