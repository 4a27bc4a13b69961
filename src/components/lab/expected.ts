import type {Product} from "../model/product.js";
import {argmax, Reference} from "../model/reference.js";
import type {Shape} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import type {PrepareContext} from "./experiment.js";

/** What the reference says about the first positions of a synthetic model. */
export interface Expected {
  prompt: number[];
  /** Logits after each position: the prompt's, then of each token the model chose itself. */
  logits: Float64Array[];
  /** What greedy decoding chooses after the prompt. */
  chosen: number[];
}

/** Multiplies the reference's matrices somewhere, until it is closed. */
export type CreateProduct = (shape: Shape) => {product: Product; close(): void};

/** Two tokens of prompt, then one that the model chose, so that feeding a token back is checked too. */
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
      progress: (message, fraction) => progress(`float64 reference on the CPU, ${message}`, (calls + fraction) / 2)
    });
    const logits = await reference.decode(prompt);
    const first = argmax(logits.at(-1)!);
    calls = 1;
    logits.push(...(await reference.decode([first])));
    return {prompt, logits, chosen: [first, argmax(logits.at(-1)!)]};
  } finally {
    pool?.close();
  }
}
