import {defaultGeometry} from "../decode/geometry.js";
import {planToken, type Dispatch, type Factoring} from "../decode/plan.js";
import {bytesPerToken, callsPerToken, stageOf} from "../decode/stages.js";
import type {Gpu} from "../gpu/device.js";
import {layerMatrices, type Shape} from "../model/shape.js";

/** So many cores busy for so long. */
export interface Round {
  cores: number;
  /** Bytes that each of them reads: time, where a core reads one byte in a unit of it. */
  duration: number;
}

/** One stage of a layer, divided over the cores of a GPU. */
export interface ScheduledStage {
  name: string;
  /** What cores take one after another: workgroups of a dispatch, or a share of a workgroup's rows. */
  pieces: number;
  /** Bytes that all of them read. */
  bytes: number;
  /** One after another; the last may leave cores idle. */
  rounds: Round[];
}

/** The factorings that have a schedule. */
type ScheduledFactoring = Exclude<Factoring, "unfused">;

/** How a layer keeps the cores of a GPU busy. */
export interface LayerSchedule {
  factoring: ScheduledFactoring;
  /** Workgroups of the one dispatch; null where each stage has its own. */
  workgroups: number | null;
  stages: ScheduledStage[];
}

/** What every WebGPU device allows at least, by the specification. */
const defaultLimits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupStorageSize: 16384
};

/** The plan that a decoder on a device with those limits, without optional features, follows. */
export function defaultPlan(shape: Shape, factoring: Factoring, workgroups = 1): Dispatch[] {
  const device = {adapter: {info: {}}, description: {limits: defaultLimits}} as unknown as Gpu;
  return planToken(shape, factoring, {...defaultGeometry(shape, [], device), workgroups});
}

/**
 * Who works when in a layer, by geometry alone: a core takes one piece after another, each byte takes it as long as any
 * other, and nothing between two stages takes time. Memory that all cores share, and waiting, come on top.
 *
 * The pieces are those of the plan that a decoder follows, on a device with WebGPU's default limits. Each core has one
 * workgroup at a time; a real one has several, which makes the end of a stage less ragged.
 * @param workgroups of the fused factoring: 1, or as many as there are cores
 * @param position how many positions attention looks back to
 */
export function scheduleLayer(
  shape: Shape,
  factoring: ScheduledFactoring,
  {cores, workgroups = 1, position = shape.context / 2}: {cores: number; workgroups?: number; position?: number}
): LayerSchedule {
  const pieces = factoring === "staged" ? stagedPieces(shape) : fusedPieces(shape, workgroups);
  const dealtTo = factoring === "staged" ? cores : Math.min(workgroups, cores);
  return {
    factoring,
    workgroups: factoring === "staged" ? null : workgroups,
    stages: Object.entries(pieces).map(([name, count]) => {
      const bytes = stageBytes(shape, name, position);
      return {name, pieces: count, bytes, rounds: deal(count, dealtTo, bytes)};
    })
  };
}

/** How long a stage or a layer takes: bytes that its busiest cores read one after another. */
export function durationOf({rounds}: Pick<ScheduledStage, "rounds">): number {
  return rounds.reduce((sum, {duration}) => sum + duration, 0);
}

export function layerDuration({stages}: LayerSchedule): number {
  return stages.reduce((sum, stage) => sum + durationOf(stage), 0);
}

/** The share of all cores that is busy, over the layer, between 0 and 1. */
export function busyShare(schedule: LayerSchedule, cores: number): number {
  const busy = schedule.stages
    .flatMap(({rounds}) => rounds)
    .reduce((sum, round) => sum + round.cores * round.duration, 0);
  return busy / (cores * layerDuration(schedule));
}

/** Pieces of equal size for so many cores: full rounds, and one for the rest. */
function deal(pieces: number, cores: number, bytes: number): Round[] {
  const each = bytes / pieces;
  const rest = pieces % cores;
  const rounds = [
    {cores, duration: Math.floor(pieces / cores) * each},
    {cores: rest, duration: each}
  ];
  return rounds.filter((round) => round.cores > 0 && round.duration > 0);
}

/** Bytes that one dispatch of a stage reads, by its kernel's name; of a norm also the residual, twice its weights. */
function stageBytes(shape: Shape, name: string, position: number): number {
  const stage = stageOf(name)!;
  const bytes = bytesPerToken(shape, stage, position) / callsPerToken(shape, stage);
  return stage === "rms_norm" ? bytes + 4 * shape.hidden : bytes;
}

/** Workgroups of each dispatch of a layer. */
function stagedPieces(shape: Shape): Record<string, number> {
  const layer = defaultPlan(shape, "staged").filter(({bound}) => bound === 0);
  return Object.fromEntries(layer.map(({path, workgroups}) => [path.replace(/^staged\/|\.wgsl$/g, ""), workgroups]));
}

/**
 * Rows that a team takes together, which are dealt to the workgroups; a head of attention. One workgroup takes all of a
 * stage as one piece. Where there are several, each norms what it takes by itself.
 */
function fusedPieces(shape: Shape, workgroups: number): Record<string, number> {
  const [dispatch] = defaultPlan(shape, "fused", workgroups) as [Dispatch];
  if (dispatch.workgroups === 1) {
    return Object.fromEntries(Object.keys(stagedPieces(shape)).map((name) => [name, 1]));
  }
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  return {
    qkv_rope: qkv.rows / dispatch.qkvRows,
    attention: shape.kvHeads,
    o_proj: o.rows / dispatch.residualRows,
    gate_up: gateUp.rows / dispatch.teamRows,
    down: down.rows / dispatch.residualRows
  };
}
