import type {Condition, KernelFeature, stagedKernels} from "../gpu/kernels.js";
import {groupSize, layerMatrices, type Shape} from "../model/shape.js";

/** How the stages of the model are launched. */
export const factorings = ["fused", "staged"] as const;

export type Factoring = (typeof factorings)[number];

/** One dispatch of a token: which kernel, in what geometry, and what is bound. */
export interface Dispatch {
  /** File in `kernels/`. */
  path: string;
  workgroups: number;
  workgroupSize: number;
  /** Groups of 32 activations that workgroup memory holds at once. */
  tileGroups: number;
  /** The layer whose blob and cache are bound; the ends of the model; or everything at once. */
  bound: number | "ends" | "all";
}

/** What decides the size of a dispatch beside the shape. */
export interface Geometry {
  workgroupSize: number;
  /** Invocations that share a row. */
  lanes: number;
  features: readonly KernelFeature[];
  /** The device's maxComputeWorkgroupStorageSize, in bytes. */
  workgroupStorage: number;
}

/** The dispatches that decode one token, in order: 1 for `fused`, 7 a layer and 4 for `staged`. */
export function planToken(shape: Shape, factoring: Factoring, geometry: Geometry): Dispatch[] {
  return factoring === "fused" ? [planFused(shape, geometry)] : planStaged(shape, geometry);
}

/** Dispatches of one token without making the plan. */
export function dispatchesPerToken(shape: Shape, factoring: Factoring): number {
  return factoring === "fused" ? 1 : 7 * shape.layers + 4;
}

/** The conditions that say how a factoring's kernels find the weights. */
export function bindingConditions(factoring: Factoring, slots: number): Condition[] {
  if (factoring === "staged") return [];
  return slots === 1 ? ["ends"] : ["ends", slots === 2 ? "slots_2" : "slots_3"];
}

function planFused(shape: Shape, geometry: Geometry): Dispatch {
  const columns = Math.max(...Object.values(layerMatrices(shape)).map((matrix) => matrix.columns));
  return {
    path: "fused.wgsl",
    workgroups: 1,
    workgroupSize: geometry.workgroupSize,
    tileGroups: tileGroups(columns, shape, geometry),
    bound: "all"
  };
}

function planStaged(shape: Shape, geometry: Geometry): Dispatch[] {
  const {workgroupSize, lanes} = geometry;
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  const blockRows = 4 * (workgroupSize / lanes);
  const stage = (
    name: (typeof stagedKernels)[number],
    bound: number | "ends",
    {workgroups, columns = groupSize}: {workgroups: number; columns?: number}
  ): Dispatch => ({
    path: `staged/${name}.wgsl`,
    workgroups,
    workgroupSize,
    tileGroups: tileGroups(columns, shape, geometry),
    bound
  });
  const matrix = ({rows, columns}: {rows: number; columns: number}) => ({
    workgroups: Math.ceil(rows / blockRows),
    columns
  });
  const elements = {workgroups: Math.ceil(shape.hidden / workgroupSize)};
  const layers = Array.from({length: shape.layers}, (_, layer) => [
    stage("rms_norm_attention", layer, elements),
    stage("qkv_rope", layer, matrix(qkv)),
    stage("attention", layer, {workgroups: shape.heads}),
    stage("o_proj", layer, matrix(o)),
    stage("rms_norm_ffn", layer, elements),
    stage("gate_up", layer, matrix(gateUp)),
    stage("down", layer, matrix(down))
  ]);
  return [
    stage("embedding", "ends", elements),
    ...layers.flat(),
    stage("rms_norm_final", "ends", elements),
    stage("lm_head", "ends", matrix({rows: shape.vocabulary, columns: shape.hidden})),
    stage("argmax", "ends", {workgroups: 1})
  ];
}

/** As much of the input as fits in workgroup memory, all of it at best. */
function tileGroups(columns: number, {headDim}: Shape, geometry: Geometry): number {
  const {workgroupSize, features, workgroupStorage} = geometry;
  const fits = tileGroupsBeside(workgroupSize, features, headDim, workgroupStorage);
  if (fits < 1) {
    throw new Error(
      `a workgroup of ${workgroupSize} leaves no room for activations in ${workgroupStorage} bytes of workgroup memory (maxComputeWorkgroupStorageSize)`
    );
  }
  return Math.min(columns / groupSize, fits);
}

/** Groups of 32 activations that fit beside a kernel's other workgroup memory (lib/reduce.wgsl, stages/attention.wgsl). */
export function tileGroupsBeside(
  workgroupSize: number,
  features: readonly KernelFeature[],
  headDim: number,
  workgroupStorage: number
): number {
  const scratch = features.includes("subgroups") ? 1 : 4 + 16;
  const scores = 4;
  const pairs = 8;
  const others = (scratch + scores + pairs) * workgroupSize + 4 * headDim + 64;
  // A group is eight vec4f and a sum; the tile has one spare column.
  return Math.floor((workgroupStorage - others - 128) / 132);
}
