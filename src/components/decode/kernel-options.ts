import type {Condition} from "../gpu/kernels.js";
import {groupSize} from "../model/shape.js";
import type {Geometry} from "./plan.js";

/** How an invocation computes a row alone (kernels/record/matvec.wgsl), the recorded way first. */
const waysAlone = {
  "each weight, column by column": {columns: true, overrides: {single_weights: 1, single_scales: 1}},
  "four weights, column by column": {
    columns: true,
    overrides: {single_weights: 1, single_scales: 1, four_at_a_time: 1}
  },
  "four weights": {overrides: {single_weights: 1, single_scales: 1, four_at_a_time: 1}},
  "four weights, a scale for 32": {overrides: {single_weights: 1, four_at_a_time: 1}},
  "each word": {overrides: {four_at_a_time: 1}},
  "each word, written out": {overrides: {four_at_a_time: 1, written_out: 1}},
  "each word, from workgroup memory": {tiled: true, overrides: {converted: 1}},
  "each word, without conversion": {tiled: true}
} satisfies Record<string, WayAlone>;

interface WayAlone {
  /** The weights lie column by column; in q4f16_1's order by default. */
  columns?: true;
  /** The activations are in workgroup memory; in the storage buffer by default. */
  tiled?: true;
  overrides?: Partial<typeof off>;
}

/** The overrides of the record's own matvec where a way does not ask for them. */
const off: Record<"single_weights" | "single_scales" | "four_at_a_time" | "written_out" | "converted", number> = {
  single_weights: 0,
  single_scales: 0,
  four_at_a_time: 0,
  written_out: 0,
  converted: 0
};

/** How the kernel of one workgroup differs from what it chooses by itself: each is there to be compared with. */
export interface KernelOptions {
  /**
   * Each invocation computes a row alone: it loads `each weight` by itself, or `four weights` a round of the loop, and
   * the scale of each or one for 32; or `each word` of eight, whose nibbles it converts to floats or puts among the bits
   * of one.
   */
  alone?: keyof typeof waysAlone;
  /** The 32 weights of a group come in four loads of four bytes, not in one of 16. */
  scalarLoads?: true;
  /** Loads of weights that a lane has under way together. */
  loads?: 1 | 2 | 4 | 8;
  /** Most groups of 32 activations that workgroup memory may hold at once. */
  mostTileGroups?: number;
  /** Queries, keys and values are computed one after the other, not together. */
  qkvPasses?: 3;
  /**
   * Elements of the FFN's vector that are computed, multiplied with their columns of the next matrix and forgotten before
   * the next ones, a multiple of 32. By default all of them are computed first.
   */
  ffnTile?: number;
}

/** What a kernel with these options is linked for, beside all else. */
export function optionConditions({alone, scalarLoads, loads, qkvPasses, ffnTile}: KernelOptions): Condition[] {
  const conditions: Condition[] = [];
  if (alone) conditions.push("record");
  if (wayOf({alone}).tiled) conditions.push("record_tile");
  if (scalarLoads) conditions.push("scalar_loads");
  if (loads) conditions.push("loads");
  if (qkvPasses) conditions.push("qkv_passes");
  if (ffnTile !== undefined) conditions.push("ffn_tiles");
  return conditions;
}

/** Values for the overrides that kernels/record/ declares. */
export function optionConstants({alone, loads = 4, ffnTile = 256}: KernelOptions): Record<string, number> {
  const {columns, overrides} = wayOf({alone});
  return {...off, ...overrides, column_order: Number(columns ?? false), loads_together: loads, ffn_tile: ffnTile};
}

/** Whether the weights must lie column by column, as `layColumns` re-lays them. */
export function readsColumns(options: Pick<KernelOptions, "alone"> = {}): boolean {
  return wayOf(options).columns ?? false;
}

/** Whether activations stay in the storage buffer. */
export function isUntiled(options: KernelOptions = {}): boolean {
  return options.alone !== undefined && !wayOf(options).tiled;
}

/** @throws {Error} when no kernel has these options in this geometry. */
export function checkOptions(options: KernelOptions, factoring: string, geometry: Geometry): void {
  const {alone, loads, ffnTile} = options;
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
  if (loads && rows.includes(6)) throw new Error("how many loads are under way is not chosen for six rows a team");
  if (ffnTile === undefined) return;
  if (!(ffnTile > 0 && ffnTile % groupSize === 0)) {
    throw new Error(`a tile of ${ffnTile} elements of the FFN: it takes a positive multiple of ${groupSize}`);
  }
  if (readsColumns(options)) throw new Error("the FFN is cut into tiles only where matrices lie row by row");
}

function wayOf({alone}: Pick<KernelOptions, "alone">): WayAlone {
  return alone ? waysAlone[alone] : {};
}
