import {afterAll, beforeAll, describe, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {mutate} from "../../testing/mutations.js";
import {countBuffers, hasSlowCompiler, openTestGpu, quickFactorings} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import {inProcessProduct} from "../model/product.js";
import {shapes, type Shape} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import {modelMatrices} from "../model/weights.js";
import {decodeVariants, type DecodeEnvironment, type DecodeVariant} from "./decode-variant.js";
import type {PrepareContext} from "./experiment.js";
import {logitTolerance, type Verification} from "./record.js";
import {VerificationError} from "./subject.js";

const kernels = readKernels();
const shape: Shape = {
  ...shapes.tiny,
  id: "small",
  hidden: 64,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  ffn: 96,
  vocabulary: 130,
  context: 24
};
const never = new AbortController().signal;

let gpu: Gpu;
let rows: DecodeVariant[];
beforeAll(async () => {
  gpu = await openTestGpu();
  const factoring = quickFactorings(gpu).at(-1)!;
  rows = ["first", "second"].map((variant) => ({variant, label: variant, factoring, features: []}));
});
afterAll(() => gpu.destroy());

describe("a decode variant", () => {
  test("is verified against the reference, position by position", async () => {
    const [variant] = decodeVariants({kernels}, shape, rows, new WeakMap());
    const subject = await variant!.prepare(context());
    const verification = (await subject.verify(never)) as Verification;
    expect(verification).toMatchObject({positions: 4, tokens: 2, tolerance: logitTolerance});
    expect(verification.maxRelativeError).toBeLessThanOrEqual(logitTolerance);
    subject.destroy();
  });

  test("whose attention is wrong only far on, where it is timed, is found", async () => {
    const find = "vec4u(first + 4u, first + 5u, first + 6u, first + 7u) < vec4u(position)";
    const replace = find.replace("position", "0u");
    const mutant = readKernels(mutate(readSources(), {path: "stages/attention.wgsl", find, replace}));
    const [variant] = decodeVariants({kernels: mutant}, shape, rows, new WeakMap());
    const subject = await variant!.prepare(context());
    await expect(subject.verify(never)).rejects.toThrow(/^logits at position 12 differ from the float64 reference by /);
    subject.destroy();
  });

  test("that names no features uses those of the device, and says which", async () => {
    const unnamed = rows.map(({variant, label, factoring}) => ({variant, label, factoring}));
    for (const features of [[], gpu.description.features]) {
      const [variant] = decodeVariants({kernels}, shape, unnamed, new WeakMap());
      const less = {...gpu, description: {...gpu.description, features}};
      expect(variant!.unsupported(less)).toBeNull();
      const subject = await variant!.prepare(context(less));
      expect(subject.features).toEqual(features.filter((feature) => feature === "subgroups"));
      expect(await subject.verify(never)).toMatchObject({positions: 4});
      subject.destroy();
    }
  });

  test("runs as often as asked, from the start again when the context is full", async () => {
    const [variant] = decodeVariants({kernels}, shape, rows, new WeakMap());
    const subject = await variant!.prepare(context());
    await subject.verify(never);
    const half = shape.context / 2;
    expect(subject.maxUnits).toBe(half);
    for (const units of [half, half, 5, 10]) await subject.run(units);
    expect(await subject.verify(never)).toMatchObject({positions: 4});
    subject.destroy();
  });

  test("starts every sample in the middle of the context, whatever ran before", async () => {
    const [variant] = decodeVariants({kernels}, shape, rows, new WeakMap());
    const subject = await variant!.prepare(context());
    for (const units of [1, 5]) {
      subject.restart!();
      await subject.run(units);
      const {position} = (subject as unknown as {decoder: {position: number}}).decoder;
      expect(position).toBe(shape.context / 2 + units);
    }
    subject.destroy();
  });

  test("predicts what a token takes, and frees the layer it measured", async () => {
    const [variant] = decodeVariants({kernels}, shape, rows, new WeakMap());
    const counted = countBuffers(gpu);
    const subject = await variant!.prepare(context(counted));
    const before = {...counted.buffers};
    const milliseconds = await subject.predictedMillisecondsPerUnit!(never);
    expect(milliseconds).toBeGreaterThan(0);
    expect(Number.isFinite(milliseconds)).toBe(true);
    expect(counted.buffers.created).toBeGreaterThan(before.created);
    expect(counted.buffers.destroyed - before.destroyed).toBe(counted.buffers.created - before.created);
    subject.destroy();
  });

  test("shares weights and reference with the others of its run, and frees all but the weights", async () => {
    let products = 0;
    let closed = 0;
    const environment: DecodeEnvironment = {
      kernels,
      createProduct(shape) {
        products += 1;
        return {product: inProcessProduct(syntheticWeights(shape), modelMatrices(shape)), close: () => (closed += 1)};
      }
    };
    const counted = countBuffers(gpu);
    const {buffers} = counted;
    const [first, second] = decodeVariants(environment, shape, rows, new WeakMap());
    const firstSubject = await first!.prepare(context(counted));
    const before = {...buffers};
    const secondSubject = await second!.prepare(context(counted));
    expect([products, closed]).toEqual([1, 1]);
    const perDecoder = buffers.created - before.created;
    firstSubject.destroy();
    secondSubject.destroy();
    // What remains are the buffers of the weights, which go with the device: the slots' one and the ends.
    expect(buffers.created - buffers.destroyed).toBe(2);
    expect(perDecoder).toBeLessThan(before.created);
  });

  test("that reads columns shares one copy of the weights with the others that do", async ({skip}) => {
    skip(hasSlowCompiler(gpu), "a fused kernel takes this driver half a minute to compile");
    const counted = countBuffers(gpu);
    const {buffers} = counted;
    const columns = ["one", "other"].map((variant): DecodeVariant => ({
      variant,
      label: variant,
      factoring: "fused",
      features: [],
      lanes: 4,
      kernel: {workgroupSize: 64, teamRows: 4, qkvRows: 4, residualRows: 4},
      options: {alone: "each weight, column by column"}
    }));
    const variants = decodeVariants({kernels}, shape, columns, new WeakMap());
    for (const variant of variants) {
      const subject = await variant.prepare(context(counted));
      expect(await subject.verify(never)).toMatchObject({positions: 4});
      subject.destroy();
      expect(buffers.created - buffers.destroyed).toBe(4); // the slots' and the ends, twice
    }
  });

  test.each([
    {
      what: "logits a little off",
      scale: 1.001,
      says: /logits at position 0 differ .* by \d\.\de-\d, more than 0\.0001/
    },
    {what: "logits that are no numbers", scale: NaN, says: /logits at position 0 differ .* by Infinity/}
  ])("is not verified with $what", async ({scale, says}) => {
    const environment: DecodeEnvironment = {
      kernels,
      createProduct(shape) {
        const product = inProcessProduct(syntheticWeights(shape), modelMatrices(shape));
        return {
          product: async (matrix, inputs, signal) => {
            const outputs = await product(matrix, inputs, signal);
            return matrix === "lm_head" ? outputs.map((output) => output.map((value) => value * scale)) : outputs;
          },
          close: () => {}
        };
      }
    };
    const [variant] = decodeVariants(environment, shape, rows, new WeakMap());
    const subject = await variant!.prepare(context());
    const verifying = subject.verify(never);
    await expect(verifying).rejects.toThrow(VerificationError);
    await expect(verifying).rejects.toThrow(says);
    subject.destroy();
  });

  test("stops verifying when it is cancelled", async () => {
    const [variant] = decodeVariants({kernels}, shape, rows, new WeakMap());
    const subject = await variant!.prepare(context());
    await expect(subject.verify(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    subject.destroy();
  });

  test("stops preparing when it is cancelled, with the pool of the reference closed", async () => {
    let closed = 0;
    const cancel = new AbortController();
    const environment: DecodeEnvironment = {
      kernels,
      createProduct(shape) {
        const product = inProcessProduct(syntheticWeights(shape), modelMatrices(shape));
        return {
          product: (...args) => {
            cancel.abort(new Error("enough"));
            return product(...args);
          },
          close: () => (closed += 1)
        };
      }
    };
    const [variant] = decodeVariants(environment, shape, rows, new WeakMap());
    await expect(variant!.prepare({...context(), signal: cancel.signal})).rejects.toThrow("enough");
    expect(closed).toBe(1);
  });

  test("says what of its preparation goes on", async () => {
    const told: [string, number][] = [];
    const [variant] = decodeVariants({kernels}, shape, rows, new WeakMap());
    (await variant!.prepare({...context(), progress: (message, fraction) => told.push([message, fraction])})).destroy();
    const messages = told.map(([message]) => message);
    expect(messages[0]).toBe("making the weights");
    expect(messages).toContain("float64 reference on the CPU, layer 2 of 2");
    for (const [, fraction] of told) expect(fraction).toBeLessThanOrEqual(1);
  });
});

function context(on = gpu): PrepareContext {
  return {gpu: on, signal: never, progress: () => {}};
}
