import type {Shape} from "../model/shape.js";
import type {Arithmetic, Geometry} from "./plan.js";

/** What decides how much of a kernel's workgroup memory is taken. */
type MemoryGeometry = Pick<Geometry, "features" | "arithmetic">;

/** Groups of 32 activations that fit beside a kernel's other workgroup memory (lib/reduce.wgsl, stages/attention.wgsl). */
export function tileGroupsBeside(
  workgroupSize: number,
  shape: Shape,
  geometry: MemoryGeometry & Pick<Geometry, "workgroupStorage">
): number {
  const rest = geometry.workgroupStorage - otherBytes(workgroupSize, shape, geometry);
  return Math.floor(rest / groupBytes[geometry.arithmetic]);
}

/** Bytes of workgroup memory that a kernel takes with so many groups of 32 activations in it, at most. */
export function workgroupMemory(
  workgroupSize: number,
  tileGroups: number,
  shape: Shape,
  geometry: MemoryGeometry
): number {
  return otherBytes(workgroupSize, shape, geometry) + tileGroups * groupBytes[geometry.arithmetic];
}

/** Of a group of activations: eight vec4f in float32, four vec4u in int16. */
const vectorBytes: Record<Arithmetic, number> = {float32: 128, int16: 64};

/** Bytes of a group of 32 activations: its vectors and a sum in float32, and in int16 a vec2f. */
export const groupBytes: Record<Arithmetic, number> = {float32: vectorBytes.float32 + 4, int16: vectorBytes.int16 + 8};

/** Invocations that share the positions of a block (stages/attention.wgsl). */
export const attentionBand = 32;

/** Bytes of all but the groups. */
function otherBytes(workgroupSize: number, {headDim}: Shape, {features, arithmetic}: MemoryGeometry): number {
  const scratch = features.includes("subgroups") ? 1 : 4 + 16;
  const candidates = 2;
  const attention = 12 * headDim + workgroupSize + (workgroupSize / attentionBand) * (4 * headDim + 8);
  const spareColumn = vectorBytes[arithmetic];
  return (scratch + candidates) * workgroupSize + attention + 64 + spareColumn;
}
