import {layColumns} from "../decode/column-weights.js";
import {createDecoder, type Decoder} from "../decode/decoder.js";
import {mostWorkgroups, whyUnsupported} from "../decode/fit.js";
import {defaultGeometry} from "../decode/geometry.js";
import {expandWeights} from "../decode/expanded-weights.js";
import {createSyntheticWeights, type GpuWeights} from "../decode/gpu-weights.js";
import {readsColumns, type KernelOptions} from "../decode/kernel-options.js";
import {dispatchesPerToken, divideLayers, isOneKernel, leastLanes, linkConditions, planToken} from "../decode/plan.js";
import type {ActivationPlace, Arithmetic, Factoring, Geometry, KernelGeometry} from "../decode/plan.js";
import {residencyKey, type ResidencyMemory} from "../decode/residency.js";
import type {Gpu} from "../gpu/device.js";
import {featuresOf, kernelFeatures, type KernelFeature, type Kernels} from "../gpu/kernels.js";
import type {Product} from "../model/product.js";
import {argmax, compareLogits, Reference} from "../model/reference.js";
import {groupSize, weightBytesPerToken, type Shape, type WeightFormat} from "../model/shape.js";
import {syntheticWeights} from "../model/synthetic.js";
import type {DecodeIdentity, PrepareContext, Variant} from "./experiment.js";
import {logitTolerances, type Verification} from "./record.js";
import {createResidentDecoder} from "./resident-decoder.js";
import {VerificationError, type Subject} from "./subject.js";

/**
 * Where every sample starts: attention reads a cache half full. What is in it then does not matter to the time, and it
 * was not computed; a slow variant would need minutes for that.
 */
export const timedFrom = (shape: Shape) => Math.floor(shape.context / 2);

/** What decode variants need from where they run. */
export interface DecodeEnvironment {
  kernels: Kernels;
  /** Multiplies the reference's matrices, over workers in a page; in this thread by default. */
  createProduct?(shape: Shape): {product: Product; close(): void};
  /** What was found before of how many workgroups a device holds; counted anew each time without it. */
  residency?: ResidencyMemory;
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
export interface Session {
  weights?: Partial<Record<WeightFormat, Promise<GpuWeights>>>;
  /** Those in int4, column by column. */
  columns?: Promise<GpuWeights>;
  expected?: Promise<Expected>;
}

/** A row of a decode experiment: the model with synthetic weights, decoded by one factoring. */
export interface DecodeVariant extends Pick<DecodeIdentity, "variant" | "label"> {
  factoring: Factoring;
  /** Optional features of its kernels, without which it does not run; by default as many of them as the device has. */
  features?: readonly KernelFeature[];
  /** float32 by default. */
  arithmetic?: Arithmetic;
  /** Workgroup memory by default. */
  activationsIn?: ActivationPlace;
  /** Of the fused factoring: one by default, or as many as the device holds at once. */
  workgroups?: number | "resident";
  /** Of the fused factoring: one by default. */
  tokensPerDispatch?: number;
  /** Of the chunked factoring: over how many the layers are divided. */
  dispatches?: number;
  /** The CPU waits for each dispatch before it submits the next one. */
  awaited?: boolean;
  /** Each dispatch is a submit of its own, and the CPU waits for the last of them. */
  apart?: boolean;
  /** int4 by default. */
  weightFormat?: WeightFormat;
  /** What differs from the geometry that the fused kernel starts with. */
  kernel?: Partial<KernelGeometry>;
  /** Invocations of a team, where there are no subgroups. */
  lanes?: number;
  /** Of one workgroup. */
  options?: KernelOptions;
}

/** Most workgroups that are tried: more than any GPU is known to hold of such a kernel. */
const mostTried = {hardware: 4096, software: 4};

/** Turns rows into variants that share a run's weights and its reference. */
export function decodeVariants(
  environment: DecodeEnvironment,
  shape: Shape,
  rows: readonly DecodeVariant[],
  sessions: WeakMap<Gpu, Session>
): Variant[] {
  return rows.map((row) => {
    const {variant, label, factoring, arithmetic = "float32", workgroups = 1, tokensPerDispatch = 1} = row;
    const {features = kernelFeatures, dispatches = 1, awaited = false, apart = false, weightFormat = "int4"} = row;
    const waits = workgroups !== 1;
    const layersPerDispatch = factoring === "chunked" ? divideLayers(shape, dispatches) : null;
    return {
      identity: {
        variant,
        label,
        factoring,
        arithmetic,
        dispatchesPerToken:
          factoring === "chunked" ? dispatches : dispatchesPerToken(shape, factoring, {tokensPerDispatch}),
        tokensPerDispatch,
        ...(layersPerDispatch && {layersPerDispatch}),
        ...(awaited && {awaited}),
        ...(apart && {apart}),
        workgroups: isOneKernel(factoring) && workgroups !== "resident" ? workgroups : null,
        workgroupSize: null,
        features: [...features],
        ...(row.weightFormat && {weightFormat})
      },
      waits,
      unsupported: (gpu) =>
        whyUnsupported(
          {shape, factoring, features: chooseFeatures(row, gpu), arithmetic, weightFormat},
          gpu.description
        ) ?? whyNoGeometry(shape, row, gpu),
      async prepare(context) {
        const {gpu, signal} = context;
        const session = sessions.get(gpu) ?? {};
        sessions.set(gpu, session);
        const {device} = gpu;
        const {kernels, residency} = environment;
        context.progress("making the weights", 0);
        let weights = await makeWeights((session.weights ??= {}), device, kernels, shape, weightFormat);
        if (readsColumns(row.options))
          weights = await (session.columns ??= layColumns(device, kernels, shape, weights));
        const expected = await (session.expected ??= computeExpected(environment, shape, context));
        const geometry = chooseGeometry(shape, row, gpu);
        if (waits) context.progress("calling the roll of the workgroups", 1);
        const create = (workgroups: number) =>
          createDecoder(device, kernels, weights, {
            shape,
            factoring,
            geometry: {...geometry, workgroups},
            awaited,
            apart
          });
        const decoder = await (waits
          ? createResidentDecoder({
              ...{create, workgroups, signal},
              most: workgroupLimit(shape, geometry, gpu),
              memory: residency,
              key: kernelKey(shape, geometry, weights, gpu)
            })
          : create(1));
        const part = partOf(shape);
        const partGeometry = {
          ...geometry,
          workgroups: Math.min(decoder.plan[0]!.workgroups, mostWorkgroups(part, geometry.kernels.fused_grid))
        };
        const createPart = () =>
          createDecoder(device, kernels, weights, {shape: part, factoring, geometry: waits ? partGeometry : geometry});
        const tolerance = logitTolerances[arithmetic];
        return new DecodeSubject(
          decoder,
          expected,
          {tolerance, weightFormat, tokensPerDispatch, features: geometry.features},
          createPart
        );
      }
    };
  });
}

/** Weights of a format, which the variants of a run share; others than int4 are expanded from those in int4. */
async function makeWeights(
  weights: NonNullable<Session["weights"]>,
  device: GPUDevice,
  kernels: Kernels,
  shape: Shape,
  format: WeightFormat
): Promise<GpuWeights> {
  const quantised = (weights.int4 ??= createSyntheticWeights(device, kernels, shape));
  if (format === "int4") return quantised;
  return (weights[format] ??= quantised.then((int4) => expandWeights(device, kernels, shape, int4, format)));
}

/** The optional features that the kernels of a variant use on a device. */
function chooseFeatures({features}: DecodeVariant, {description}: Pick<Gpu, "description">): readonly KernelFeature[] {
  return features ?? featuresOf(description);
}

/** The geometry of a variant; how many workgroups are resident is yet to be found out. */
function chooseGeometry(shape: Shape, row: DecodeVariant, gpu: Pick<Gpu, "adapter" | "description">): Geometry {
  const {arithmetic, activationsIn, workgroups = 1, tokensPerDispatch = 1, dispatches = 1} = row;
  const {kernel, lanes, options} = row;
  const geometry = defaultGeometry(shape, chooseFeatures(row, gpu), gpu, arithmetic, row.weightFormat);
  const kernels = lanes ? withRowsUpTo(lanes, geometry.kernels) : geometry.kernels;
  const name = workgroups === 1 ? "fused" : "fused_grid";
  return {
    ...geometry,
    ...(activationsIn && {activationsIn}),
    ...(lanes && {lanes}),
    ...(options && {options}),
    workgroups: workgroups === "resident" ? 2 : workgroups,
    tokensPerDispatch,
    layersPerDispatch: divideLayers(shape, dispatches) ?? shape.layers,
    kernels: {...kernels, [name]: {...kernels[name], ...kernel}}
  };
}

/** No kernel of a plan may have more rows than a team has lanes. */
function withRowsUpTo(most: number, kernels: Geometry["kernels"]): Geometry["kernels"] {
  const rows = ["teamRows", "qkvRows", "residualRows"] as const;
  const limited = Object.entries(kernels).map(([name, kernel]) => [
    name,
    {...kernel, ...Object.fromEntries(rows.map((row) => [row, Math.min(kernel[row], most)]))}
  ]);
  return Object.fromEntries(limited) as Geometry["kernels"];
}

/** Names the kernel of one dispatch of several workgroups on a device, by all that decides how much of a core it takes. */
function kernelKey(shape: Shape, geometry: Geometry, {slots}: GpuWeights, {description}: Gpu): string {
  const [dispatch] = planToken(shape, "fused", geometry);
  const {path, workgroupSize, teamRows, qkvRows, residualRows, tileGroups} = dispatch!;
  const conditions = linkConditions("fused", geometry, slots.length);
  const name = [path, ...conditions, teamRows, qkvRows, residualRows, tileGroups].join(" ");
  return residencyKey(description, {name, workgroupSize});
}

/** Workgroups of one dispatch that may be tried on a device. */
function workgroupLimit(shape: Shape, {kernels}: Geometry, {description}: Pick<Gpu, "description">): number {
  return Math.min(mostWorkgroups(shape, kernels.fused_grid), mostTried[description.software ? "software" : "hardware"]);
}

/** Why a device, or the shape, has no room for a variant's geometry, in a sentence; null where it has. */
function whyNoGeometry(shape: Shape, row: DecodeVariant, gpu: Gpu): string | null {
  const {workgroups = 1, dispatches = 1, kernel} = row;
  const {label, limits} = gpu.description;
  if (divideLayers(shape, dispatches) === null) return whyUndivided(shape, dispatches);
  const geometry = chooseGeometry(shape, row, gpu);
  for (const limit of ["maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX"] as const) {
    const size = kernel?.workgroupSize ?? 0;
    if (size > limits[limit]!)
      return `A workgroup of ${size} is more than this device allows, ${limits[limit]} (${limit}).`;
  }
  const tooManyRows = whyTooManyRows(kernel, geometry);
  if (tooManyRows) return tooManyRows;
  try {
    planToken(shape, row.factoring, geometry);
    linkConditions(row.factoring, geometry, 1, row.weightFormat);
  } catch (error) {
    return `This geometry does not fit: ${(error as Error).message}.`;
  }
  if (workgroups === 1 || workgroups === "resident" || workgroups <= workgroupLimit(shape, geometry, gpu)) return null;
  const units = mostWorkgroups(shape, geometry.kernels.fused_grid);
  return workgroups > units
    ? `Each of ${workgroups} workgroups must have a row of every matrix; at this shape ${units} have one.`
    : `${label} is a CPU, which runs a workgroup on each core; more than ${mostTried.software} are not tried.`;
}

/** Where each of a team's rows has no lane of its own for its sum. */
function whyTooManyRows(
  {teamRows = 1, qkvRows = 1, residualRows = 1}: Partial<KernelGeometry> = {},
  {lanes, lanesAreFixed, features}: Geometry
): string | null {
  const rows = Math.max(teamRows, qkvRows, residualRows);
  const needed = rows === 6 ? 8 : rows;
  const sure = lanesAreFixed ? lanes : leastLanes;
  if (needed <= sure) return null;
  const team = !features.includes("subgroups")
    ? `has ${sure}`
    : lanesAreFixed
      ? `is a subgroup, of ${sure}`
      : `is a subgroup, of ${sure} to ${lanes}, and ${sure} are sure`;
  return (
    `${rows} rows a team need a team of ${needed} lanes or more: the sum of each row ends in a lane of its own` +
    `${rows === 6 ? ", and six rows take the places of eight" : ""}. Here a team ${team}.`
  );
}

function whyUndivided({label, layers}: Shape, dispatches: number): string {
  if (layers >= dispatches) return `The ${layers} layers of “${label}” do not make ${dispatches} groups of equal size.`;
  const has = layers === 1 ? "has 1, which is one dispatch" : `has ${layers}`;
  return `${dispatches} dispatches of whole layers need ${dispatches} layers; “${label}” ${has}.`;
}

/**
 * A model small enough to be timed unasked, to predict the whole from: one layer with an eighth of the FFN and a
 * sixteenth of the vocabulary. It reads other weights than it should, which does not matter to the time.
 */
function partOf(shape: Shape): Shape {
  const ffn = Math.max(groupSize, Math.floor(shape.ffn / 8 / groupSize) * groupSize);
  return {...shape, layers: 1, ffn, vocabulary: Math.ceil(shape.vocabulary / 16)};
}

/** What a subject is verified by, and what a unit of it is. */
interface SubjectTerms {
  tolerance: number;
  weightFormat: WeightFormat;
  /** Of a unit, which is a whole dispatch where one has several tokens. */
  tokensPerDispatch: number;
  /** Optional features of its kernels. */
  features: readonly KernelFeature[];
}

/** One factoring of a synthetic model, ready to be verified and timed. */
export class DecodeSubject implements Subject {
  readonly maxUnits: number;

  constructor(
    readonly decoder: Decoder,
    private readonly expected: Expected,
    private readonly terms: SubjectTerms,
    private readonly createPart: () => Promise<Decoder>
  ) {
    this.maxUnits = Math.floor((decoder.shape.context - timedFrom(decoder.shape)) / terms.tokensPerDispatch);
  }

  /** Of the one kernel; where there are many, each stage has its own. */
  get workgroups() {
    return this.dispatch?.workgroups;
  }

  get workgroupSize() {
    return this.dispatch?.workgroupSize;
  }

  get features() {
    return this.terms.features;
  }

  async predictedMillisecondsPerUnit(signal: AbortSignal) {
    const {shape} = this.decoder;
    const {weightFormat, tokensPerDispatch} = this.terms;
    const part = await this.createPart();
    try {
      part.reset([0]);
      await part.run(1); // the first run pays for the driver's own compilation
      signal.throwIfAborted();
      const start = performance.now();
      await part.run(tokensPerDispatch);
      const milliseconds = performance.now() - start;
      const share = weightBytesPerToken(part.shape, weightFormat) / weightBytesPerToken(shape, weightFormat);
      return milliseconds / share;
    } finally {
      part.destroy();
    }
  }

  async verify(signal: AbortSignal): Promise<Verification> {
    const {decoder, expected} = this;
    const {tolerance} = this.terms;
    const {prompt, logits, chosen} = expected;
    decoder.reset(prompt);
    let maxRelativeError = 0;
    for (const [position, reference] of logits.entries()) {
      signal.throwIfAborted();
      await decoder.run(1);
      const error = compareLogits(await decoder.readLogits(), reference);
      if (!(error <= tolerance)) {
        throw new VerificationError(
          `logits at position ${position} differ from the float64 reference by ${error.toExponential(1)}, more than ${tolerance}`
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
    if (decoder.tokensPerDispatch > 1) await this.verifyFullDispatch(signal);
    return {
      against: "float64 CPU reference",
      positions: logits.length,
      maxRelativeError,
      tolerance,
      tokens: chosen.length
    };
  }

  /**
   * Several tokens in one dispatch and the rest, against as many dispatches of one token each, which go the way that
   * was just compared with the reference. They come second: what they leave behind would pass for what a dispatch did.
   */
  private async verifyFullDispatch(signal: AbortSignal): Promise<void> {
    const {decoder, expected, terms} = this;
    const {tokensPerDispatch} = decoder;
    const count = tokensPerDispatch + 1;
    decoder.reset(expected.prompt);
    await decoder.run(count);
    const [together, logits] = [await decoder.readTokens(), await decoder.readLogits()];
    decoder.reset(expected.prompt);
    for (let i = 0; i < count; ++i) {
      signal.throwIfAborted();
      await decoder.run(1);
    }
    const tokens = await decoder.readTokens();
    const error = compareLogits(logits, await decoder.readLogits());
    if (together.join() !== tokens.join() || !(error <= terms.tolerance)) {
      throw new VerificationError(
        `${tokensPerDispatch} tokens in one dispatch are ${together.join(", ")}, and one by one ${tokens.join(", ")}; ` +
          `the last logits differ by ${error.toExponential(1)}`
      );
    }
  }

  restart() {
    const {prompt} = this.expected;
    const position = timedFrom(this.decoder.shape);
    const tokens = Array.from({length: position + 1}, (_, i) => prompt[i % prompt.length]!);
    this.decoder.reset(tokens, position);
  }

  async run(units: number) {
    const tokens = units * this.terms.tokensPerDispatch;
    if (this.decoder.position + tokens > this.decoder.shape.context) this.restart();
    await this.decoder.run(tokens);
  }

  destroy() {
    this.decoder.destroy();
  }

  private get dispatch() {
    const [first, ...others] = this.decoder.plan;
    return others.every(({path}) => path === first!.path) ? first : undefined;
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
