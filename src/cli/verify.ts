import {readFileSync, statSync} from "node:fs";
import {basename, join, resolve} from "node:path";
import * as z from "zod";
import {createDecoder} from "../components/decode/decoder.js";
import {whyUnplanned, whyUnsupported} from "../components/decode/fit.js";
import {defaultGeometry} from "../components/decode/geometry.js";
import {uploadWeights} from "../components/decode/gpu-weights.js";
import {arithmetics, factorings, type Arithmetic, type Factoring} from "../components/decode/plan.js";
import type {Gpu} from "../components/gpu/device.js";
import {StalledError} from "../components/gpu/errors.js";
import {retryStalled} from "../components/gpu/stalls.js";
import {featuresOf, kernelFeatures, type KernelFeature, type Kernels} from "../components/gpu/kernels.js";
import {logitTolerances} from "../components/lab/record.js";
import {loadMlc, type MlcModel} from "../components/model/mlc.js";
import {parseJson} from "../components/model/mlc-manifest.js";
import {folderReader} from "../components/model/mlc-node.js";
import type {Shape} from "../components/model/shape.js";
import {compareLogits, Reference} from "../components/model/reference.js";
import {readKernels} from "../data/read-kernels.js";
import {fail, parseArguments, print} from "./command.js";
import {openDawnGpu} from "./dawn.js";

/** The fewest that wait for each other. */
const severalWorkgroups = 2;

const usage = `Checks every factoring on a folder of weights in MLC's q4f16_1 format.

usage: npm run verify -- DIR [--factoring NAME] [--without FEATURE,…] [--tokens N] [--allow-waits]

  DIR           tensor-cache.json or ndarray-cache.json, shards and mlc-chat-config.json; with expected.json and
                expected_logits.f32 it is checked against those, else against this project's float64 reference
  --factoring   ${factorings.join(", ")}; all by default
  --without     features not to use: ${kernelFeatures.join(", ")}
  --tokens      greedy tokens to compare where there is no expected.json, 8 by default
  --allow-waits
                also checks fused by ${severalWorkgroups} workgroups that wait for each other, which WebGPU does not promise to work:
                the GPU may stall and be reset, and some machines had to be rebooted

One line a factoring and arithmetic, as in fused-int16: the largest relative error of its logits, and the first token
that differs or none. It exits with 1 when a token differs, or an error is over ${logitTolerances.float32} with float32 activations or
${logitTolerances.int16} with 16-bit ones.`;

const expectedName = "expected.json";

/** Positions decoded at most, so that a long window takes no memory. */
const maxContext = 256;

/** What a model must reproduce: logits after each prompt position, and the tokens that follow. */
interface Expected {
  prompt: number[];
  logits: ArrayLike<number>[];
  greedy: number[];
}

process.exit(await main(process.argv.slice(2)).catch((error: Error) => fail(error.message)));

async function main(args: string[]): Promise<number> {
  const {values, positionals} = parse(args);
  if (values.help) return print(usage);
  const [folder] = positionals;
  if (!folder || positionals.length > 1) return fail(usage);
  const chosen = factorings.filter((name) => values.factoring === undefined || name === values.factoring);
  if (chosen.length === 0)
    return fail(`There is no factoring ${values.factoring || "without a name"}; there are ${factorings.join(", ")}.`);
  const without = values.without?.split(",").map((name) => name.trim()) ?? [];
  const unknown = without.find((name) => !(kernelFeatures as readonly string[]).includes(name));
  if (unknown !== undefined) {
    return fail(`No kernel uses a feature ${unknown || "without a name"}; they use ${kernelFeatures.join(", ")}.`);
  }
  const tokens = Number(values.tokens ?? 8);
  if (!Number.isInteger(tokens) || tokens < 1) return fail(`--tokens takes a positive integer, not ${values.tokens}.`);
  checkFolder(folder);

  const model = await loadMlc(folderReader(folder), {id: basename(resolve(folder)), maxContext});
  for (const file of model.unsummed) console.log(`${file}: no checksum in the manifest, only its size was checked`);
  const expected = (await readExpected(folder, model)) ?? (await computeExpected(model, tokens));
  const gpu = await openDawnGpu();
  let uncaptured = "";
  gpu.onError((error) => (uncaptured ||= error.message));
  const features = featuresOf(gpu.description).filter((name) => !without.includes(name));
  console.log(`${model.shape.label} on ${gpu.description.label}, ${features.join(", ") || "no optional feature"}`);
  const weights = await uploadWeights(gpu.device, model.shape, model.tensors);
  const kernels = readKernels();
  let failures = 0;
  for (const launch of launchesOf(chosen, values["allow-waits"])) {
    const {line, matches} = await verify(gpu, kernels, {...launch, features, model, weights, expected});
    console.log(line);
    failures += matches ? 0 : 1;
  }
  weights.destroy();
  gpu.destroy();
  if (uncaptured) return fail(`The device reported an error: ${uncaptured}`);
  return failures ? 1 : 0;
}

function parse(args: string[]) {
  return parseArguments(
    {
      args,
      allowPositionals: true,
      options: {
        factoring: {type: "string"},
        without: {type: "string"},
        tokens: {type: "string"},
        "allow-waits": {type: "boolean", default: false},
        help: {type: "boolean", short: "h"}
      }
    },
    usage
  );
}

/** @throws {Error} when there is no such folder. */
function checkFolder(folder: string): void {
  const found = statSync(folder, {throwIfNoEntry: false});
  if (!found) throw new Error(`There is no folder ${folder}, so its mlc-chat-config.json is missing.`);
  if (!found.isDirectory()) throw new Error(`${folder} is not a folder: name the one that it is in.`);
}

/** What one line is about. */
interface Launch {
  factoring: Factoring;
  workgroups: number;
  arithmetic: Arithmetic;
}

/** Every factoring in every arithmetic, the fused one also by several workgroups where they may wait. */
function launchesOf(chosen: readonly Factoring[], allowWaits: boolean): Launch[] {
  return chosen.flatMap((factoring) =>
    (factoring === "fused" && allowWaits ? [1, severalWorkgroups] : [1]).flatMap((workgroups) =>
      arithmetics.map((arithmetic) => ({factoring, workgroups, arithmetic}))
    )
  );
}

function nameOf({factoring, workgroups, arithmetic}: Launch): string {
  return [factoring, ...(workgroups > 1 ? [workgroups] : []), ...(arithmetic === "int16" ? [arithmetic] : [])].join(
    "-"
  );
}

interface Check extends Launch {
  features: readonly KernelFeature[];
  model: MlcModel;
  weights: Awaited<ReturnType<typeof uploadWeights>>;
  expected: Expected;
}

async function verify(gpu: Gpu, kernels: Kernels, check: Check) {
  const {device, description} = gpu;
  const {factoring, workgroups, arithmetic, features, model, weights, expected} = check;
  const name = nameOf(check).padEnd(13);
  const {shape} = model;
  const tokensPerDispatch = workgroups > 1 ? 16 : 1;
  const geometry = {...defaultGeometry(shape, features, description, arithmetic), workgroups, tokensPerDispatch};
  const unsupported =
    whyUnsupported({shape, factoring, features, arithmetic}, description) ??
    whyUnplanned(shape, factoring, geometry, description);
  if (unsupported) return {line: `${name} not run: ${unsupported}`, matches: false};
  const decoder = await createDecoder(device, kernels, weights, {shape, factoring, geometry});
  const decode = async () => {
    decoder.reset(expected.prompt);
    let error = 0;
    for (const logits of expected.logits) {
      await decoder.run(1);
      error = Math.max(error, compareLogits(await decoder.readLogits(), logits));
    }
    if (expected.greedy.length > 1) await decoder.run(expected.greedy.length - 1);
    return {error, tokens: (await decoder.readTokens()).slice(expected.prompt.length)};
  };
  try {
    const {error, tokens} = await (description.software ? retryStalled(decode) : decode());
    const different = expected.greedy.findIndex((token, i) => token !== tokens[i]);
    const first =
      different < 0
        ? `none of ${tokens.length}`
        : `token ${different}, ${tokens[different]} for ${expected.greedy[different]}`;
    const line = `${name} max relative error ${error.toExponential(2)}, first differing token: ${first}`;
    return {line, matches: error <= logitTolerances[arithmetic] && different < 0};
  } catch (error) {
    if (error instanceof StalledError) return {line: `${name} stalled: ${error.message}`, matches: false};
    throw error;
  } finally {
    decoder.destroy();
  }
}

/**
 * The folder's own expectation, from an independent implementation, or null.
 * @throws {Error} naming the file that does not fit the model.
 */
async function readExpected(folder: string, {shape}: MlcModel): Promise<Expected | null> {
  const bytes = await folderReader(folder)(expectedName);
  if (!bytes) return null;
  const {prompt, greedy, logits} = parseExpected(bytes, shape);
  const [positions, vocabulary] = logits.shape;
  const path = join(folder, logits.file);
  if (!statSync(path, {throwIfNoEntry: false})?.isFile()) {
    throw new Error(`${logits.file} is missing: ${expectedName} says that the logits are in it`);
  }
  const file = readFileSync(path);
  if (positions !== prompt.length || vocabulary !== shape.vocabulary || file.length !== 4 * positions * vocabulary) {
    throw new Error(
      `${logits.file}: ${file.length} bytes for [${logits.shape.join(", ")}] logits of ${prompt.length} tokens over ${shape.vocabulary}`
    );
  }
  const values = new Float32Array(new Uint8Array(file).buffer);
  return {
    prompt,
    greedy,
    logits: prompt.map((_, position) => values.subarray(position * vocabulary, (position + 1) * vocabulary))
  };
}

function parseExpected(bytes: Uint8Array, {vocabulary, context}: Shape) {
  const token = z
    .int()
    .nonnegative()
    .max(vocabulary - 1, `not a token of the vocabulary of ${vocabulary}`);
  const schema = z
    .object({
      prompt: z.array(token).min(1),
      greedy: z.array(token).min(1),
      logits: z.object({file: z.string().min(1), shape: z.tuple([z.int(), z.int()])})
    })
    .refine(
      ({prompt, greedy}) => positionsOf(prompt, greedy.length) <= context,
      `prompt and greedy tokens take more positions than the context of ${context}`
    );
  return parseJson(expectedName, bytes, schema);
}

/** Positions decoded until the last of some tokens has been chosen. */
function positionsOf(prompt: readonly number[], tokens: number): number {
  return prompt.length + tokens - 1;
}

/** What this project's float64 reference says about a short prompt. */
async function computeExpected({shape, weights}: MlcModel, tokens: number): Promise<Expected> {
  const prompt = [1, 306 % shape.vocabulary, 42 % shape.vocabulary];
  const positions = positionsOf(prompt, tokens);
  if (positions > shape.context) {
    const most = tokens - (positions - shape.context);
    throw new Error(
      `--tokens ${tokens} takes ${positions} positions, more than the context of ${shape.context}: ${most} at most`
    );
  }
  return {prompt, ...(await new Reference({shape, weights}).decodeGreedily(prompt, tokens))};
}
