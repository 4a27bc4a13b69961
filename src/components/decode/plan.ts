import type {Condition, KernelFeature, StageName} from "../gpu/kernels.js";
import {groupSize, layerMatrices, type MatrixSize, type Shape} from "../model/shape.js";

/** How the stages of the model are launched. */
export const factorings = ["fused", "staged"] as const;

export type Factoring = (typeof factorings)[number];

/** How one kernel divides its work. */
export interface KernelGeometry {
  /** Invocations in a workgroup, a power of two from 64. */
  workgroupSize: number;
  /** Rows of a matrix that a team computes together: 2 or 4, or 1 where rows come singly. */
  teamRows: number;
}

/** What decides the size of every dispatch beside the shape. */
export interface Geometry {
  /** Invocations of a team, which share a row; the most there can be where subgroups vary in size. */
  lanes: number;
  /** Subgroups have one size on this device, or teams are no subgroups. */
  lanesAreFixed: boolean;
  features: readonly KernelFeature[];
  /** The device's maxComputeWorkgroupStorageSize, in bytes. */
  workgroupStorage: number;
  kernels: Record<StageName | "fused", KernelGeometry>;
}

/** One dispatch of a token: which kernel, in what geometry, and what is bound. */
export interface Dispatch extends KernelGeometry {
  /** File in `kernels/`. */
  path: string;
  workgroups: number;
  /** Groups of 32 activations that workgroup memory holds at once. */
  tileGroups: number;
  /** The layer whose blob and cache are bound; the ends of the model; or everything at once. */
  bound: number | "ends" | "all";
}

/**
 * The dispatches that decode one token, in order: 1 for `fused`, 7 a layer and 4 for `staged`.
 * @throws {Error} when a workgroup is too small, or its memory leaves no room for activations.
 */
export function planToken(shape: Shape, factoring: Factoring, geometry: Geometry): Dispatch[] {
  for (const [name, {workgroupSize, teamRows}] of Object.entries(geometry.kernels)) {
    const least = Math.max(geometry.lanesAreFixed ? geometry.lanes : 1, shape.headDim / 2);
    if (workgroupSize < least) {
      throw new Error(`${name}: a workgroup of ${workgroupSize} is smaller than a subgroup or half a head, ${least}`);
    }
    if (!rowsAllowed(name).includes(teamRows)) {
      throw new Error(`${name}: ${teamRows} rows a team are not one of ${rowsAllowed(name).join(", ")}`);
    }
  }
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

/** Groups of 32 activations that fit beside a kernel's other workgroup memory (lib/reduce.wgsl, stages/attention.wgsl). */
export function tileGroupsBeside(
  workgroupSize: number,
  {headDim}: Shape,
  {features, workgroupStorage}: Pick<Geometry, "features" | "workgroupStorage">
): number {
  const scratch = features.includes("subgroups") ? 1 : 4 + 16;
  const scores = 4;
  const pairs = 8;
  const others = (scratch + scores + pairs) * workgroupSize + 4 * headDim + 64;
  // A group is eight vec4f and a sum; the tile has one spare column.
  return Math.floor((workgroupStorage - others - 128) / 132);
}

/** Rows a team may compute together; where rows come in pairs, one alone has no partner. */
function rowsAllowed(kernel: string): number[] {
  return ["qkv_rope", "gate_up", "fused"].includes(kernel) ? [2, 4] : [1, 2, 4];
}

function planFused(shape: Shape, geometry: Geometry): Dispatch {
  const columns = Math.max(...Object.values(layerMatrices(shape)).map((matrix) => matrix.columns));
  const kernel = geometry.kernels.fused;
  const tileGroups = fitTile(columns, kernel.workgroupSize, shape, geometry);
  return {path: "fused.wgsl", workgroups: 1, ...kernel, tileGroups, bound: "all"};
}

function planStaged(shape: Shape, geometry: Geometry): Dispatch[] {
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  const lmHead = {rows: shape.vocabulary, columns: shape.hidden};

  function stage(name: StageName, bound: number | "ends", workgroups: number, columns = groupSize): Dispatch {
    const kernel = geometry.kernels[name];
    const tileGroups = fitTile(columns, kernel.workgroupSize, shape, geometry);
    return {path: `staged/${name}.wgsl`, workgroups, ...kernel, tileGroups, bound};
  }
  function matrix(name: StageName, bound: number | "ends", {rows, columns}: MatrixSize): Dispatch {
    const {workgroupSize, teamRows} = geometry.kernels[name];
    const blockRows = teamRows * Math.max(1, Math.floor(workgroupSize / geometry.lanes));
    return stage(name, bound, Math.ceil(rows / blockRows), columns);
  }
  function elements(name: StageName, bound: number | "ends"): Dispatch {
    return stage(name, bound, Math.ceil(shape.hidden / geometry.kernels[name].workgroupSize));
  }

  const layers = Array.from({length: shape.layers}, (_, layer) => [
    elements("rms_norm_attention", layer),
    matrix("qkv_rope", layer, qkv),
    stage("attention", layer, shape.heads),
    matrix("o_proj", layer, o),
    elements("rms_norm_ffn", layer),
    matrix("gate_up", layer, gateUp),
    matrix("down", layer, down)
  ]);
  return [
    elements("embedding", "ends"),
    ...layers.flat(),
    elements("rms_norm_final", "ends"),
    matrix("lm_head", "ends", lmHead),
    stage("argmax", "ends", 1)
  ];
}

/** As much of the input as fits in workgroup memory, all of it at best. */
function fitTile(columns: number, workgroupSize: number, shape: Shape, geometry: Geometry): number {
  const fits = tileGroupsBeside(workgroupSize, shape, geometry);
  if (fits < 1) {
    throw new Error(
      `a workgroup of ${workgroupSize} leaves no room for activations in ${geometry.workgroupStorage} bytes of ` +
        `workgroup memory (maxComputeWorkgroupStorageSize)`
    );
  }
  return Math.min(columns / groupSize, fits);
}
