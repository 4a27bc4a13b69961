import {readFileSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {retryStalled} from "../components/gpu/stalls.js";
import type {Decoder} from "../components/decode/decoder.js";
import {loadMlc, type MlcModel} from "../components/model/mlc.js";
import {folderReader} from "../components/model/mlc-node.js";
import {argmax, compareLogits, Reference} from "../components/model/reference.js";
import type {Shape} from "../components/model/shape.js";
import {syntheticWeights} from "../components/model/synthetic.js";
import type {WeightSource} from "../components/model/weights.js";

/** What a model must reproduce. */
export interface Expected {
  prompt: number[];
  /** Logits after each position of the prompt: `vocabulary` values each. */
  logits: ArrayLike<number>[];
  /** The tokens chosen after the prompt. */
  greedy: number[];
}

export type FixtureName = "phi3-tiny" | "phi3-tiny-deep";

export function fixtureFolder(name: FixtureName): string {
  return fileURLToPath(new URL(`../components/model/fixtures/${name}`, import.meta.url));
}

/** A fixture and what an independent implementation computes from it. */
export async function loadFixture(name: FixtureName): Promise<{model: MlcModel; expected: Expected}> {
  const folder = fixtureFolder(name);
  const model = await loadMlc(folderReader(folder), {id: name, maxContext: 256});
  const {prompt, greedy} = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as Expected;
  const values = new Float32Array(new Uint8Array(readFileSync(`${folder}/expected_logits.f32`)).buffer);
  const {vocabulary} = model.shape;
  const logits = prompt.map((_, position) => values.subarray(position * vocabulary, (position + 1) * vocabulary));
  return {model, expected: {prompt, logits, greedy}};
}

/** The first positions alone, and the one token that follows them. */
export function shorten({prompt, logits}: Expected, positions: number): Expected {
  const first = logits.slice(0, positions);
  return {prompt: prompt.slice(0, positions), logits: first, greedy: [argmax(first.at(-1)!)]};
}

/** What the float64 reference computes for a prompt made from the position, with synthetic weights by default. */
export async function expectFromReference(
  shape: Shape,
  {positions, tokens, weights = syntheticWeights(shape)}: {positions: number; tokens: number; weights?: WeightSource}
): Promise<Expected> {
  const prompt = Array.from({length: positions}, (_, i) => (1 + 37 * i) % shape.vocabulary);
  return {prompt, ...(await new Reference({shape, weights}).decodeGreedily(prompt, tokens))};
}

/** What a decoder computes where `expected` says what it should: the prompt one by one, then the rest at once. */
export async function decode(decoder: Decoder, {prompt, greedy}: Expected): Promise<Expected> {
  decoder.reset(prompt);
  const logits: Float32Array[] = [];
  while (logits.length < prompt.length) {
    await decoder.run(1);
    logits.push(await decoder.readLogits());
  }
  if (greedy.length > 1) await decoder.run(greedy.length - 1);
  const tokens = await decoder.readTokens();
  return {prompt, logits, greedy: tokens.slice(prompt.length, prompt.length + greedy.length)};
}

/**
 * The same, each position's logits from the start anew and in as few dispatches as the decoder has tokens in one: where
 * workgroups may wait in vain, each is tried again by itself.
 */
export async function decodeAnew(decoder: Decoder, {prompt, greedy}: Expected): Promise<Expected> {
  const run = <T>(positions: number, result: () => Promise<T>) =>
    retryStalled(async () => {
      decoder.reset(prompt);
      await decoder.run(positions);
      return result();
    });
  const logits: Float32Array[] = [];
  while (logits.length < prompt.length) logits.push(await run(logits.length + 1, () => decoder.readLogits()));
  const tokens = await run(prompt.length + Math.max(greedy.length, 1) - 1, () => decoder.readTokens());
  return {prompt, logits, greedy: tokens.slice(prompt.length, prompt.length + greedy.length)};
}

/** The largest relative error of logits over all positions. */
export function largestError(actual: Expected, expected: Expected): number {
  return Math.max(...expected.logits.map((logits, position) => compareLogits(actual.logits[position]!, logits)));
}
