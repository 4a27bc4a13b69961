import {groupSize, type MatrixSize} from "./shape.js";
import type {WeightSource} from "./weights.js";

/**
 * Multiplies a quantised matrix by some vectors: `inputs` are `columns` long, what it resolves with is as many
 * vectors of `rows`. Rejects with the signal's reason when aborted.
 */
export type Product = (
  matrix: string,
  inputs: readonly Float64Array[],
  signal?: AbortSignal
) => Promise<Float64Array[]>;

/** Milliseconds of work between two turns of the event loop. */
const sliceMilliseconds = 40;

/** A product computed in this thread, in slices of about 40 ms between which events are handled. */
export function inProcessProduct(weights: WeightSource, sizes: ReadonlyMap<string, MatrixSize>): Product {
  return async (matrix, inputs, signal) => {
    const {rows} = sizes.get(matrix)!;
    const outputs = inputs.map(() => new Float64Array(rows));
    for (let row = 0; row < rows;) {
      signal?.throwIfAborted();
      const end = performance.now() + sliceMilliseconds;
      while (row < rows && performance.now() < end) {
        const next = Math.min(rows, row + 16);
        multiplyRows(weights, matrix, row, next, inputs, outputs);
        row = next;
      }
      if (row < rows) await new Promise((resolve) => setTimeout(resolve));
    }
    return outputs;
  };
}

/**
 * Computes rows `from` to `to` (exclusive) of a matrix times each input and stores them in each output from index
 * `from − offset` on. A row is read once for all inputs.
 */
export function multiplyRows(
  weights: WeightSource,
  matrix: string,
  from: number,
  to: number,
  inputs: readonly Float64Array[],
  outputs: readonly Float64Array[],
  offset = 0
): void {
  const columns = inputs[0]!.length;
  const words = new Uint32Array(columns / 8);
  const scales = new Float64Array(columns / groupSize);
  const three = new Float64Array(3);
  const inThrees = inputs.length - (inputs.length % 3);
  for (let row = from; row < to; ++row) {
    weights.readWords(matrix, row, words);
    weights.readScales(matrix, row, scales);
    let p = 0;
    for (; p < inThrees; p += 3) {
      dotThree(words, scales, inputs[p]!, inputs[p + 1]!, inputs[p + 2]!, three);
      for (let i = 0; i < 3; ++i) outputs[p + i]![row - offset] = three[i]!;
    }
    for (; p < inputs.length; ++p) outputs[p]![row - offset] = dot(words, scales, inputs[p]!);
  }
}

/** Row `row` of a matrix as numbers: (nibble − 7) · scale for each of `columns`. */
export function dequantiseRow(weights: WeightSource, matrix: string, row: number, columns: number): Float64Array {
  const words = new Uint32Array(columns / 8);
  const scales = new Float64Array(columns / groupSize);
  weights.readWords(matrix, row, words);
  weights.readScales(matrix, row, scales);
  return Float64Array.from(
    {length: columns},
    (_, k) => (((words[k >>> 3]! >>> (4 * (k & 7))) & 15) - 7) * scales[Math.floor(k / groupSize)]!
  );
}

function dot(words: Uint32Array, scales: Float64Array, x: Float64Array): number {
  let sum = 0;
  for (let g = 0, c = 0, k = 0; g < scales.length; ++g) {
    let even = 0;
    let odd = 0;
    for (const end = c + 4; c < end; ++c, k += 8) {
      const w = words[c]!;
      even += ((w & 15) - 7) * x[k]! + (((w >>> 8) & 15) - 7) * x[k + 2]!;
      odd += (((w >>> 4) & 15) - 7) * x[k + 1]! + (((w >>> 12) & 15) - 7) * x[k + 3]!;
      even += (((w >>> 16) & 15) - 7) * x[k + 4]! + (((w >>> 24) & 15) - 7) * x[k + 6]!;
      odd += (((w >>> 20) & 15) - 7) * x[k + 5]! + ((w >>> 28) - 7) * x[k + 7]!;
    }
    sum += (even + odd) * scales[g]!;
  }
  return sum;
}

/** `dot` with three inputs at once: unpacking a word costs as much as one of them. */
function dotThree(
  words: Uint32Array,
  scales: Float64Array,
  x: Float64Array,
  y: Float64Array,
  z: Float64Array,
  sums: Float64Array
): void {
  let sumX = 0;
  let sumY = 0;
  let sumZ = 0;
  for (let g = 0, c = 0, k = 0; g < scales.length; ++g) {
    let a = 0;
    let b = 0;
    let d = 0;
    for (const end = c + 4; c < end; ++c, k += 8) {
      const w = words[c]!;
      const n0 = (w & 15) - 7;
      const n1 = ((w >>> 4) & 15) - 7;
      const n2 = ((w >>> 8) & 15) - 7;
      const n3 = ((w >>> 12) & 15) - 7;
      const n4 = ((w >>> 16) & 15) - 7;
      const n5 = ((w >>> 20) & 15) - 7;
      const n6 = ((w >>> 24) & 15) - 7;
      const n7 = (w >>> 28) - 7;
      a +=
        n0 * x[k]! +
        n1 * x[k + 1]! +
        n2 * x[k + 2]! +
        n3 * x[k + 3]! +
        (n4 * x[k + 4]! + n5 * x[k + 5]! + n6 * x[k + 6]! + n7 * x[k + 7]!);
      b +=
        n0 * y[k]! +
        n1 * y[k + 1]! +
        n2 * y[k + 2]! +
        n3 * y[k + 3]! +
        (n4 * y[k + 4]! + n5 * y[k + 5]! + n6 * y[k + 6]! + n7 * y[k + 7]!);
      d +=
        n0 * z[k]! +
        n1 * z[k + 1]! +
        n2 * z[k + 2]! +
        n3 * z[k + 3]! +
        (n4 * z[k + 4]! + n5 * z[k + 5]! + n6 * z[k + 6]! + n7 * z[k + 7]!);
    }
    const scale = scales[g]!;
    sumX += a * scale;
    sumY += b * scale;
    sumZ += d * scale;
  }
  sums[0] = sumX;
  sums[1] = sumY;
  sums[2] = sumZ;
}
