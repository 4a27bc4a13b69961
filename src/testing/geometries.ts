import {defaultGeometry} from "../components/decode/geometry.js";
import {leastLanes, type Geometry, type KernelGeometry, type KernelName} from "../components/decode/plan.js";
import {tileGroupsBeside} from "../components/decode/workgroup-memory.js";
import type {Gpu} from "../components/gpu/device.js";
import {stageNames, type KernelFeature} from "../components/gpu/kernels.js";
import type {Shape} from "../components/model/shape.js";

/** The features a test runs with: all that the device has, and none. */
export function featureSets({adapter}: Gpu): KernelFeature[][] {
  return adapter.features.has("subgroups") ? [["subgroups"], []] : [[]];
}

/** A test's name for features. */
export function describeFeatures(features: readonly KernelFeature[]): string {
  return features.length > 0 ? `with ${features.join(" and ")}` : "without optional features";
}

/** Looks for a word: more than by default, because tests share the cores that the workgroups of a software driver need. */
const patience = 1 << 22;

/** The default geometry with every kernel changed alike, and whatever else is given; rows are no more than lanes. */
export function changeGeometry(
  gpu: Gpu,
  shape: Shape,
  features: readonly KernelFeature[],
  {kernel, ...rest}: Partial<Omit<Geometry, "kernels">> & {kernel?: Partial<KernelGeometry>}
): Geometry {
  const geometry = defaultGeometry(shape, features, gpu.description, rest.arithmetic);
  const names: KernelName[] = [...stageNames, "fused", "fused_grid"];
  const {lanes, lanesAreFixed} = {...geometry, ...rest};
  const most = lanesAreFixed ? lanes : leastLanes;
  const kernels = Object.fromEntries(
    names.map((name) => {
      const changed = {...geometry.kernels[name], ...kernel};
      const {teamRows, qkvRows, residualRows} = changed;
      const rows = {
        teamRows: Math.min(teamRows, most),
        qkvRows: Math.min(qkvRows, most),
        residualRows: Math.min(residualRows, most)
      };
      return [name, {...changed, ...rows}];
    })
  );
  const spinLimit = Math.max(geometry.spinLimit, patience);
  return {...geometry, spinLimit, ...rest, kernels: kernels as Geometry["kernels"]};
}

/** The least workgroup memory, in bytes, that leaves room for `groups` groups of 32 activations. */
export function storageForTile(
  groups: number,
  workgroupSize: number,
  shape: Shape,
  {features, arithmetic}: Pick<Geometry, "features" | "arithmetic">
): number {
  let workgroupStorage = 0;
  while (tileGroupsBeside(workgroupSize, shape, {features, arithmetic, workgroupStorage}) < groups)
    workgroupStorage += 4;
  return workgroupStorage;
}
