import {groupSize, type Shape} from "./shape.js";
import {matrixNames, modelMatrices, modelNorms, normNames, type WeightSource} from "./weights.js";

/** The seed of every run unless it says otherwise. */
export const defaultSeed = 1;

/** One tensor to fill on the GPU: element i is a function of `key`, i and `exponent` alone. */
export interface SyntheticTensor {
  /** MLC's name, with the suffix `.q_weight` or `.q_scale` for the two halves of a matrix. */
  name: string;
  /** The tensor's key, u32. The words and the scales of a matrix have the same one. */
  key: number;
  /** `words`: u32 of eight nibbles. `scales` and `norm`: float16. */
  kind: "words" | "scales" | "norm";
  /** Elements of that kind. */
  count: number;
  /** Of the scales, see `scaleExponent`; 0 for words and norms. */
  exponent: number;
}

/**
 * Weights made from a seeded integer hash, so that a full-size model downloads nothing and a kernel makes the
 * same bits: element i is `syntheticWord`, `syntheticScale` or `syntheticNorm` of its tensor's key and i.
 * @returns a source of any row of any matrix of `shape`; reading a name the shape does not have throws.
 */
export function syntheticWeights(shape: Shape, seed = defaultSeed): WeightSource {
  const keys = tensorKeys(shape, seed);
  const sizes = modelMatrices(shape);
  const exponents = new Map(Array.from(sizes, ([name, {columns}]) => [name, scaleExponent(name, columns)]));
  const find = <T>(map: Map<string, T>, name: string): T => {
    const value = map.get(name);
    if (value === undefined) throw new Error(`shape ${shape.id} has no tensor ${name}`);
    return value;
  };
  return {
    readWords(matrix, row, words) {
      const {columns} = find(sizes, matrix);
      const key = find(keys, matrix);
      const first = (row * columns) / 8;
      for (let c = 0; c < words.length; ++c) words[c] = syntheticWord(key, first + c);
    },
    readScales(matrix, row, scales) {
      const key = find(keys, matrix);
      const exponent = find(exponents, matrix);
      const first = (row * find(sizes, matrix).columns) / groupSize;
      for (let g = 0; g < scales.length; ++g) scales[g] = syntheticScale(key, first + g, exponent);
    },
    readNorm(norm, values) {
      const key = find(keys, norm);
      for (let i = 0; i < values.length; ++i) values[i] = syntheticNorm(key, i);
    }
  };
}

/** Every tensor of a shape in the order of MLC's manifest names: matrices as words and scales, then norms. */
export function syntheticTensors(shape: Shape, seed = defaultSeed): SyntheticTensor[] {
  const keys = tensorKeys(shape, seed);
  const matrices = Array.from(modelMatrices(shape), ([name, {rows, columns}]): SyntheticTensor[] => {
    const key = keys.get(name)!;
    const exponent = scaleExponent(name, columns);
    return [
      {name: `${name}.q_weight`, key, kind: "words", count: (rows * columns) / 8, exponent: 0},
      {name: `${name}.q_scale`, key, kind: "scales", count: (rows * columns) / groupSize, exponent}
    ];
  });
  const norms = modelNorms(shape).map((name): SyntheticTensor => ({
    name,
    key: keys.get(name)!,
    kind: "norm",
    count: shape.hidden,
    exponent: 0
  }));
  return [...matrices.flat(), ...norms];
}

/** Word `index` of a matrix, row-major: `mix(key + index)` with every nibble 15 made 7, so nibbles are 0 to 14. */
export function syntheticWord(key: number, index: number): number {
  const word = mix((key + index) | 0);
  const fifteens = word & (word >>> 1) & (word >>> 2) & (word >>> 3) & 0x11111111;
  return (word ^ (fifteens << 3)) >>> 0;
}

/**
 * Scale `index` of a matrix, row-major: 2^exponent · (1 + m / 8), where m is the top three bits of the hash
 * `mix((key ^ 0x5ca1ab1e) + index)`. As float16 bits: `(exponent + 15) << 10 | m << 7`.
 */
export function syntheticScale(key: number, index: number, exponent: number): number {
  return 2 ** exponent * (1 + (mix(((key ^ 0x5ca1ab1e) + index) | 0) >>> 29) / 8);
}

/**
 * Element `index` of a norm vector: n / 16, where n = 8 … 23 is the top four bits of `mix(key + index)` plus 8. As
 * float16 bits: `14 << 10 | (n − 8) << 7` below 16, `15 << 10 | (n − 16) << 6` from there on.
 */
export function syntheticNorm(key: number, index: number): number {
  return ((mix((key + index) | 0) >>> 28) + 8) / 16;
}

/**
 * The exponent of a matrix's scales: the integer nearest log2(1 / (4.2 · 1.44 · √n)), at least −14 so that the scale
 * is a normal float16. 4.2 is the RMS of (nibble − 7) and 1.44 the mean of 1 + m / 8, so a row of n weights times an
 * input of RMS 1 has an RMS near 1. n is the number of columns; for the embedding it is 1, because a row is looked up,
 * not multiplied.
 */
export function scaleExponent(matrix: string, columns: number): number {
  const terms = matrix === matrixNames.embedding ? 1 : columns;
  return Math.max(-14, Math.round(-Math.log2(4.2 * 1.44 * Math.sqrt(terms))));
}

/** The integer hash "lowbias32" (C. Wellons, Hash Prospector): a bijection of u32. */
export function mix(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A tensor's key: `mix(seed ^ (index + 1) · 0x9e3779b9)`, with the tensors numbered as in `tensorKeys`. */
function tensorKey(seed: number, index: number): number {
  return mix(seed ^ Math.imul(index + 1, 0x9e3779b9));
}

function tensorKeys(shape: Shape, seed: number): Map<string, number> {
  const indices = new Map([
    [matrixNames.embedding, 0],
    [matrixNames.lmHead, 1],
    [normNames.final, 2]
  ]);
  for (let layer = 0; layer < shape.layers; ++layer) {
    const first = 16 + 8 * layer;
    [
      matrixNames.qkv(layer),
      matrixNames.o(layer),
      matrixNames.gateUp(layer),
      matrixNames.down(layer),
      normNames.attention(layer),
      normNames.ffn(layer)
    ].forEach((name, i) => indices.set(name, first + i));
  }
  return new Map(Array.from(indices, ([name, index]) => [name, tensorKey(seed, index)]));
}
