import type {Product} from "../model/product.js";
import {argmax, Reference} from "../model/reference.js";
import type {Shape} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import type {PrepareContext} from "./experiment.js";

/**
 * Where every sample starts: attention reads a cache half full. What is in it then does not matter to the time, and it
 * was not computed; a slow variant would need minutes for that.
 */
export const timedFrom = (shape: Shape) => Math.floor(shape.context / 2);

/** What the reference says about some positions of a synthetic model. */
export interface Expected {
  prompt: number[];
  /** Logits after each of the first positions: the prompt's, then of each token the model chose itself. */
  logits: Float64Array[];
  /** Where samples start, after what the cache holds of the first positions, over and over. */
  timed: {position: number; token: number; logits: Float64Array};
  /** What greedy decoding chooses after the prompt. */
  chosen: number[];
}

/** Multiplies the reference's matrices somewhere, until it is closed. */
export type CreateProduct = (shape: Shape) => {product: Product; close(): void};

/**
 * Two tokens of prompt, then one that the model chose, so that feeding a token back is checked too, and one position as
 * far on as those that are timed.
 */
export async function computeExpected(
  createProduct: CreateProduct | undefined,
  shape: Shape,
  {signal, progress}: PrepareContext
): Promise<Expected> {
  const prompt = [1, 306 % shape.vocabulary];
  const pool = createProduct?.(shape);
  try {
    let calls = 0;
    const reference = new Reference({
      shape,
      weights: syntheticWeights(shape),
      product: pool?.product,
      signal,
      progress: (message, fraction) => progress(`float64 reference on the CPU, ${message}`, (calls + fraction) / 3)
    });
    const logits = await reference.decode(prompt);
    const first = argmax(logits.at(-1)!);
    calls = 1;
    logits.push(...(await reference.decode([first])));
    calls = 2;
    const position = Math.max(timedFrom(shape), reference.position);
    const token = prompt[0]!;
    reference.repeatCache(position);
    const timed = {position, token, logits: (await reference.decode([token]))[0]!};
    return {prompt, logits, timed, chosen: [first, argmax(logits.at(-1)!)]};
  } finally {
    pool?.close();
  }
}
