import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {countBuffers, openTestGpu, type CountedGpu} from "../../testing/test-gpu.js";
import {runSteps} from "../decode/run-steps.js";
import {stageOf, stages} from "../decode/stages.js";
import type {Gpu} from "../gpu/device.js";
import type {KernelFeature} from "../gpu/kernels.js";
import {PassTimer, type GpuTime} from "../gpu/pass-timer.js";
import {inProcessProduct} from "../model/product.js";
import {shapes, type Shape} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import {modelMatrices} from "../model/weights.js";
import {alwaysVisible, systemClock, type Clock} from "./clock.js";
import type {DecodeSubject} from "./decode-subject.js";
import {decodeVariants} from "./decode-variant.js";
import type {PrepareContext, Variant} from "./experiment.js";
import {profileSchema} from "./profile-record.js";
import {runExperiment} from "./run-experiment.js";
import {stagesExperiment} from "./stages.js";

const kernels = readKernels();
const never = new AbortController().signal;
const experiment = stagesExperiment({kernels});

/** Two layers, so that the LM head has weights of layers to read in place of its own. */
const small: Shape = {
  ...shapes.tiny,
  id: "small",
  hidden: 64,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  ffn: 96,
  vocabulary: 130,
  context: 32
};

/** Runs ten times as fast as time does, so that warm-up and samples take a tenth of it. */
const fastClock: Clock = {
  now: () => 10 * systemClock.now(),
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / 10, signal)
};

let gpu: Gpu;
let plain: Gpu;
beforeAll(async () => {
  gpu = await openTestGpu({timestamps: true});
  plain = await openTestGpu();
});
afterAll(() => {
  gpu.destroy();
  plain.destroy();
});

const context = (on: Gpu): PrepareContext => ({gpu: on, signal: never, progress: () => {}});

/** Variants of one run, by id. */
function variantsOfARun(shape = small): (id: string) => Variant {
  const variants = experiment.variants(shape);
  return (id) => variants.find(({identity}) => identity.variant === id)!;
}

test("the variants are all stages and the whole token in each arithmetic", () => {
  const ids = experiment.variants(small).map(({identity}) => identity.variant);
  expect(ids.slice(0, 11)).toEqual([...stages, "token", "token-wall"]);
  expect(ids.slice(11)).toEqual(ids.slice(0, 11).map((id) => `${id}-int16`));
});

test("stages share a decoder, are verified with it, are timed, and free it with the last of them", async () => {
  const counted: CountedGpu = countBuffers(gpu);
  const variant = variantsOfARun();
  const [o, head] = [
    await variant("o_proj").prepare(context(counted)),
    await variant("lm_head").prepare(context(counted))
  ];
  const {created} = counted.buffers;
  const token = await o.predictedMillisecondsPerUnit!(never); // its check is of whole tokens
  const verification = await o.verify(never);
  expect(verification).toMatchObject({against: "float64 CPU reference", positions: 4, tokens: 2});
  expect(await head.verify(never)).toBe(verification);
  const predicted = await head.predictedMillisecondsPerUnit!(never);
  expect(predicted).toBeGreaterThan(0);
  expect(predicted).toBeLessThan(token);
  const started = performance.now();
  const time = (await head.run(200)) as GpuTime | undefined;
  const wall = performance.now() - started;
  if (gpu.device.features.has("timestamp-query")) {
    expect(time!.passes).toBe(1);
    expect(time!.milliseconds).toBeGreaterThan(0);
    expect(time!.milliseconds).toBeLessThanOrEqual(wall);
    expect(head.leastUnits).toBeGreaterThan(1);
  }
  expect(created).toBeGreaterThan(0);
  head.destroy();
  head.destroy();
  const before = counted.buffers.destroyed;
  await o.run(5);
  o.destroy();
  expect(counted.buffers.destroyed).toBeGreaterThan(before);
  // What remains are the buffers of the weights, which go with the device: the slots' one and the ends.
  expect(counted.buffers.created - counted.buffers.destroyed).toBe(2);
});

test("without timestamps a stage is timed by the wall clock", async () => {
  const subject = await variantsOfARun()("gate_up").prepare(context(plain));
  await subject.verify(never);
  expect(await subject.run(100)).toBeUndefined();
  subject.destroy();
});

test("a whole token in one pass is what the decoder decodes, and an LM head elsewhere is not", async () => {
  const features: KernelFeature[] = gpu.device.features.has("subgroups") ? ["subgroups"] : [];
  const row = {variant: "staged", label: "Staged", factoring: "staged", features} as const;
  const [variant] = decodeVariants({kernels}, small, [row], new WeakMap());
  const subject = (await variant!.prepare(context(gpu))) as DecodeSubject;
  const {decoder} = subject;
  const timer = gpu.device.features.has("timestamp-query") ? await PassTimer.create(gpu.device) : undefined;
  decoder.reset([1, 7]);
  await decoder.run(6);
  const logits = await decoder.readLogits();
  decoder.reset([1, 7]);
  await runSteps(gpu.device, decoder.plan, 6, timer);
  expect(await decoder.readLogits()).toEqual(logits);

  const heads = decoder.plan.filter(({path}) => stageOf(path) === "lm_head");
  await runSteps(gpu.device, heads, 1, timer);
  expect(await decoder.readLogits()).not.toEqual(logits);
  const layers = decoder.plan.filter(({bound}) => bound !== "ends");
  expect(layers.flatMap(({elsewhere}) => elsewhere)).toEqual([]);
  timer?.destroy();
  subject.destroy();
});

describe("a run", () => {
  test("is verified and measured, its record is one, and both devices are freed", async () => {
    const opened: Gpu[] = [];
    let references = 0;
    const experiment = stagesExperiment({
      kernels,
      createProduct(shape) {
        references += 1;
        return {product: inProcessProduct(syntheticWeights(shape), modelMatrices(shape)), close: () => {}};
      }
    });
    const {state, message, record} = await runExperiment({
      experiment: {...experiment, shapes: ["tiny"], position: (shape: Shape) => experiment.position!(shape)},
      shape: small,
      variants: ["attention", "token-wall"],
      allowWaits: false,
      async openGpu(options) {
        opened.push(await openTestGpu(options));
        return opened.at(-1)!;
      },
      measureReadBandwidth: async () => 1e9,
      runtime: {name: "Vitest", os: "none"},
      clock: fastClock,
      visibility: alwaysVisible,
      confirm: async () => true,
      signal: never,
      onEvent: () => {}
    });
    expect([state, message]).toEqual(["done", "Measured 2 of 2 variants."]);
    expect(profileSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
    const stamped = gpu.device.features.has("timestamp-query");
    // On a busy machine timestamps may be no times that can be true.
    const by: unknown = stamped ? expect.stringMatching(/^(timestamps|wall clock)$/) : "wall clock";
    expect(record!.rows).toMatchObject([
      {variant: "attention", by, calls: 2, workgroups: 1, status: "measured"},
      {variant: "token-wall", by: "wall clock", calls: 18, status: "measured"}
    ]);
    expect(record!.totals[0]).toMatchObject({stages: null, token: null, wall: expect.any(Number)});
    expect(opened.map(({device}) => device.features.has("timestamp-query"))).toEqual(stamped ? [false, true] : [false]);
    expect(references, "float64 references of both devices").toBe(1);
    for (const {lost} of opened) expect((await lost).reason).toBe("destroyed");
  });
});
