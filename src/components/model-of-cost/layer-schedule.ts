import {defaultGeometry, type GeometryDevice} from "../decode/geometry.js";
import {isOneKernel, planToken, type Dispatch, type Factoring} from "../decode/plan.js";
import {bytesPerToken, callsPerToken, stageOf} from "../decode/stages.js";
import {defaultLimits} from "../gpu/default-limits.js";
import {featuresOf} from "../gpu/kernels.js";
import {layerMatrices, type Shape} from "../model/shape.js";
import {operationBytes} from "./operation-bytes.js";

/** So many cores busy for so long. */
export interface Round {
  cores: number;
  /** Bytes that each of them reads: time, where a core reads one byte in a unit of it. */
  duration: number;
}

/** One stage of a layer, divided over the cores of a GPU. */
export interface ScheduledStage {
  name: string;
  /** What cores take one after another: workgroups of a dispatch, or rows dealt to the workgroups of one. */
  pieces: number;
  /** Bytes that all of them read, each time that one does. */
  bytes: number;
  /** Whether every workgroup does all of it for itself, and so waits for no other before the next stage. */
  repeated: boolean;
  /** One after another; the last may leave cores idle. */
  rounds: Round[];
}

/** How a layer keeps the cores of a GPU busy. */
export interface LayerSchedule {
  factoring: Factoring;
  /** Workgroups of a dispatch of all stages; null where each stage has its own. */
  workgroups: number | null;
  /** What is a dispatch of its own: a stage or an operation, the layer, or nothing smaller than the token. */
  dispatch: "stage" | "layer" | "token";
  stages: ScheduledStage[];
}

/** What a plan depends on beside the shape: what a device offers. */
export interface PlanDevice extends GeometryDevice {
  /** WebGPU's names, and WGSL's of what an implementation has. */
  features: readonly string[];
}

/** What every WebGPU device has, by the specification: its default limits, and no optional feature. */
const defaultDevice: PlanDevice = {
  limits: defaultLimits,
  features: []
};

/**
 * The plan that a decoder on a device follows, with the device's features, and in 16-bit integers where it can: the
 * arithmetic that the largest figures on record have.
 * @throws {Error} when a workgroup that the device allows has no room for the activations.
 */
export function planOn(device: PlanDevice, shape: Shape, factoring: Factoring, workgroups = 1): Dispatch[] {
  const {features} = device;
  const arithmetic = features.includes("packed_4x8_integer_dot_product") ? "int16" : "float32";
  return planToken(shape, factoring, {
    ...defaultGeometry(shape, featuresOf(device), device, arithmetic),
    workgroups
  });
}

/** The plan that a decoder on a device with the default limits, without optional features, follows. */
export function defaultPlan(shape: Shape, factoring: Factoring, workgroups = 1): Dispatch[] {
  return planOn(defaultDevice, shape, factoring, workgroups);
}

/**
 * Who works when in a layer, by geometry alone: a core takes one piece after another, each byte takes it as long as any
 * other, and nothing between two stages takes time. Memory that all cores share, and waiting, come on top.
 *
 * The pieces are those of the plan that a decoder follows on the device. Each core has one workgroup at a time; a real
 * one has several, which makes the end of a stage less ragged.
 * @param workgroups of the fused factoring: 1, or as many as there are cores
 * @param position how many positions attention looks back to
 */
export function scheduleLayer(
  shape: Shape,
  factoring: Factoring,
  {
    cores,
    workgroups = 1,
    position = shape.context / 2,
    device = defaultDevice
  }: {cores: number; workgroups?: number; position?: number; device?: PlanDevice}
): LayerSchedule {
  const plan = planOn(device, shape, factoring, workgroups);
  const alone = !isOneKernel(factoring);
  return {
    factoring,
    workgroups: alone ? null : workgroups,
    dispatch: alone ? "stage" : factoring === "chunked" ? "layer" : "token",
    stages: scheduleStages(shape, plan, 0, {alone, cores, workgroups, position})
  };
}

/** A stage of a token, and how many times a token has it. */
export type TokenStage = ScheduledStage & {calls: number};

/** The same of a whole token: its ends and each stage of its layers, in the order they first run. */
export function scheduleToken(
  shape: Shape,
  factoring: Factoring,
  options: {cores: number; workgroups?: number; position?: number; device?: PlanDevice}
): TokenStage[] {
  const {cores, workgroups = 1, position = shape.context / 2, device = defaultDevice} = options;
  const plan = planOn(device, shape, factoring, workgroups);
  const alone = !isOneKernel(factoring);
  const ends = scheduleStages(shape, plan, "ends", {alone, cores, workgroups, position});
  const times = (stages: readonly ScheduledStage[], calls: number) => stages.map((stage) => ({...stage, calls}));
  return [
    ...times(ends.slice(0, 1), 1),
    ...times(scheduleStages(shape, plan, 0, {alone, cores, workgroups, position}), shape.layers),
    ...times(ends.slice(1), 1)
  ];
}

/** How long a token takes: bytes that its busiest cores read one after another. */
export function tokenDuration(stages: readonly TokenStage[]): number {
  return stages.reduce((sum, stage) => sum + stage.calls * durationOf(stage), 0);
}

/** Bytes that a stage has to read from memory: where every workgroup reads all of them, caches have what the first did. */
export function bytesFromMemory({bytes, pieces, repeated}: ScheduledStage): number {
  return repeated ? bytes / pieces : bytes;
}

/** The stages of a layer, or those at the ends of the model, on so many cores. */
function scheduleStages(
  shape: Shape,
  plan: readonly Dispatch[],
  bound: 0 | "ends",
  {alone, cores, workgroups, position}: {alone: boolean; cores: number; workgroups: number; position: number}
): ScheduledStage[] {
  const names = bound === "ends" ? endStages : layerStages;
  const pieces = alone ? dispatchPieces(shape, plan, bound, position) : kernelPieces(shape, plan[0]!, names);
  const dealtTo = alone ? cores : Math.min(workgroups, cores);
  return Object.entries(pieces).map(([name, count]) => {
    const repeated = !alone && workgroups > 1 && stageOf(name) === "rms_norm";
    const bytes = bytesOf(shape, name, position) * (repeated ? count : 1);
    return {name, pieces: count, bytes, repeated, rounds: deal(count, dealtTo, bytes)};
  });
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

/** Bytes that one dispatch reads, by its kernel's name; of a norm also the residual, twice its weights. */
function bytesOf(shape: Shape, name: string, position: number): number {
  const stage = stageOf(name);
  if (stage === undefined) return operationBytes(shape, position)[name]!;
  const bytes = bytesPerToken(shape, stage, position) / callsPerToken(shape, stage);
  return stage === "rms_norm" ? bytes + 4 * shape.hidden : bytes;
}

/**
 * Workgroups of each dispatch of a layer, or of the ends. Those of the scores of positions yet to come end at once, and
 * do not count.
 */
function dispatchPieces(
  {context}: Shape,
  plan: readonly Dispatch[],
  bound: Dispatch["bound"],
  position: number
): Record<string, number> {
  return Object.fromEntries(
    plan
      .filter((dispatch) => dispatch.bound === bound)
      .map(({path, workgroups}) => {
        const name = path.replace(/^(staged|unfused)\/|\.wgsl$/g, "");
        return [name, name === "scores" ? Math.ceil((workgroups * position) / context) : workgroups];
      })
  );
}

/**
 * Rows that a team takes together, which are dealt to the workgroups; a head of attention. One workgroup takes all of a
 * stage as one piece. Where there are several, each norms the whole residual for itself, and takes the largest logit.
 */
function kernelPieces(shape: Shape, dispatch: Dispatch, names: readonly string[]): Record<string, number> {
  if (dispatch.workgroups === 1) return Object.fromEntries(names.map((name) => [name, 1]));
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  const pieces: Record<string, number> = {
    embedding: shape.hidden / dispatch.residualRows,
    rms_norm_attention: dispatch.workgroups,
    qkv_rope: qkv.rows / dispatch.qkvRows,
    attention: shape.kvHeads,
    o_proj: o.rows / dispatch.residualRows,
    rms_norm_ffn: dispatch.workgroups,
    gate_up: gateUp.rows / dispatch.teamRows,
    down: down.rows / dispatch.residualRows,
    rms_norm_final: dispatch.workgroups,
    lm_head: Math.ceil(shape.vocabulary / dispatch.teamRows),
    argmax: dispatch.workgroups
  };
  return Object.fromEntries(names.map((name) => [name, pieces[name]!]));
}

/** The stages of a layer, in the order they run. */
const layerStages = ["rms_norm_attention", "qkv_rope", "attention", "o_proj", "rms_norm_ffn", "gate_up", "down"];

/** The stage before the layers, and those after them. */
const endStages = ["embedding", "rms_norm_final", "lm_head", "argmax"];
