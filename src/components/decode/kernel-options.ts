import type {Condition} from "../gpu/kernels.js";
import type {Geometry} from "./plan.js";

/** How the kernel of one workgroup differs from what it chooses by itself: each is there to be compared with. */
export interface KernelOptions {
  /**
   * Each invocation computes a row alone (kernels/record/matvec.wgsl) and unpacks `each weight` by itself, from q4f16_1's
   * order or the recorded one; or `each word` of eight, the activations in the storage buffer or in workgroup memory.
   */
  alone?: "each weight, column by column" | "each weight" | "each word" | "each word, from workgroup memory";
  /** The 32 weights of a group come in four loads of four bytes, not in one of 16. */
  scalarLoads?: true;
  /** Loads of weights that a lane has under way together. */
  loads?: 1 | 2 | 4 | 8;
  /** Most groups of 32 activations that workgroup memory may hold at once. */
  mostTileGroups?: number;
  /** Queries, keys and values are computed one after the other, not together. */
  qkvPasses?: 3;
}

/** What a kernel with these options is linked for, beside all else. */
export function optionConditions({alone, scalarLoads, loads, qkvPasses}: KernelOptions): Condition[] {
  const conditions: Condition[] = [];
  if (alone) conditions.push("record");
  if (alone && !isUntiled({alone})) conditions.push("record_tile");
  if (scalarLoads) conditions.push("scalar_loads");
  if (loads) conditions.push("loads");
  if (qkvPasses) conditions.push("qkv_passes");
  return conditions;
}

/** Values for the overrides that kernels/record/ declares. */
export function optionConstants({alone, loads = 4}: KernelOptions): Record<string, number> {
  return {
    single_weights: Number(alone?.startsWith("each weight") ?? false),
    column_order: Number(readsColumns({alone})),
    loads_together: loads
  };
}

/** Whether the weights must lie column by column, as `layColumns` re-lays them. */
export function readsColumns({alone}: Pick<KernelOptions, "alone"> = {}): boolean {
  return alone === "each weight, column by column";
}

/** Whether activations stay in the storage buffer. */
export function isUntiled({alone}: KernelOptions = {}): boolean {
  return alone !== undefined && alone !== "each word, from workgroup memory";
}

/** @throws {Error} when no kernel has these options in this geometry. */
export function checkOptions(options: KernelOptions, factoring: string, geometry: Geometry): void {
  const {alone, loads} = options;
  const {workgroups, lanes, lanesAreFixed, features, arithmetic, kernels} = geometry;
  if (factoring !== "fused" || workgroups > 1) throw new Error("only one dispatch of one workgroup has kernel options");
  const {teamRows, qkvRows, residualRows} = kernels.fused;
  const rows = [teamRows, qkvRows, residualRows];
  if (alone && (features.length > 0 || arithmetic !== "float32")) {
    throw new Error("an invocation computes a row alone only in float32 and without optional features");
  }
  if (alone && !(lanesAreFixed && lanes === 4 && rows.every((count) => count === 4))) {
    throw new Error("an invocation computes a row alone where a team has four lanes and four rows");
  }
  if (alone && loads) throw new Error("how many loads are under way is chosen for a team that shares its rows only");
  if (loads && loads < 4 && !rows.every((count) => count <= 4 && count % loads === 0)) {
    throw new Error(`${loads} loads under way do not divide ${rows.join(", ")} rows of up to four`);
  }
  if (loads && loads >= 4 && !rows.every((count) => count <= loads && count !== 6)) {
    throw new Error(`${loads} loads under way are less than ${rows.join(", ")} rows, or no multiple of them`);
  }
}
