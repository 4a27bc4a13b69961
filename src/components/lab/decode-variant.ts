import {layColumns} from "../decode/column-weights.js";
import {createDecoder} from "../decode/decoder.js";
import {expandWeights} from "../decode/expanded-weights.js";
import {mostWorkgroups, whyUnsupported} from "../decode/fit.js";
import {createSyntheticWeights, type GpuWeights} from "../decode/gpu-weights.js";
import {readsColumns, type KernelOptions} from "../decode/kernel-options.js";
import {dispatchesPerToken, divideLayers, isOneKernel} from "../decode/plan.js";
import type {ActivationPlace, Arithmetic, Factoring, KernelGeometry} from "../decode/plan.js";
import type {ResidencyMemory} from "../decode/residency.js";
import type {Gpu} from "../gpu/device.js";
import {kernelFeatures, type KernelFeature, type Kernels} from "../gpu/kernels.js";
import {groupSize, type Shape, type WeightFormat} from "../model/shape.js";
import {DecodeSubject} from "./decode-subject.js";
import {computeExpected, type CreateProduct, type Expected} from "./expected.js";
import type {DecodeIdentity, Variant} from "./experiment.js";
import {logitTolerances} from "./record.js";
import {createResidentDecoder} from "./resident-decoder.js";
import {chooseFeatures, chooseGeometry, kernelKey, whyNoGeometry, workgroupLimit} from "./variant-geometry.js";

/** What decode variants need from where they run. */
export interface DecodeEnvironment {
  kernels: Kernels;
  /** Multiplies the reference's matrices, over workers in a page; in this thread by default. */
  createProduct?: CreateProduct;
  /** What was found before of how many workgroups a device holds; counted anew each time without it. */
  residency?: ResidencyMemory;
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
          {
            shape,
            factoring,
            features: chooseFeatures(row, gpu.description),
            arithmetic,
            weightFormat,
            ...(layersPerDispatch && {layersPerDispatch})
          },
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
        const expected = await (session.expected ??= computeExpected(environment.createProduct, shape, context));
        const geometry = chooseGeometry(shape, row, gpu.description);
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
          // at least 4 at any shape, so that it is the same kernel
          workgroups: Math.min(decoder.plan[0]!.workgroups, mostWorkgroups(part, geometry.kernels.fused_grid))
        };
        const createPart = () =>
          createDecoder(device, kernels, weights, {shape: part, factoring, geometry: waits ? partGeometry : geometry});
        const tolerance = logitTolerances[arithmetic];
        return new DecodeSubject(decoder, expected, {tolerance, weightFormat, tokensPerDispatch, geometry}, createPart);
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

/**
 * A model small enough to be timed unasked, to predict the whole from: one layer with an eighth of the FFN and a
 * sixteenth of the vocabulary. It reads other weights than it should, which does not matter to the time.
 */
function partOf(shape: Shape): Shape {
  const ffn = Math.max(groupSize, Math.floor(shape.ffn / 8 / groupSize) * groupSize);
  return {...shape, layers: 1, ffn, vocabulary: Math.ceil(shape.vocabulary / 16)};
}
