import {dequantiseRow, inProcessProduct, type Product} from "./product.js";
import {checkShape, type Shape} from "./shape.js";
import {matrixNames, modelMatrices, normNames, type WeightSource} from "./weights.js";

export interface ReferenceOptions {
  shape: Shape;
  weights: WeightSource;
  /** How matrices are multiplied, by default in this thread. */
  product?: Product;
  signal?: AbortSignal;
  /** Told after each matrix: "layer 3 of 32", and the share of this call's weights that have been read. */
  progress?: (message: string, fraction: number) => void;
}

/**
 * The model in float64 on the CPU: what every kernel is checked against. It is written for clarity where time does not
 * matter, which is everywhere but in the matrix products.
 *
 * Phi-3's forward pass: RMSNorm, rotary embeddings in halves (NeoX), causal grouped-query attention, SwiGLU with the
 * gate's rows first, sequential residuals (transformers, `modular_phi3.py`).
 */
export class Reference {
  readonly #options: ReferenceOptions;
  readonly #product: Product;
  /** Per layer and position: kvHeads · headDim values, keys after rotation. */
  readonly #keys: Float64Array[][];
  readonly #values: Float64Array[][];
  readonly #frequencies: Float64Array;
  #position = 0;

  constructor(options: ReferenceOptions) {
    const {weights, product} = options;
    const shape = checkShape(options.shape);
    this.#options = options;
    this.#product = product ?? inProcessProduct(weights, modelMatrices(shape));
    this.#keys = Array.from({length: shape.layers}, () => []);
    this.#values = Array.from({length: shape.layers}, () => []);
    this.#frequencies = Float64Array.from(
      {length: shape.headDim / 2},
      (_, i) => shape.ropeTheta ** ((-2 * i) / shape.headDim)
    );
  }

  /** Positions in the KV cache. */
  get position(): number {
    return this.#position;
  }

  /** Empties the KV cache. */
  reset(): void {
    this.#position = 0;
  }

  /** Fills the cache up to `position` with what it holds, over and over: a long past without decoding it. */
  repeatCache(position: number): void {
    for (const entries of [...this.#keys, ...this.#values]) {
      for (let p = this.#position; p < position; ++p) entries[p] = entries[p % this.#position]!;
    }
    this.#position = Math.max(position, this.#position);
  }

  /**
   * Decodes the next positions together, reading every weight once for all of them.
   * @returns the logits after each token: `vocabulary` values each
   * @throws {Error} when a token is not in the vocabulary or the context would overflow; the signal's reason when
   * aborted. The cache then still holds what it held before.
   */
  async decode(tokens: readonly number[]): Promise<Float64Array[]> {
    const {shape, weights} = this.#options;
    this.#check(tokens);
    const stream = tokens.map((token) => dequantiseRow(weights, matrixNames.embedding, token, shape.hidden));
    const multiply = this.#countedProduct();
    for (let layer = 0; layer < shape.layers; ++layer) {
      const at = `layer ${layer + 1} of ${shape.layers}`;
      const qkv = await multiply(at, matrixNames.qkv(layer), this.#normalise(stream, normNames.attention(layer)));
      const attended = qkv.map((vector, i) => this.#attend(layer, this.#position + i, vector));
      addTo(stream, await multiply(at, matrixNames.o(layer), attended));
      const gateUp = await multiply(at, matrixNames.gateUp(layer), this.#normalise(stream, normNames.ffn(layer)));
      addTo(stream, await multiply(at, matrixNames.down(layer), gateUp.map(swiGlu)));
    }
    const logits = await multiply("LM head", matrixNames.lmHead, this.#normalise(stream, normNames.final));
    this.#position += tokens.length;
    return logits;
  }

  /**
   * Empties the cache, decodes the prompt and then `count` tokens, each the one with the largest logit (the lowest id
   * of equals).
   * @returns the logits after each position of the prompt, and the `count` chosen tokens
   */
  async decodeGreedily(prompt: readonly number[], count: number): Promise<{logits: Float64Array[]; greedy: number[]}> {
    this.reset();
    const logits = await this.decode(prompt);
    const greedy: number[] = [];
    let last = logits.at(-1)!;
    while (greedy.length < count) {
      greedy.push(argmax(last));
      if (greedy.length < count) [last] = (await this.decode(greedy.slice(-1))) as [Float64Array];
    }
    return {logits, greedy};
  }

  #check(tokens: readonly number[]): void {
    const {vocabulary, context, id} = this.#options.shape;
    if (!tokens.length) throw new Error("no tokens to decode");
    const unknown = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabulary);
    if (unknown !== undefined) throw new Error(`token ${unknown} is not one of the ${vocabulary} of shape ${id}`);
    const end = this.#position + tokens.length;
    if (end > context) throw new Error(`position ${end - 1} is outside the context of ${context} of shape ${id}`);
  }

  /** The product with progress and cancellation. */
  #countedProduct() {
    const {shape, signal, progress} = this.#options;
    const sizes = modelMatrices(shape);
    sizes.delete(matrixNames.embedding);
    const weightsOf = (name: string) => sizes.get(name)!.rows * sizes.get(name)!.columns;
    const total = Array.from(sizes.keys(), weightsOf).reduce((sum, n) => sum + n, 0);
    let done = 0;
    return async (at: string, matrix: string, inputs: Float64Array[]) => {
      signal?.throwIfAborted();
      const outputs = await this.#product(matrix, inputs, signal);
      done += weightsOf(matrix);
      progress?.(at, done / total);
      return outputs;
    };
  }

  /** weight · x / √(mean(x²) + ε). */
  #normalise(vectors: readonly Float64Array[], norm: string): Float64Array[] {
    const {shape, weights} = this.#options;
    const weight = new Float64Array(shape.hidden);
    weights.readNorm(norm, weight);
    return vectors.map((x) => {
      const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
      const factor = 1 / Math.sqrt(meanSquare + shape.epsilon);
      return x.map((value, i) => value * factor * weight[i]!);
    });
  }

  /** Rotates query and key, appends key and value to the cache and attends to positions 0 … `position`. */
  #attend(layer: number, position: number, qkv: Float64Array): Float64Array {
    const {heads, kvHeads, headDim} = this.#options.shape;
    const query = qkv.slice(0, heads * headDim);
    const key = qkv.slice(heads * headDim, (heads + kvHeads) * headDim);
    const value = qkv.slice((heads + kvHeads) * headDim);
    this.#rotate(query, position);
    this.#rotate(key, position);
    const keys = this.#keys[layer]!;
    const values = this.#values[layer]!;
    keys[position] = key;
    values[position] = value;

    const output = new Float64Array(heads * headDim);
    for (let head = 0; head < heads; ++head) {
      const from = head * headDim;
      const kvFrom = Math.floor((head * kvHeads) / heads) * headDim;
      const scores = new Float64Array(position + 1);
      for (let p = 0; p <= position; ++p) {
        for (let d = 0; d < headDim; ++d) scores[p]! += query[from + d]! * keys[p]![kvFrom + d]!;
        scores[p]! /= Math.sqrt(headDim);
      }
      const probabilities = softmax(scores);
      for (let p = 0; p <= position; ++p) {
        for (let d = 0; d < headDim; ++d) output[from + d]! += probabilities[p]! * values[p]![kvFrom + d]!;
      }
    }
    return output;
  }

  /** Rotary embedding in place: element i of a head pairs with element i + headDim / 2. */
  #rotate(vector: Float64Array, position: number): void {
    const half = this.#frequencies.length;
    for (let from = 0; from < vector.length; from += 2 * half) {
      for (let i = 0; i < half; ++i) {
        const angle = position * this.#frequencies[i]!;
        const a = vector[from + i]!;
        const b = vector[from + half + i]!;
        vector[from + i] = a * Math.cos(angle) - b * Math.sin(angle);
        vector[from + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
      }
    }
  }
}

/**
 * The relative error of logits: the largest |actual − expected| over the largest |expected|. Infinity when any value
 * is not finite.
 * @throws {Error} when the lengths differ.
 */
export function compareLogits(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} logits compared with ${expected.length}`);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; ++i) {
    const apart = Math.abs(actual[i]! - expected[i]!);
    if (!Number.isFinite(apart)) return Infinity;
    difference = Math.max(difference, apart);
    largest = Math.max(largest, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / largest;
}

/** The index of the largest value, the lowest one of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; ++i) if (values[i]! > values[best]!) best = i;
  return best;
}

function addTo(stream: Float64Array[], added: readonly Float64Array[]): void {
  stream.forEach((x, p) => x.forEach((value, i) => (x[i] = value + added[p]![i]!)));
}

function softmax(scores: Float64Array): Float64Array {
  const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = scores.map((score) => Math.exp(score - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** up · silu(gate), where the first half is the gate. */
function swiGlu(gateUp: Float64Array): Float64Array {
  const half = gateUp.length / 2;
  return gateUp.slice(0, half).map((gate, i) => (gateUp[half + i]! * gate) / (1 + Math.exp(-gate)));
}
