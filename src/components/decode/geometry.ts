import type {DeviceDescription} from "../gpu/device.js";
import {stageNames, type KernelFeature} from "../gpu/kernels.js";
import type {Shape, WeightFormat} from "../model/shape.js";
import {leastLanes, type Arithmetic, type Geometry, type KernelGeometry, type KernelName} from "./plan.js";
import {tileGroupsBeside} from "./workgroup-memory.js";

/** Groups of activations that should fit in workgroup memory at once, before a workgroup is made smaller: not tuned. */
const enoughTileGroups = 32;

/**
 * A look for a word took an H200 some 0.2 µs and SwiftShader some 30 ns, eight words at once a few times that, so that
 * either gives up within some 200 ms, thousands of times what a wait takes while all workgroups are resident.
 */
const spinLimit = {hardware: 1 << 17, software: 3 << 19};

/** What a geometry depends on beside the shape; of the sizes of subgroups WebGPU's bounds are taken where none are known. */
export type GeometryDevice = Pick<DeviceDescription, "limits"> &
  Partial<Pick<DeviceDescription, "software" | "subgroupMinSize" | "subgroupMaxSize">>;

/**
 * The geometry that kernels start with: one workgroup alone has as many loads under way as it can, by the rows of a team
 * and by its size; those of the stages that are mostly reductions are large; matrices get many workgroups of 256, those
 * with few rows more lanes and fewer rows.
 */
export function defaultGeometry(
  shape: Shape,
  features: readonly KernelFeature[],
  {limits, software = false, subgroupMinSize = 4, subgroupMaxSize = 128}: GeometryDevice,
  arithmetic: Arithmetic = "float32",
  weightFormat: WeightFormat = "int4"
): Geometry {
  const workgroupStorage = limits.maxComputeWorkgroupStorageSize!;
  const most = Math.min(limits.maxComputeInvocationsPerWorkgroup!, limits.maxComputeWorkgroupSizeX!);
  const largest = (size: number): number => {
    const allowed = 2 ** Math.floor(Math.log2(Math.min(size, most)));
    const groups = tileGroupsBeside(allowed, shape, {features, arithmetic, workgroupStorage});
    return groups < enoughTileGroups && allowed > 64 ? largest(allowed / 2) : allowed;
  };
  const subgroups = features.includes("subgroups");
  const lanes = subgroups ? subgroupMaxSize : 32;
  const lanesAreFixed = !subgroups || subgroupMinSize === subgroupMaxSize;
  const mostRows = lanesAreFixed ? lanes : leastLanes; // each row's sum ends in a lane of its own
  const of = (size: number, kernel: Partial<KernelGeometry> = {}): KernelGeometry => {
    const {teamRows = 4, qkvRows = 4, residualRows = 4, readAhead = 0} = kernel;
    return {
      workgroupSize: largest(size),
      teamRows: Math.min(teamRows, mostRows),
      qkvRows: Math.min(qkvRows, mostRows),
      residualRows: Math.min(residualRows, mostRows),
      readAhead
    };
  };
  const sizes: Partial<Record<KernelName, KernelGeometry>> = {
    // Where a CPU stands in for a GPU, compiling eight rows takes longer than they save. 16 bytes are a group of int4,
    // but four or eight floats, so that these need more loads under way for as many bytes.
    fused: software ? of(1024) : of(weightFormat === "int4" ? 512 : 1024, {teamRows: 8, qkvRows: 8, residualRows: 8}),
    fused_grid: of(512, {teamRows: 8, qkvRows: shape.headDim % 6 === 0 ? 6 : 8, residualRows: 2, readAhead: 9}),
    rms_norm_attention: of(512),
    rms_norm_ffn: of(512),
    rms_norm_final: of(512),
    attention: of(512),
    embedding: of(256, {residualRows: 1}),
    o_proj: of(512, {residualRows: 2}),
    down: of(256, {residualRows: 2}),
    lm_head: of(256, {teamRows: 8}),
    argmax: of(1024)
  };
  const names: readonly KernelName[] = [...stageNames, "fused", "fused_grid"];
  const kernels = Object.fromEntries(names.map((name) => [name, sizes[name] ?? of(256)]));
  return {
    lanes,
    lanesAreFixed,
    features,
    arithmetic,
    activationsIn: "workgroup memory",
    workgroups: 1,
    spinLimit: spinLimit[software ? "software" : "hardware"],
    tokensPerDispatch: 1,
    layersPerDispatch: 1,
    workgroupStorage,
    kernels: kernels as Geometry["kernels"]
  };
}
