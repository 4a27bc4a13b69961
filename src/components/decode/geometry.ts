import type {Gpu} from "../gpu/device.js";
import {stageNames, type KernelFeature, type StageName} from "../gpu/kernels.js";
import type {Shape} from "../model/shape.js";
import {tileGroupsBeside, type Geometry, type KernelGeometry} from "./plan.js";

/** Groups of activations that should fit in workgroup memory at once, before a workgroup is made smaller: not tuned. */
const enoughTileGroups = 32;

/**
 * The geometry that kernels start with: one workgroup alone is as large as it can be, and so are those of the stages
 * that are mostly reductions; matrices get many workgroups of 256, those with few rows more lanes and fewer rows.
 */
export function defaultGeometry(
  shape: Shape,
  features: readonly KernelFeature[],
  {adapter, description}: Pick<Gpu, "adapter" | "description">
): Geometry {
  const limits = description.limits as Record<string, number>;
  const workgroupStorage = limits.maxComputeWorkgroupStorageSize!;
  const most = Math.min(limits.maxComputeInvocationsPerWorkgroup!, limits.maxComputeWorkgroupSizeX!);
  const largest = (size: number): number => {
    const allowed = 2 ** Math.floor(Math.log2(Math.min(size, most)));
    const groups = tileGroupsBeside(allowed, shape, {features, workgroupStorage});
    return groups < enoughTileGroups && allowed > 64 ? largest(allowed / 2) : allowed;
  };
  const sizes: Partial<Record<StageName | "fused", KernelGeometry>> = {
    fused: {workgroupSize: largest(1024), teamRows: 4},
    rms_norm_attention: {workgroupSize: largest(512), teamRows: 4},
    rms_norm_ffn: {workgroupSize: largest(512), teamRows: 4},
    rms_norm_final: {workgroupSize: largest(512), teamRows: 4},
    attention: {workgroupSize: largest(1024), teamRows: 4},
    o_proj: {workgroupSize: largest(512), teamRows: 2},
    down: {workgroupSize: largest(512), teamRows: 2},
    argmax: {workgroupSize: largest(1024), teamRows: 4}
  };
  const matrices = {workgroupSize: largest(256), teamRows: 4};
  const kernels = Object.fromEntries([...stageNames, "fused" as const].map((name) => [name, sizes[name] ?? matrices]));
  const {subgroupMinSize = 4, subgroupMaxSize = 128} = adapter.info;
  const subgroups = features.includes("subgroups");
  return {
    lanes: subgroups ? subgroupMaxSize : 32,
    lanesAreFixed: !subgroups || subgroupMinSize === subgroupMaxSize,
    features,
    workgroupStorage,
    kernels: kernels as Geometry["kernels"]
  };
}
