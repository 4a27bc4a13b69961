import type {Condition, KernelFeature, StageName} from "../gpu/kernels.js";
import {groupSize, layerMatrices, type MatrixSize, type Shape, type WeightFormat} from "../model/shape.js";
import {checkOptions, isUntiled, optionConditions, type KernelOptions} from "./kernel-options.js";
import {stageOperations, type Work} from "./operations.js";
import {attentionBand, tileGroupsBeside} from "./workgroup-memory.js";

/** How the stages of the model are launched. */
export const factorings = ["fused", "chunked", "staged", "unfused"] as const;

export type Factoring = (typeof factorings)[number];

/** Whether a factoring launches one kernel that has all the stages and binds the whole model. */
export function isOneKernel(factoring: Factoring): boolean {
  return factoring === "fused" || factoring === "chunked";
}

/**
 * What activations are in the dot products: float32, or 16-bit integers with a scale for each group of 32, whose
 * products with the weights are summed exactly (kernels/lib/int4.wgsl).
 */
export const arithmetics = ["float32", "int16"] as const;

export type Arithmetic = (typeof arithmetics)[number];

/** Where a matrix's input is while its rows are multiplied: registers, to compare with (kernels/lib/matvec.wgsl). */
export const activationPlaces = ["workgroup memory", "registers"] as const;

export type ActivationPlace = (typeof activationPlaces)[number];

/** How one kernel divides its work. */
export interface KernelGeometry {
  /** Invocations in a workgroup, a power of two from 64. */
  workgroupSize: number;
  /** Rows of a matrix that a team computes together: 2, 4 or 8, or 1 where rows come singly. */
  teamRows: number;
  /** The same of queries, keys and values: 2, 4, 8, or 6 where three divide half a head. */
  qkvRows: number;
  /** The same where rows are elements of the residual, in `o_proj` and `down`: 1, 2, 4 or 8. */
  residualRows: number;
  /**
   * Sectors of 32 bytes of the FFN's first matrix that an invocation reads ahead, while its workgroup has no head to
   * attend to: only where the fused factoring has several workgroups.
   */
  readAhead: number;
}

/** The kernels that have a geometry: each stage's own, and the two that are a whole token. */
export type KernelName = StageName | "fused" | "fused_grid";

/** What decides the size of every dispatch beside the shape. */
export interface Geometry {
  /** Invocations of a team, which share a row; the most there can be where subgroups vary in size. */
  lanes: number;
  /** Subgroups have one size on this device, or teams are no subgroups. */
  lanesAreFixed: boolean;
  features: readonly KernelFeature[];
  arithmetic: Arithmetic;
  /** Registers only where the fused factoring has several workgroups, and subgroups. */
  activationsIn: ActivationPlace;
  /** Workgroups of the fused factoring. More than one wait for each other: all must be resident together. */
  workgroups: number;
  /** How often an invocation looks for a word of another workgroup before it gives up. */
  spinLimit: number;
  /** Tokens of one dispatch of the fused factoring. */
  tokensPerDispatch: number;
  /** Layers of one dispatch of the chunked factoring, of which the last may have fewer. */
  layersPerDispatch: number;
  /** The device's maxComputeWorkgroupStorageSize, in bytes. */
  workgroupStorage: number;
  kernels: Record<KernelName, KernelGeometry>;
  /** Only where the fused factoring has one workgroup. */
  options?: KernelOptions;
}

/** One dispatch of a token: which kernel, in what geometry, and what is bound. */
export interface Dispatch extends KernelGeometry {
  /** File in `kernels/`. */
  path: string;
  workgroups: number;
  /** Groups of 32 activations that workgroup memory holds at once: 0 where they are in registers or in the buffer. */
  tileGroups: number;
  /** The layer whose blob and cache are bound; the ends of the model; everything at once; or the ends and these layers. */
  bound: number | "ends" | "all" | LayerRange;
}

/** Layers that follow each other: from `first` to the one before `end`. */
export interface LayerRange {
  first: number;
  end: number;
}

/**
 * The dispatches that decode one token, in order: 1 for `fused`, one for each group of layers for `chunked`, 7 a layer and
 * 4 for `staged`, 19 a layer and 4 for `unfused`.
 * @param ownLayers each group of layers is bound alone, because a device cannot bind everything
 * @throws {Error} when a workgroup is too small or no power of two, its memory leaves no room for activations, no kernel
 * is linked that keeps them in registers, the layers of a dispatch are no count, or several workgroups cannot tell the
 * words of a token from those of the token before.
 */
export function planToken(shape: Shape, factoring: Factoring, geometry: Geometry, ownLayers = false): Dispatch[] {
  const {activationsIn, features, workgroups, layersPerDispatch} = geometry;
  if (activationsIn === "registers" && !(factoring === "fused" && workgroups > 1 && features.includes("subgroups"))) {
    throw new Error("activations are in registers only in one dispatch of several workgroups with subgroups");
  }
  if (geometry.options) checkOptions(geometry.options, factoring, geometry);
  for (const [name, kernel] of Object.entries(geometry.kernels)) checkKernel(name, kernel, shape, geometry);
  if (factoring === "fused") {
    if (workgroups > 1) checkStamps(shape);
    return [planFused(shape, geometry)];
  }
  if (factoring === "staged") return planStaged(shape, geometry);
  if (factoring === "unfused") return planUnfused(shape, geometry);
  if (workgroups > 1) throw new Error("layers are divided over dispatches of one workgroup only");
  const dispatch = planFused(shape, {...geometry, tokensPerDispatch: 1});
  const ranges = divideIntoRanges(shape, layersPerDispatch);
  return ranges.map((bound) => (ownLayers ? {...dispatch, path: "fused_layers.wgsl", bound} : dispatch));
}

/** Stamps that tell the words of one exchange from those of another, in turn (`stamp_of` in kernels/lib/activations.wgsl). */
export const stamps = 255;

/** A token has an exchange for each layer and one more. The best logits are exchanged once a token, always in the last. */
function checkStamps({layers}: Shape) {
  if ((layers + 1) % stamps !== 0) return;
  throw new Error(
    `several workgroups of one dispatch cannot decode ${layers} layers: ${layers} + 1 is a multiple of ${stamps}, the ` +
      `stamps there are, so the best logits of a token would bear the stamp of those of the token before`
  );
}

function checkKernel(name: string, kernel: KernelGeometry, {headDim}: Shape, {lanes, lanesAreFixed}: Geometry) {
  const {workgroupSize, teamRows, qkvRows, residualRows} = kernel;
  const least = Math.max(lanesAreFixed ? lanes : 1, attentionBand);
  if (workgroupSize < least) {
    throw new Error(
      `${name}: a workgroup of ${workgroupSize} is smaller than a subgroup or a band of attention, ${least}`
    );
  }
  if (!Number.isInteger(Math.log2(workgroupSize))) {
    throw new Error(`${name}: a workgroup of ${workgroupSize} is no power of two, as its reductions by halves need`);
  }
  if (!rowsAllowed(name).includes(teamRows)) {
    throw new Error(`${name}: ${teamRows} rows a team are not one of ${rowsAllowed(name).join(", ")}`);
  }
  const qkvAllowed = headDim % 6 === 0 ? [2, 4, 6, 8] : pairedRows;
  if (!qkvAllowed.includes(qkvRows)) {
    throw new Error(`${name}: ${qkvRows} rows of queries, keys and values are not one of ${qkvAllowed.join(", ")}`);
  }
  if (!singleRows.includes(residualRows)) {
    throw new Error(`${name}: ${residualRows} rows of the residual are not one of ${singleRows.join(", ")}`);
  }
  // Six rows take the slots of eight.
  const slots = Math.max(teamRows, qkvRows === 6 ? 8 : qkvRows, residualRows);
  const teamLanes = lanesAreFixed ? lanes : leastLanes;
  if (slots > teamLanes) throw new Error(`${name}: ${slots} rows are more than a team of ${teamLanes} has lanes`);
}

/**
 * Dispatches of one token without making the plan: less than one where a dispatch decodes several tokens.
 * @param layersPerDispatch of the chunked factoring
 */
export function dispatchesPerToken(
  shape: Shape,
  factoring: Factoring,
  {
    tokensPerDispatch = 1,
    layersPerDispatch = 1
  }: Partial<Pick<Geometry, "tokensPerDispatch" | "layersPerDispatch">> = {}
): number {
  if (factoring === "chunked") return Math.ceil(shape.layers / layersPerDispatch);
  return (factoring === "fused" ? 1 : dispatchesPerLayer(shape, factoring) * shape.layers + 4) / tokensPerDispatch;
}

/**
 * Waits of one dispatch of several workgroups for each other, in one token: where a stage takes what the others made
 * (kernels/fused_grid.wgsl). The embedding takes nothing of theirs, and each norms for itself.
 */
export function waitsPerToken({layers}: Pick<Shape, "layers">): number {
  return 5 * layers + 2;
}

/** One for each stage, or as many as it has operations. */
function dispatchesPerLayer(shape: Shape, factoring: "staged" | "unfused"): number {
  const divided = factoring === "unfused" ? Object.values(stageOperations(shape)) : [];
  return 7 + divided.flat().length - divided.length;
}

/**
 * Layers of a dispatch where the layers of a shape are divided over so many: as equal as can be. Null where they make no
 * so many groups.
 */
export function divideLayers({layers}: Pick<Shape, "layers">, dispatches: number): number | null {
  const layersPerDispatch = Math.ceil(layers / dispatches);
  return Math.ceil(layers / layersPerDispatch) === dispatches ? layersPerDispatch : null;
}

/**
 * The layers of each dispatch where each runs so many; the last may have fewer.
 * @throws {Error} when so many are no count.
 */
export function divideIntoRanges({layers}: Pick<Shape, "layers">, layersPerDispatch: number): LayerRange[] {
  if (!(Number.isInteger(layersPerDispatch) && layersPerDispatch > 0))
    throw new Error(`a dispatch of ${layersPerDispatch} layers: it takes a positive integer`);
  return Array.from({length: Math.ceil(layers / layersPerDispatch)}, (_, i) => ({
    first: i * layersPerDispatch,
    end: Math.min(layers, (i + 1) * layersPerDispatch)
  }));
}

/**
 * What a factoring's kernels are linked for, when a dispatch of whole layers binds `slots` buffers of them.
 * @throws {Error} when no kernel multiplies weights of this format so.
 */
export function linkConditions(
  factoring: Factoring,
  geometry: Geometry,
  slots: number,
  format: WeightFormat = "int4"
): Condition[] {
  const conditions: Condition[] = [...geometry.features];
  if (format !== "int4") {
    if (geometry.arithmetic !== "float32" || (factoring === "fused" && geometry.workgroups > 1)) {
      throw new Error(`weights in ${format} are multiplied only in float32, and in one dispatch only by one workgroup`);
    }
    if (geometry.options) throw new Error(`weights in ${format} have no kernel options: those are of int4`);
    conditions.push(format === "float16" ? "float16_weights" : "float32_weights");
  }
  if (geometry.arithmetic === "int16") conditions.push("packed");
  if (!isOneKernel(factoring)) return conditions;
  conditions.push("ends");
  if (slots > 1) conditions.push(slots === 2 ? "slots_2" : "slots_3");
  if (geometry.workgroups > 1) conditions.push("grid");
  if (geometry.activationsIn === "registers") conditions.push("registers");
  if (geometry.options) conditions.push(...optionConditions(geometry.options));
  return conditions;
}

const singleRows = [1, 2, 4, 8];
const pairedRows = [2, 4, 8];

/** Lanes that every subgroup has. */
export const leastLanes = 4;

/** Rows a team may compute together; where rows come in pairs, one alone has no partner. */
function rowsAllowed(kernel: string): number[] {
  return ["gate_up", "fused", "fused_grid"].includes(kernel) ? pairedRows : singleRows;
}

/** Which of a kernel's numbers of rows a stage goes by. */
function rowsOf(name: StageName): "teamRows" | "qkvRows" | "residualRows" {
  if (name === "qkv_rope") return "qkvRows";
  return name === "o_proj" || name === "down" || name === "embedding" ? "residualRows" : "teamRows";
}

function planFused(shape: Shape, geometry: Geometry): Dispatch {
  const columns = Math.max(...Object.values(layerMatrices(shape)).map((matrix) => matrix.columns));
  const {workgroups, activationsIn, tokensPerDispatch} = geometry;
  const name = workgroups > 1 ? "fused_grid" : "fused";
  return {
    path: name === "fused" && tokensPerDispatch > 1 ? "fused_tokens.wgsl" : `${name}.wgsl`,
    workgroups,
    bound: "all",
    ...fitKernel(geometry.kernels[name], columns, shape, geometry),
    ...((activationsIn === "registers" || isUntiled(geometry.options)) && {tileGroups: 0})
  };
}

function planStaged(shape: Shape, geometry: Geometry): Dispatch[] {
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  const lmHead = {rows: shape.vocabulary, columns: shape.hidden};

  function stage(name: StageName, bound: number | "ends", workgroups: number, columns = groupSize): Dispatch {
    const kernel = fitKernel(geometry.kernels[name], columns, shape, geometry);
    return {path: `staged/${name}.wgsl`, workgroups, bound, ...kernel};
  }
  function matrix(name: StageName, bound: number | "ends", {rows, columns}: MatrixSize): Dispatch {
    const {workgroupSize, ...kernel} = geometry.kernels[name];
    const blockRows = kernel[rowsOf(name)] * Math.max(1, Math.floor(workgroupSize / geometry.lanes));
    return stage(name, bound, Math.ceil(rows / blockRows), columns);
  }
  function norm(name: StageName, bound: number | "ends"): Dispatch {
    return stage(name, bound, Math.ceil(shape.hidden / 8 / geometry.kernels[name].workgroupSize));
  }

  const layers = Array.from({length: shape.layers}, (_, layer) => [
    norm("rms_norm_attention", layer),
    matrix("qkv_rope", layer, qkv),
    stage("attention", layer, shape.kvHeads),
    matrix("o_proj", layer, o),
    norm("rms_norm_ffn", layer),
    matrix("gate_up", layer, gateUp),
    matrix("down", layer, down)
  ]);
  return [
    matrix("embedding", "ends", {rows: shape.hidden, columns: groupSize}),
    ...layers.flat(),
    norm("rms_norm_final", "ends"),
    matrix("lm_head", "ends", lmHead),
    stage("argmax", "ends", 1)
  ];
}

/**
 * The staged plan with each stage divided into its operations, in the geometry of that stage, but for how many
 * workgroups the operation has work for.
 */
function planUnfused(shape: Shape, geometry: Geometry): Dispatch[] {
  const divided = stageOperations(shape);
  return planStaged(shape, geometry).flatMap((stage) => {
    const operations = divided[stage.path];
    if (!operations) return [stage];
    return operations.map(({path, work}) => {
      const teamRows = addsToResidual(stage) ? stage.residualRows : stage.teamRows;
      const kernel = {...stage, path, teamRows};
      return {...kernel, workgroups: countWorkgroups(work, kernel, geometry)};
    });
  });
}

function addsToResidual({path}: Dispatch): boolean {
  return path === "staged/o_proj.wgsl" || path === "staged/down.wgsl";
}

function countWorkgroups(work: Work, {workgroupSize, teamRows}: KernelGeometry, {lanes}: Geometry): number {
  const teams = Math.max(1, Math.floor(workgroupSize / lanes));
  switch (work.by) {
    case "rows":
      return Math.ceil(work.count / teamRows / teams);
    case "teams":
      return Math.ceil(work.count / teams);
    case "invocations":
      return Math.ceil(work.count / workgroupSize);
    case "workgroups":
      return work.count;
  }
}

/** A kernel with as much of its input as fits in workgroup memory, all of it at best, else in equal pieces. */
function fitKernel(kernel: KernelGeometry, columns: number, shape: Shape, geometry: Geometry) {
  const {workgroupSize} = kernel;
  const fits = tileGroupsBeside(workgroupSize, shape, geometry);
  if (fits < 1) {
    throw new Error(
      `a workgroup of ${workgroupSize} leaves no room for activations in ${geometry.workgroupStorage} bytes of ` +
        `workgroup memory (maxComputeWorkgroupStorageSize)`
    );
  }
  const groups = columns / groupSize;
  const most = Math.min(fits, geometry.options?.mostTileGroups ?? fits);
  const tileGroups = Math.ceil(groups / Math.ceil(groups / most));
  return {...kernel, tileGroups};
}
