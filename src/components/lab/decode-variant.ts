import {createDecoder, type Decoder} from "../decode/decoder.js";
import {whyUnsupported} from "../decode/fit.js";
import {defaultGeometry} from "../decode/geometry.js";
import {createSyntheticWeights, type GpuWeights} from "../decode/gpu-weights.js";
import {dispatchesPerToken, type Factoring} from "../decode/plan.js";
import type {Gpu} from "../gpu/device.js";
import type {KernelFeature, Kernels} from "../gpu/kernels.js";
import type {Product} from "../model/product.js";
import {argmax, compareLogits, Reference} from "../model/reference.js";
import {groupSize, weightBytesPerToken, type Shape} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import type {DecodeIdentity, PrepareContext, Variant} from "./experiment.js";
import {logitTolerance, type Verification} from "./record.js";
import {VerificationError, type Subject} from "./subject.js";

export {logitTolerance} from "./record.js";

/**
 * Where every sample starts: attention reads a cache half full. What is in it then does not matter to the time, and it
 * was not computed; a slow variant would need minutes for that.
 */
const timedFrom = (shape: Shape) => Math.floor(shape.context / 2);

/** What decode variants need from where they run. */
export interface DecodeEnvironment {
  kernels: Kernels;
  /** Multiplies the reference's matrices, over workers in a page; in this thread by default. */
  createProduct?(shape: Shape): {product: Product; close(): void};
}

/** What the reference says about the first positions of a synthetic model. */
interface Expected {
  prompt: number[];
  /** Logits after each position: the prompt's, then of each token the model chose itself. */
  logits: Float64Array[];
  /** What greedy decoding chooses after the prompt. */
  chosen: number[];
}

/** What the variants of one run share: a run has a device of its own, and everything goes with it. */
interface Session {
  weights?: Promise<GpuWeights>;
  expected?: Promise<Expected>;
}

/** A row of a decode experiment: the model with synthetic weights, decoded by one factoring. */
export interface DecodeVariant extends Pick<DecodeIdentity, "variant" | "label"> {
  factoring: Factoring;
  features: readonly KernelFeature[];
}

/** Turns rows into variants that share a run's weights and its reference. */
export function decodeVariants(
  environment: DecodeEnvironment,
  shape: Shape,
  rows: readonly DecodeVariant[],
  sessions: WeakMap<Gpu, Session>
): Variant[] {
  return rows.map(({variant, label, factoring, features}) => ({
    identity: {
      variant,
      label,
      factoring,
      dispatchesPerToken: dispatchesPerToken(shape, factoring),
      workgroups: factoring === "fused" ? 1 : null,
      workgroupSize: null,
      features: [...features]
    },
    unsupported: ({description}) => whyUnsupported({shape, factoring, features}, description),
    async prepare(context) {
      const session = sessions.get(context.gpu) ?? {};
      sessions.set(context.gpu, session);
      const {device} = context.gpu;
      context.progress("making the weights", 0);
      const weights = await (session.weights ??= createSyntheticWeights(device, environment.kernels, shape));
      const expected = await (session.expected ??= computeExpected(environment, shape, context));
      const options = {shape, factoring, geometry: defaultGeometry(shape, features, context.gpu)};
      const decoder = await createDecoder(device, environment.kernels, weights, options);
      return new DecodeSubject(decoder, expected, () =>
        createDecoder(device, environment.kernels, weights, {...options, shape: partOf(shape)})
      );
    }
  }));
}

/**
 * A model small enough to be timed unasked, to predict the whole from: one layer with an eighth of the FFN and a
 * sixteenth of the vocabulary. It reads other weights than it should, which does not matter to the time.
 */
function partOf(shape: Shape): Shape {
  const ffn = Math.max(groupSize, Math.floor(shape.ffn / 8 / groupSize) * groupSize);
  return {...shape, layers: 1, ffn, vocabulary: Math.ceil(shape.vocabulary / 16)};
}

/** One factoring of a synthetic model, ready to be verified and timed. */
class DecodeSubject implements Subject {
  readonly maxUnits: number;

  constructor(
    private readonly decoder: Decoder,
    private readonly expected: Expected,
    private readonly createPart: () => Promise<Decoder>
  ) {
    this.maxUnits = decoder.shape.context - timedFrom(decoder.shape);
  }

  /** Of the one dispatch; where there are many, each stage has its own. */
  get workgroupSize() {
    const {plan} = this.decoder;
    return plan.length === 1 ? plan[0]!.workgroupSize : undefined;
  }

  async predictedMillisecondsPerUnit(signal: AbortSignal) {
    const {shape} = this.decoder;
    const part = await this.createPart();
    try {
      part.reset([0]);
      await part.run(1); // the first run pays for the driver's own compilation
      signal.throwIfAborted();
      const start = performance.now();
      await part.run(1);
      const milliseconds = performance.now() - start;
      return (milliseconds * weightBytesPerToken(shape)) / weightBytesPerToken(part.shape);
    } finally {
      part.destroy();
    }
  }

  async verify(signal: AbortSignal): Promise<Verification> {
    const {decoder, expected} = this;
    const {prompt, logits, chosen} = expected;
    decoder.reset(prompt);
    let maxRelativeError = 0;
    for (const [position, reference] of logits.entries()) {
      signal.throwIfAborted();
      await decoder.run(1);
      const error = compareLogits(await decoder.readLogits(), reference);
      if (!(error <= logitTolerance)) {
        throw new VerificationError(
          `logits at position ${position} differ from the float64 reference by ${error.toExponential(1)}, more than ${logitTolerance}`
        );
      }
      maxRelativeError = Math.max(maxRelativeError, error);
    }
    const tokens = (await decoder.readTokens()).slice(prompt.length);
    if (tokens.join() !== chosen.join()) {
      throw new VerificationError(
        `greedy tokens are ${tokens.join(", ")}; the float64 reference has ${chosen.join(", ")}`
      );
    }
    return {
      against: "float64 CPU reference",
      positions: logits.length,
      maxRelativeError,
      tolerance: logitTolerance,
      tokens: chosen.length
    };
  }

  restart() {
    const {prompt} = this.expected;
    const position = timedFrom(this.decoder.shape);
    const tokens = Array.from({length: position + 1}, (_, i) => prompt[i % prompt.length]!);
    this.decoder.reset(tokens, position);
  }

  async run(units: number) {
    if (this.decoder.position + units > this.decoder.shape.context) this.restart();
    await this.decoder.run(units);
  }

  destroy() {
    this.decoder.destroy();
  }
}

/** Two tokens of prompt, then one that the model chose, so that feeding a token back is checked too. */
async function computeExpected(
  {createProduct}: DecodeEnvironment,
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
