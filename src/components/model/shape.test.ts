import {describe, expect, test} from "vitest";
import {checkShape, layerMatrices, matrixBytes, shapes, weightBytesPerToken, type Shape} from "./shape.js";

const wrong: [change: Partial<Shape>, says: RegExp][] = [
  [{hidden: 200}, /hidden size 200 is not a multiple of 32/],
  [{ffn: 500}, /FFN size 500 is not a multiple of 32/],
  [{heads: 1, kvHeads: 1, headDim: 80}, /heads × head dim = 80 is not a multiple of 32/],
  [{heads: 8, kvHeads: 8, headDim: 24}, /head dim 24 is not a multiple of 16: four invocations share a head/],
  [{headDim: 160}, /head dim 160 is more than 128: .* eight vectors of four/],
  [{heads: 3, kvHeads: 2}, /3 query heads cannot share 2 KV heads/],
  [{layers: 0}, /layers is 0, not a positive integer/],
  [{vocabulary: 1.5}, /vocabulary is 1.5, not a positive integer/],
  [{context: NaN}, /context is NaN, not a positive integer/]
];

describe("checkShape", () => {
  test.each(Object.values(shapes))("passes $id", (shape) => {
    expect(checkShape(shape)).toBe(shape);
  });

  test.each([16, 128])("passes heads of %i", (headDim) => {
    const shape = {...shapes.tiny, headDim};
    expect(checkShape(shape)).toBe(shape);
  });

  test.each(wrong)("names the rule that %o breaks", (change, says) => {
    expect(() => checkShape({...shapes.tiny, ...change})).toThrow(says);
    expect(() => checkShape({...shapes.tiny, ...change})).toThrow(/shape tiny/);
  });
});

test("Phi-3-mini has the sizes that its model card gives", () => {
  expect(layerMatrices(shapes["phi3-mini"])).toEqual({
    qkv: {rows: 9216, columns: 3072},
    o: {rows: 3072, columns: 3072},
    gateUp: {rows: 16384, columns: 3072},
    down: {rows: 3072, columns: 8192}
  });
});

test("heads that share keys and values have fewer rows for them", () => {
  const {qkv, o} = layerMatrices({...shapes.tiny, heads: 6, kvHeads: 2, headDim: 32});
  expect([qkv.rows, o.columns]).toEqual([(6 + 2 + 2) * 32, 6 * 32]);
});

test("a group of 32 weights is 18 bytes", () => {
  expect(matrixBytes({rows: 1, columns: 32})).toBe(18);
});

test("a token of Phi-3-mini reads 2,093,838,336 bytes of weights", () => {
  expect(weightBytesPerToken(shapes["phi3-mini"])).toBe(2_093_838_336);
  const weights = 32 * 113_246_208 + 32064 * 3072;
  expect(weightBytesPerToken(shapes["phi3-mini"], "float16")).toBe(2 * weights);
  expect(weightBytesPerToken(shapes["phi3-mini"], "float32")).toBe(4 * weights);
});

/** Parameters as their authors count them: layers with two norms and perhaps biases, a tied embedding, a last norm. */
test.each([
  {shape: shapes["qwen2-0.5b-1-layer"], layers: 24, vocabulary: 151936, biases: 896 + 2 * 128, published: 494_032_768},
  {shape: shapes["llama-1b-1-layer"], layers: 16, vocabulary: 128256, biases: 0, published: 1_235_814_400}
])("a layer of $shape.id has the weights of one of the model's", ({shape, layers, vocabulary, biases, published}) => {
  const matrices = Object.values(layerMatrices(shape)).reduce((sum, {rows, columns}) => sum + rows * columns, 0);
  const {hidden} = shape;
  expect(layers * (matrices + biases + 2 * hidden) + (vocabulary + 1) * hidden).toBe(published);
});

test.each([
  {shape: shapes["width-768"], headDim: 64},
  {shape: shapes["width-1024"], headDim: 64},
  {shape: shapes["width-1792"], headDim: 112}
])("a layer of $shape.id has a gate for each row of the FFN more than the original's", ({shape, headDim}) => {
  expect(shape).toMatchObject({headDim, kvHeads: shape.heads});
  const matrices = Object.values(layerMatrices(shape)).reduce((sum, {rows, columns}) => sum + rows * columns, 0);
  const {hidden, ffn} = shape;
  const original = 4 * hidden ** 2 + 2 * hidden * (4 * hidden);
  expect(matrices).toBe(original + hidden * ffn);
});

test("the LM head of the one-layer shapes is a tenth of what a token reads at most, and of Phi-3-mini's layer nearly half", () => {
  const part = (shape: Shape) => 1 - weightBytesPerToken({...shape, vocabulary: 0}) / weightBytesPerToken(shape);
  for (const id of [
    "width-768",
    "width-1024",
    "width-1792",
    "qwen2-0.5b-1-layer",
    "llama-1b-1-layer",
    "phi3-sized-1-layer"
  ] as const)
    expect(part(shapes[id]), id).toBeLessThan(0.1);
  expect(part(shapes["phi3-mini-1-layer"])).toBeCloseTo(0.465, 2);
});
