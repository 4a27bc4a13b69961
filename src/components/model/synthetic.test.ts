import {Float16Array} from "@petamoriken/float16";
import {describe, expect, it} from "vitest";
import {shapes} from "./shape.js";
import {
  mix,
  scaleExponent,
  syntheticNorm,
  syntheticScale,
  syntheticTensors,
  syntheticWeights,
  syntheticWord
} from "./synthetic.js";
import {matrixNames, modelMatrices, normNames} from "./weights.js";

const shape = shapes.tiny;
const weights = syntheticWeights(shape, 1);

describe("mix", () => {
  it("is lowbias32 in 32-bit arithmetic", () => {
    const wide = (x: bigint) => {
      x ^= x >> 16n;
      x = (x * 0x7feb352dn) & 0xffffffffn;
      x ^= x >> 15n;
      x = (x * 0x846ca68bn) & 0xffffffffn;
      return x ^ (x >> 16n);
    };
    for (const x of [0, 1, 2, 0x7fffffff, 0x80000000, 0x9e3779b9, 0xffffffff]) {
      expect(mix(x)).toBe(Number(wide(BigInt(x))));
      expect(mix(x | 0)).toBe(mix(x));
    }
  });
});

describe("synthetic words", () => {
  it("never hold a nibble 15 and hold 7 twice as often as any other", () => {
    const counts = new Array<number>(16).fill(0);
    const words = 100_000;
    for (let i = 0; i < words; ++i) {
      const word = syntheticWord(12345, i);
      for (let bit = 0; bit < 32; bit += 4) counts[(word >>> bit) & 15]! += 1;
    }
    expect(counts[15]).toBe(0);
    const expected = (words * 8) / 16;
    const spread = 6 * Math.sqrt(expected * 2);
    counts.slice(0, 15).forEach((count, nibble) => {
      expect(Math.abs(count - expected * (nibble === 7 ? 2 : 1))).toBeLessThan(spread);
    });
  });

  it("change a nibble of the hash only where it is 15", () => {
    const nibbles = (word: number) => [...word.toString(16).padStart(8, "0")];
    for (let i = 0; i < 1000; ++i) {
      const expected = nibbles(mix(99 + i)).map((nibble) => (nibble === "f" ? "7" : nibble));
      expect(nibbles(syntheticWord(99, i))).toEqual(expected);
    }
  });

  it("are a row of the matrix counted from its first word", () => {
    const {key} = syntheticTensors(shape, 1).find(({name}) => name === "transformer.h.1.mlp.down_proj.q_weight")!;
    const words = new Uint32Array(512 / 8);
    weights.readWords(matrixNames.down(1), 3, words);
    expect([...words]).toEqual(Array.from({length: 64}, (_, c) => syntheticWord(key, 3 * 64 + c)));
  });

  it("wrap at 32 bits", () => {
    expect(syntheticWord(0xffffffff, 3)).toBe(syntheticWord(1, 1));
  });
});

describe("synthetic scales and norms", () => {
  it("are exact float16 values with the documented bits", () => {
    for (const exponent of [-14, -9, -3]) {
      for (let i = 0; i < 1000; ++i) {
        const value = syntheticScale(7, i, exponent);
        const m = mix((7 ^ 0x5ca1ab1e) + i) >>> 29;
        expect(halfBits(value)).toEqual({value, bits: ((exponent + 15) << 10) | (m << 7)});
      }
    }
    const seen = new Set<number>();
    for (let i = 0; i < 1000; ++i) {
      const value = syntheticNorm(7, i);
      const n = value * 16;
      seen.add(n);
      const bits = n < 16 ? (14 << 10) | ((n - 8) << 7) : (15 << 10) | ((n - 16) << 6);
      expect(halfBits(value)).toEqual({value, bits});
    }
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({length: 16}, (_, i) => i + 8));
  });

  it("give each output of a matrix an RMS near 1 for an input of RMS 1", () => {
    for (const [name, {columns}] of modelMatrices(shapes["phi3-mini-1-layer"])) {
      const source = syntheticWeights(shapes["phi3-mini-1-layer"]);
      const words = new Uint32Array(columns / 8);
      const scales = new Float64Array(columns / 32);
      let sum = 0;
      for (let row = 0; row < 20; ++row) {
        source.readWords(name, row, words);
        source.readScales(name, row, scales);
        for (let k = 0; k < columns; ++k) {
          const weight = (((words[k >> 3]! >>> (4 * (k & 7))) & 15) - 7) * scales[k >> 5]!;
          sum += weight * weight;
        }
      }
      const rms = Math.sqrt(sum / 20 / (name === matrixNames.embedding ? columns : 1));
      expect(rms, name).toBeGreaterThan(0.7);
      expect(rms, name).toBeLessThan(1.5);
    }
  });

  it("have an exponent that follows the number of columns, and is never subnormal", () => {
    expect(scaleExponent(matrixNames.lmHead, 3072)).toBe(-8);
    expect(scaleExponent(matrixNames.down(0), 8192)).toBe(-9);
    expect(scaleExponent(matrixNames.embedding, 3072)).toBe(-3);
    expect(scaleExponent(matrixNames.qkv(0), 2 ** 30)).toBe(-14);
  });
});

describe("syntheticWeights", () => {
  it("has these values for ever: records refer to them", () => {
    const words = new Uint32Array(shape.hidden / 8);
    const scales = new Float64Array(shape.hidden / 32);
    const norm = new Float64Array(shape.hidden);
    weights.readWords(matrixNames.embedding, 5, words);
    weights.readScales(matrixNames.gateUp(1), 700, scales);
    weights.readNorm(normNames.final, norm);
    expect({
      words: Array.from(words.slice(0, 3), (word) => word.toString(16)),
      scales: [...scales.slice(0, 3)],
      norm: [...norm.slice(0, 3)]
    }).toMatchInlineSnapshot(`
      {
        "norm": [
          0.875,
          1.125,
          1.0625,
        ],
        "scales": [
          0.025390625,
          0.015625,
          0.029296875,
        ],
        "words": [
          "56b7ad1d",
          "93c288",
          "4384e977",
        ],
      }
    `);
  });

  it("differs between seeds, tensors and rows", () => {
    const read = (seed: number, matrix: string, row: number) => {
      const words = new Uint32Array(4);
      syntheticWeights(shape, seed).readWords(matrix, row, words);
      return String(words);
    };
    const rows = [
      read(1, matrixNames.embedding, 0),
      read(2, matrixNames.embedding, 0),
      read(1, matrixNames.lmHead, 0),
      read(1, matrixNames.qkv(0), 0),
      read(1, matrixNames.qkv(1), 0),
      read(1, matrixNames.o(0), 0),
      read(1, matrixNames.embedding, 1)
    ];
    expect(new Set(rows).size).toBe(rows.length);
  });

  it("names what the shape does not have", () => {
    expect(() => weights.readNorm(normNames.ffn(2), new Float64Array(192))).toThrow(
      "shape tiny has no tensor transformer.h.2.post_attention_layernorm.weight"
    );
  });
});

describe("syntheticTensors", () => {
  it("lists every tensor once, with a key of its own for each matrix and norm", () => {
    const tensors = syntheticTensors(shape, 1);
    expect(tensors).toHaveLength(2 * (2 + 4 * shape.layers) + 2 * shape.layers + 1);
    expect(new Set(tensors.map(({name}) => name)).size).toBe(tensors.length);
    expect(new Set(tensors.map(({key}) => key)).size).toBe(2 + 4 * shape.layers + 2 * shape.layers + 1);
    expect(tensors[0]).toEqual({
      name: "transformer.embd.q_weight",
      key: mix(1 ^ 0x9e3779b9),
      kind: "words",
      count: (512 * 192) / 8,
      exponent: 0
    });
    expect(tensors[1]).toMatchObject({name: "transformer.embd.q_scale", kind: "scales", count: 512 * 6, exponent: -3});
  });

  it("numbers the tensors of layer l from 16 + 8 l", () => {
    const keyOf = (name: string) => syntheticTensors(shape, 1).find((tensor) => tensor.name === name)!.key;
    const keyAt = (index: number) => mix(1 ^ Math.imul(index + 1, 0x9e3779b9));
    expect(keyOf("lm_head.q_scale")).toBe(keyAt(1));
    expect(keyOf(normNames.final)).toBe(keyAt(2));
    expect(keyOf("transformer.h.1.mixer.qkv_proj.q_weight")).toBe(keyAt(24));
    expect(keyOf("transformer.h.1.mixer.out_proj.q_weight")).toBe(keyAt(25));
    expect(keyOf("transformer.h.1.mlp.gate_up_proj.q_weight")).toBe(keyAt(26));
    expect(keyOf("transformer.h.1.mlp.down_proj.q_weight")).toBe(keyAt(27));
    expect(keyOf(normNames.attention(1))).toBe(keyAt(28));
    expect(keyOf(normNames.ffn(1))).toBe(keyAt(29));
  });
});

function halfBits(value: number): {value: number; bits: number} {
  const half = Float16Array.of(value);
  return {value: half[0]!, bits: new Uint16Array(half.buffer)[0]!};
}
