import {readFile} from "node:fs/promises";
import {fileURLToPath} from "node:url";
import {describe, expect, it} from "vitest";
import {loadMlc} from "./mlc.js";
import {folderReader} from "./mlc-node.js";
import {inProcessProduct} from "./product.js";
import {argmax, compareLogits, Reference} from "./reference.js";
import {shapes, type Shape} from "./shape.js";
import {syntheticWeights} from "./synthetic.js";
import {matrixNames, modelMatrices, normNames, type WeightSource} from "./weights.js";

const grouped: Shape = {
  ...shapes.tiny,
  id: "grouped",
  heads: 4,
  kvHeads: 2,
  headDim: 32,
  hidden: 128,
  ffn: 160,
  layers: 3
};

describe.each(["phi3-tiny", "phi3-tiny-deep"])("the reference on %s", (name) => {
  it("has the logits of transformers at every position of the prompt", async () => {
    const {model, prompt, logits} = await fixture(name);
    const actual = await new Reference(model).decode(prompt);
    expect(actual).toHaveLength(prompt.length);
    actual.forEach((values, p) => expect(compareLogits(values, logits[p]!), `position ${p}`).toBeLessThan(1e-6));
  });

  it("has the same logits whether positions are decoded together or one by one", async () => {
    const {model, prompt} = await fixture(name);
    const together = await new Reference(model).decode(prompt);
    const reference = new Reference(model);
    for (const [p, token] of prompt.entries()) {
      const [logits] = await reference.decode([token]);
      expect(compareLogits(logits!, together[p]!), `position ${p}`).toBeLessThan(1e-12);
    }
  });

  it("chooses the same 24 tokens", async () => {
    const {model, prompt, greedy} = await fixture(name);
    expect(greedy).toHaveLength(24);
    expect((await new Reference(model).decodeGreedily(prompt, greedy.length)).greedy).toEqual(greedy);
  });
});

describe("the reference", () => {
  it("agrees with a naive model of full matrices when heads share keys and values", async () => {
    const weights = syntheticWeights(grouped, 3);
    const tokens = [5, 411, 5, 0, 77];
    const reference = new Reference({shape: grouped, weights});
    const actual = [...(await reference.decode(tokens.slice(0, 2))), ...(await reference.decode(tokens.slice(2)))];
    const expected = naiveLogits(grouped, weights, tokens);
    actual.forEach((logits, p) => expect(compareLogits(logits, expected[p]!), `position ${p}`).toBeLessThan(1e-11));
  });

  it("differs from a model whose weights differ in one norm", async () => {
    const weights = syntheticWeights(grouped, 3);
    const changed: WeightSource = {
      ...weights,
      readNorm(norm, values) {
        weights.readNorm(norm, values);
        if (norm === normNames.ffn(1)) values[7]! += 1 / 16;
      }
    };
    const [logits] = await new Reference({shape: grouped, weights}).decode([5]);
    const [other] = await new Reference({shape: grouped, weights: changed}).decode([5]);
    expect(compareLogits(other!, logits!)).toBeGreaterThan(1e-6);
  });

  it("tells its progress layer by layer, up to 1", async () => {
    const seen: [string, number][] = [];
    const progress = (message: string, fraction: number) => void seen.push([message, fraction]);
    await new Reference({shape: grouped, weights: syntheticWeights(grouped), progress}).decode([1]);
    expect([...new Set(seen.map(([message]) => message))]).toEqual([
      "layer 1 of 3",
      "layer 2 of 3",
      "layer 3 of 3",
      "LM head"
    ]);
    expect(seen.map(([, fraction]) => fraction)).toEqual(seen.map(([, fraction]) => fraction).sort((a, b) => a - b));
    expect(seen.at(-1)![1]).toBe(1);
  });

  it("stops before the next matrix when cancelled", async () => {
    const weights = syntheticWeights(grouped);
    const inProcess = inProcessProduct(weights, modelMatrices(grouped));
    const controller = new AbortController();
    let products = 0;
    const reference = new Reference({
      shape: grouped,
      weights,
      signal: controller.signal,
      product: async (matrix, inputs) => {
        if (++products === 7) controller.abort(new Error("the reader cancelled"));
        return inProcess(matrix, inputs);
      }
    });
    await expect(reference.decode([1, 2])).rejects.toThrow("the reader cancelled");
    expect(products).toBe(7);
    expect(reference.position).toBe(0);
  });

  it("keeps its cache when a call fails", async () => {
    const weights = syntheticWeights(grouped);
    const inProcess = inProcessProduct(weights, modelMatrices(grouped));
    let failing = false;
    const reference = new Reference({
      shape: grouped,
      weights,
      product: async (matrix, inputs) => {
        if (failing && matrix === matrixNames.down(1)) throw new Error("out of memory");
        return inProcess(matrix, inputs);
      }
    });
    await reference.decode([1, 2]);
    failing = true;
    await expect(reference.decode([9])).rejects.toThrow("out of memory");
    failing = false;
    const [logits] = await reference.decode([3]);
    const expected = naiveLogits(grouped, weights, [1, 2, 3]);
    expect(compareLogits(logits!, expected[2]!)).toBeLessThan(1e-11);
  });

  it("refuses tokens outside the vocabulary and positions outside the context", async () => {
    const shape = {...grouped, context: 2};
    const reference = new Reference({shape, weights: syntheticWeights(shape)});
    await expect(reference.decode([])).rejects.toThrow("no tokens to decode");
    await expect(reference.decode([512])).rejects.toThrow("token 512 is not one of the 512 of shape grouped");
    await expect(reference.decode([1, 2, 3])).rejects.toThrow(
      "position 2 is outside the context of 2 of shape grouped"
    );
  });
});

describe("inProcessProduct", () => {
  it("handles events while it works, and stops in the middle of a matrix when cancelled", async () => {
    const shape = shapes["phi3-mini-1-layer"];
    const product = inProcessProduct(syntheticWeights(shape), modelMatrices(shape));
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("the reader cancelled")), 1);
    const input = new Float64Array(shape.hidden).fill(1);
    const inputs = Array.from({length: 6}, () => input);
    await expect(product(matrixNames.lmHead, inputs, controller.signal)).rejects.toThrow("the reader cancelled");
  });
});

describe("compareLogits", () => {
  it("is the largest difference over the largest expected value", () => {
    expect(compareLogits(Float32Array.of(1, -4, 2), Float64Array.of(1, -5, 2.5))).toBe(0.2);
    expect(compareLogits(Float32Array.of(0, 0), Float64Array.of(0, 0))).toBe(0);
  });

  it("is infinite when a value is not finite, and refuses other lengths", () => {
    expect(compareLogits(Float32Array.of(1, NaN), Float64Array.of(1, 1))).toBe(Infinity);
    expect(compareLogits(Float32Array.of(1, Infinity), Float64Array.of(1, 1))).toBe(Infinity);
    expect(compareLogits(Float32Array.of(1, 1), Float64Array.of(1, NaN))).toBe(Infinity);
    expect(compareLogits(Float32Array.of(1), Float64Array.of(0))).toBe(Infinity);
    expect(() => compareLogits(Float32Array.of(1), Float64Array.of(1, 2))).toThrow("1 logits compared with 2");
  });
});

describe("argmax", () => {
  it("takes the lowest index of equal values", () => {
    expect(argmax([1, 3, 2, 3])).toBe(1);
  });
});

async function fixture(name: string) {
  const folder = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
  const model = await loadMlc(folderReader(folder), {id: name});
  const {prompt, greedy} = JSON.parse(await readFile(`${folder}/expected.json`, "utf8")) as Record<string, number[]>;
  const flat = new Float32Array(new Uint8Array(await readFile(`${folder}/expected_logits.f32`)).buffer);
  const {vocabulary} = model.shape;
  const logits = prompt!.map((_, p) => flat.subarray(p * vocabulary, (p + 1) * vocabulary));
  return {model, prompt: prompt!, greedy: greedy!, logits};
}

/** The whole sequence at once, no cache, every matrix as a nested array, every formula as in a textbook. */
function naiveLogits(shape: Shape, weights: WeightSource, tokens: number[]): number[][] {
  const {hidden, heads, kvHeads, headDim, ffn, epsilon, ropeTheta} = shape;
  const sizes = modelMatrices(shape);
  const matrix = (name: string): number[][] => {
    const {rows, columns} = sizes.get(name)!;
    return Array.from({length: rows}, (_, row) => {
      const words = new Uint32Array(columns / 8);
      const scales = new Float64Array(columns / 32);
      weights.readWords(name, row, words);
      weights.readScales(name, row, scales);
      const digits = [...words].flatMap((word) => [...word.toString(16).padStart(8, "0")].reverse());
      return digits.map((digit, k) => (parseInt(digit, 16) - 7) * scales[Math.floor(k / 32)]!);
    });
  };
  const times = (m: number[][], x: number[]) => m.map((row) => row.reduce((sum, w, i) => sum + w * x[i]!, 0));
  const plus = (a: number[], b: number[]) => a.map((value, i) => value + b[i]!);
  const norm = (name: string, x: number[]) => {
    const values = new Float64Array(hidden);
    weights.readNorm(name, values);
    const root = Math.sqrt(x.reduce((sum, value) => sum + value ** 2, 0) / hidden + epsilon);
    return x.map((value, i) => (values[i]! * value) / root);
  };
  const rotated = (x: number[], position: number) =>
    x.map((value, i) => {
      const half = headDim / 2;
      const angle = position / ropeTheta ** ((2 * (i % half)) / headDim);
      return value * Math.cos(angle) + (i < half ? -x[i + half]! : x[i - half]!) * Math.sin(angle);
    });
  const split = (x: number[], from: number, count: number) =>
    Array.from({length: count}, (_, h) => x.slice((from + h) * headDim, (from + h + 1) * headDim));

  let stream = tokens.map((token) => matrix(matrixNames.embedding)[token]!);
  for (let layer = 0; layer < shape.layers; ++layer) {
    const qkv = stream.map((x) => times(matrix(matrixNames.qkv(layer)), norm(normNames.attention(layer), x)));
    const q = qkv.map((x, p) => split(x, 0, heads).map((head) => rotated(head, p)));
    const k = qkv.map((x, p) => split(x, heads, kvHeads).map((head) => rotated(head, p)));
    const v = qkv.map((x) => split(x, heads + kvHeads, kvHeads));
    const attended = q.map((queries, p) =>
      queries.flatMap((query, h) => {
        const shared = Math.floor(h / (heads / kvHeads));
        const powers = k
          .slice(0, p + 1)
          .map((keys) =>
            Math.exp(keys[shared]!.reduce((s, value, d) => s + value * query[d]!, 0) / Math.sqrt(headDim))
          );
        const sum = powers.reduce((a, b) => a + b);
        return query.map((_, d) => powers.reduce((s, power, j) => s + (power / sum) * v[j]![shared]![d]!, 0));
      })
    );
    stream = stream.map((x, p) => plus(x, times(matrix(matrixNames.o(layer)), attended[p]!)));
    stream = stream.map((x) => {
      const gateUp = times(matrix(matrixNames.gateUp(layer)), norm(normNames.ffn(layer), x));
      const gate = gateUp.slice(0, ffn);
      const up = gateUp.slice(ffn);
      const inner = gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!);
      return plus(x, times(matrix(matrixNames.down(layer)), inner));
    });
  }
  return stream.map((x) => times(matrix(matrixNames.lmHead), norm(normNames.final, x)));
}
