import {defaultGeometry} from "../components/decode/geometry.js";
import {tileGroupsBeside, type Geometry, type KernelGeometry, type KernelName} from "../components/decode/plan.js";
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

/** The default geometry with every kernel changed alike, and whatever else is given. */
export function changeGeometry(
  gpu: Gpu,
  shape: Shape,
  features: readonly KernelFeature[],
  {kernel, ...rest}: Partial<Omit<Geometry, "kernels">> & {kernel?: Partial<KernelGeometry>}
): Geometry {
  const geometry = defaultGeometry(shape, features, gpu, rest.arithmetic);
  const names: KernelName[] = [...stageNames, "fused", "fused_grid"];
  const kernels = Object.fromEntries(names.map((name) => [name, {...geometry.kernels[name], ...kernel}]));
  return {...geometry, ...rest, kernels: kernels as Geometry["kernels"]};
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
