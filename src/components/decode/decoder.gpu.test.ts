import {afterAll, beforeAll, beforeEach, describe, expect, test} from "vitest";
import type {Kernels} from "../gpu/kernels.js";
import {readKernels} from "../../data/read-kernels.js";
import {decode, loadFixture, shorten} from "../../testing/fixtures.js";
import {featureSets} from "../../testing/geometries.js";
import {countBuffers, logQueue, openTestGpu, quickFactorings} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import {GpuError} from "../gpu/errors.js";
import {createDecoder, type Decoder, type DecoderOptions} from "./decoder.js";
import {defaultGeometry} from "./geometry.js";
import {uploadWeights, type GpuWeights} from "./gpu-weights.js";

const kernels = readKernels();
const {model, expected} = await loadFixture("phi3-tiny");
const shape = {...model.shape, context: 20};

let gpu: Gpu;
let weights: GpuWeights;
let decoder: Decoder;

beforeAll(async () => {
  gpu = await openTestGpu();
  weights = await uploadWeights(gpu.device, shape, model.tensors);
  decoder = await makeDecoder(gpu, weights);
});
afterAll(() => gpu.destroy());

describe("a decoder", () => {
  beforeEach(() => decoder.reset(expected.prompt));

  test("decodes many positions at once as it does one by one", async () => {
    await decoder.run(expected.prompt.length + 5);
    expect(decoder.position).toBe(expected.prompt.length + 5);
    expect((await decoder.readTokens()).slice(0, -1)).toEqual([...expected.prompt, ...expected.greedy.slice(0, 5)]);
  });

  test("gives the prompt and the token that follows, and the whole prompt before it is decoded", async () => {
    expect(await decoder.readTokens()).toEqual(expected.prompt);
    await decoder.run(3);
    expect(await decoder.readTokens()).toEqual(expected.prompt);
    await decoder.run(expected.prompt.length - 3);
    expect(await decoder.readTokens()).toEqual([...expected.prompt, expected.greedy[0]]);
  });

  test("forgets everything when it is reset", async () => {
    await decoder.run(15);
    const short = shorten(expected, 4);
    const {logits, greedy} = await decode(decoder, short);
    const again = await decode(decoder, short);
    expect(greedy).toEqual(short.greedy);
    expect(logits).toEqual(again.logits);
  });

  test("fills its context to the last position and refuses one more, which changes nothing", async () => {
    await decoder.run(shape.context);
    expect(await decoder.readTokens()).toHaveLength(shape.context + 1);
    await expect(decoder.run(1)).rejects.toThrow(GpuError);
    await expect(decoder.run(1)).rejects.toThrow("20 + 1 positions do not fit a context of 20");
    expect(decoder.position).toBe(shape.context);
  });

  test("refuses more positions than are left", async () => {
    await decoder.run(18);
    await expect(decoder.run(3)).rejects.toThrow("18 + 3 positions do not fit a context of 20");
    await decoder.run(2);
  });

  test.each([
    {prompt: [], says: "a prompt of 0 tokens does not fit a context of 20"},
    {prompt: Array<number>(21).fill(1), says: "a prompt of 21 tokens does not fit a context of 20"},
    {prompt: [1, 512, 3], says: "token 512 is outside the vocabulary of 512"},
    {prompt: [-1], says: "token -1 is outside the vocabulary of 512"},
    {prompt: [1.5], says: "token 1.5 is outside the vocabulary of 512"}
  ])("refuses the prompt $prompt", ({prompt, says}) => {
    expect(() => decoder.reset(prompt)).toThrow(GpuError);
    expect(() => decoder.reset(prompt)).toThrow(says);
  });

  test("keeps its prompt when it refuses another", async () => {
    expect(() => decoder.reset([1, 512])).toThrow();
    await decoder.run(2);
    expect(await decoder.readTokens()).toEqual(expected.prompt);
  });

  test("takes a prompt that fills the whole context", async () => {
    const prompt = Array.from({length: shape.context}, (_, i) => i);
    decoder.reset(prompt);
    await decoder.run(shape.context);
    expect((await decoder.readTokens()).slice(0, -1)).toEqual(prompt);
  });
});

test("the lowest id of equal logits is the next token", async () => {
  const short = shorten(expected, 3);
  const best = short.greedy[0]!;
  const [lower, higher] = [3, shape.vocabulary - 1];
  expect(best).toBeGreaterThan(lower);
  expect(best).toBeLessThan(higher);
  for (const {copies, first} of [
    {copies: [higher], first: best},
    {copies: [lower, higher], first: lower}
  ]) {
    const tied = await uploadWeights(
      gpu.device,
      shape,
      copyRows(model.tensors, "lm_head", shape.vocabulary, best, copies)
    );
    const subject = await makeDecoder(gpu, tied);
    subject.reset(short.prompt);
    await subject.run(short.prompt.length);
    const logits = await subject.readLogits();
    for (const copy of copies) expect(logits[copy]).toBe(logits[best]);
    expect((await subject.readTokens()).at(-1)).toBe(first);
    subject.destroy();
    tied.destroy();
  }
});

test("a decoder without a prompt refuses to decode", async () => {
  const fresh = await makeDecoder(gpu, weights);
  await expect(fresh.run(1)).rejects.toThrow(/no prompt/);
  fresh.destroy();
});

test("decoders of the same code and numbers say so, and one with other rows a team does not", async () => {
  const geometry = defaultGeometry(shape, featureSets(gpu)[0]!, gpu.description);
  const make = (teamRows: number) => {
    const {lm_head} = geometry.kernels;
    const rows = {...geometry, kernels: {...geometry.kernels, lm_head: {...lm_head, teamRows}}};
    return createDecoder(gpu.device, kernels, weights, {shape, factoring: "staged", geometry: rows});
  };
  const [two, again, four] = [await make(2), await make(2), await make(4)];
  expect(again.wgsl).toBe(two.wgsl);
  expect(four.wgsl).not.toBe(two.wgsl);
  for (const each of [two, again, four]) each.destroy();
});

describe("a decoder whose CPU waits for each dispatch", () => {
  const chunked = () => quickFactorings(gpu).includes("chunked");
  const make = (device: GPUDevice, launch: Pick<DecoderOptions, "awaited" | "apart">) =>
    createDecoder(device, kernels, weights, {
      shape,
      factoring: chunked() ? "chunked" : "staged",
      geometry: defaultGeometry(shape, featureSets(gpu)[0]!, gpu.description),
      ...launch
    });

  test("decodes what it does without, each dispatch in a submit of its own with a wait after it", async () => {
    const {device, log} = logQueue(gpu.device);
    const subject = await make(device, {awaited: true});
    const dispatches = subject.plan.length;
    expect(dispatches).toBe(chunked() ? 2 : 18);
    subject.reset(expected.prompt);
    log.length = 0;
    await subject.run(expected.prompt.length);
    const alternating = Array.from({length: expected.prompt.length * dispatches}, () => ["submit", "wait"]);
    expect(log).toEqual(alternating.flat());
    expect((await subject.readTokens()).at(-1)).toBe(expected.greedy[0]);
    subject.destroy();
  });

  test("otherwise waits once, at the end of a run", async () => {
    const {device, log} = logQueue(gpu.device);
    const subject = await make(device, {});
    subject.reset(expected.prompt);
    log.length = 0;
    await subject.run(expected.prompt.length);
    expect(log.filter((what) => what === "wait")).toHaveLength(1);
    expect(log.at(-1)).toBe("wait");
    expect((await subject.readTokens()).at(-1)).toBe(expected.greedy[0]);
    subject.destroy();
  });

  test("or submits each dispatch by itself, and waits once all the same", async () => {
    const {device, log} = logQueue(gpu.device);
    const subject = await make(device, {apart: true});
    subject.reset(expected.prompt);
    log.length = 0;
    await subject.run(expected.prompt.length);
    const submits = Array.from({length: expected.prompt.length * subject.plan.length}, () => "submit");
    expect(log).toEqual([...submits, "wait"]);
    expect((await subject.readTokens()).at(-1)).toBe(expected.greedy[0]);
    subject.destroy();
  });

  test("ends a run in whose middle it is reset, and begins anew with the first layer", async () => {
    const subject = await make(gpu.device, {awaited: true});
    subject.reset(expected.prompt);
    const running = subject.run(expected.prompt.length); // its first dispatch is submitted, and no more
    subject.reset(expected.prompt);
    await expect(running).rejects.toThrow("the sequence was reset while it was decoded");
    await subject.run(expected.prompt.length);
    expect((await subject.readTokens()).at(-1)).toBe(expected.greedy[0]);
    subject.destroy();
  });

  test("refuses a dispatch whose workgroups wait for each other", async () => {
    const geometry = {...defaultGeometry(shape, featureSets(gpu)[0]!, gpu.description), workgroups: 2};
    const making = createDecoder(gpu.device, kernels, weights, {shape, factoring: "fused", geometry, awaited: true});
    await expect(making).rejects.toThrow("the CPU waits for dispatches only where workgroups do not wait");
  });

  test("refuses a dispatch of several tokens", async () => {
    const geometry = {...defaultGeometry(shape, featureSets(gpu)[0]!, gpu.description), tokensPerDispatch: 2};
    const making = createDecoder(gpu.device, kernels, weights, {shape, factoring: "fused", geometry, awaited: true});
    await expect(making).rejects.toThrow("the CPU waits for dispatches only of one token or less");
  });
});

describe("memory", () => {
  test("is freed with the decoder", async () => {
    const own = await openTestGpu();
    const ownWeights = await uploadWeights(own.device, shape, model.tensors);
    const counted = countBuffers(own);
    const subject = await makeDecoder(counted, ownWeights);
    expect(counted.buffers.created).toBeGreaterThan(0);
    subject.destroy();
    expect(counted.buffers.destroyed).toBe(counted.buffers.created);
    own.destroy();
  });

  test.each([0, 1, 2, 3, 4, 5, 6])(
    "is freed, and the lack of it reported, when buffer %i cannot be had",
    async (failAt) => {
      const own = await openTestGpu();
      const outside: string[] = [];
      own.onError(({message}) => outside.push(message));
      const ownWeights = await uploadWeights(own.device, shape, model.tensors);
      const counted = countBuffers(own, failAt);
      const failing = makeDecoder(counted, ownWeights).then(() => "a decoder");
      await expect(failing).rejects.toThrow(GpuError);
      await expect(failing).rejects.toThrow(/^allocating /);
      expect(counted.buffers.destroyed).toBe(counted.buffers.created);
      expect(outside).toEqual([]);
      own.destroy();
    }
  );

  test("that is freed takes no sequence any more, which what is asked next says", async () => {
    const subject = await makeDecoder(gpu, weights);
    subject.destroy();
    subject.reset(expected.prompt);
    await expect(subject.run(1)).rejects.toThrow(GpuError);
    await expect(subject.readTokens()).rejects.toThrow(/^setting the sequence: /);
  });

  test("is freed when there are more bindings than the device has", async () => {
    const counted = countBuffers(gpu);
    const slots = Array<GPUBuffer>(gpu.device.limits.maxStorageBuffersPerShaderStage + 1).fill(weights.slots[0]!);
    const geometry = defaultGeometry(shape, [], gpu.description);
    const making = createDecoder(counted.device, kernels, {...weights, slots}, {shape, factoring: "fused", geometry});
    await expect(making).rejects.toThrow(GpuError);
    await expect(making).rejects.toThrow(/^a dispatch can bind \d+ buffers of layers, not \d+$/);
    expect(counted.buffers.destroyed).toBe(counted.buffers.created);
  });

  test("is freed when a kernel does not compile", async () => {
    const own = await openTestGpu();
    const ownWeights = await uploadWeights(own.device, shape, model.tensors);
    const counted = countBuffers(own);
    const broken: Kernels = {
      ...kernels,
      async link(path, conditions) {
        const kernel = await kernels.link(path, conditions);
        return {...kernel, code: kernel.code + "\nfn broken("};
      }
    };
    await expect(makeDecoder(counted, ownWeights, broken)).rejects.toThrow(/^kernels\/.* does not compile: /);
    expect(counted.buffers.created).toBeGreaterThan(0);
    expect(counted.buffers.destroyed).toBe(counted.buffers.created);
    own.destroy();
  });

  test("that a cache of the context would need is compared with the limit first", async () => {
    const own = await openTestGpu();
    const ownWeights = await uploadWeights(own.device, shape, model.tensors);
    const counted = countBuffers(own);
    const failing = makeDecoder(counted, ownWeights, kernels, {...shape, context: 2 ** 24});
    await expect(failing).rejects.toThrow(/KV cache needs \d+ bytes; this device allows \d+ \(maxBufferSize\)/);
    expect(counted.buffers.created).toBe(0);
    own.destroy();
  });
});

describe("a device that is lost", () => {
  test.each([0, 20])("%i ms into a run ends it with an error or loss, not with a hang", async (milliseconds) => {
    const own = await openTestGpu();
    const ownWeights = await uploadWeights(own.device, shape, model.tensors);
    const subject = await makeDecoder(own, ownWeights);
    subject.reset(expected.prompt);
    const running = subject.run(shape.context).then(
      () => subject.readLogits(),
      (error: unknown) => error
    );
    setTimeout(() => own.destroy(), milliseconds);
    const [ended, lost] = await Promise.all([running.catch((error: unknown) => error), own.lost]);
    expect(lost.reason).toBe("destroyed");
    // The run may just have been done.
    if (!(ended instanceof Float32Array)) expect(ended).toBeInstanceOf(GpuError);
  });

  test("before a run fails it, and what is read", async () => {
    const own = await openTestGpu();
    const ownWeights = await uploadWeights(own.device, shape, model.tensors);
    const subject = await makeDecoder(own, ownWeights);
    own.destroy();
    await own.lost;
    subject.reset(expected.prompt);
    const run = subject.run(1);
    await expect(run).rejects.toThrow(GpuError);
    await expect(run).rejects.toThrow("decoding: the device was lost (destroyed)");
    await expect(subject.readLogits()).rejects.toThrow(GpuError);
    await expect(subject.readTokens()).rejects.toThrow(GpuError);
  });
});

function makeDecoder(gpu: Gpu, weights: GpuWeights, withKernels = kernels, ofShape = shape): Promise<Decoder> {
  const geometry = defaultGeometry(ofShape, featureSets(gpu)[0]!, gpu.description);
  const factoring = quickFactorings(gpu).at(-1)!;
  return createDecoder(gpu.device, withKernels, weights, {shape: ofShape, factoring, geometry});
}

/** The tensors with rows of one matrix replaced by another of its rows. */
function copyRows(
  tensors: ReadonlyMap<string, {bytes: Uint8Array}>,
  matrix: string,
  rows: number,
  from: number,
  to: number[]
): Map<string, {bytes: Uint8Array}> {
  const copied = new Map(tensors);
  for (const name of [`${matrix}.q_weight`, `${matrix}.q_scale`]) {
    const bytes = tensors.get(name)!.bytes.slice();
    const rowBytes = bytes.length / rows;
    for (const row of to) bytes.copyWithin(row * rowBytes, from * rowBytes, (from + 1) * rowBytes);
    copied.set(name, {bytes});
  }
  return copied;
}
