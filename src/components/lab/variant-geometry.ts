import {mostWorkgroups, whyUnplanned} from "../decode/fit.js";
import {defaultGeometry, type GeometryDevice} from "../decode/geometry.js";
import type {GpuWeights} from "../decode/gpu-weights.js";
import {
  divideLayers,
  leastLanes,
  linkConditions,
  planToken,
  type Geometry,
  type KernelGeometry
} from "../decode/plan.js";
import {residencyKey} from "../decode/residency.js";
import type {DeviceDescription, Gpu} from "../gpu/device.js";
import {featuresOf, type KernelFeature} from "../gpu/kernels.js";
import type {Shape} from "../model/shape.js";
import type {DecodeVariant} from "./decode-variant.js";

/** Most workgroups that are tried: more than any GPU is known to hold of such a kernel. */
const mostTried = {hardware: 4096, software: 4};

/** The optional features that the kernels of a variant use on a device. */
export function chooseFeatures(
  {features}: DecodeVariant,
  device: Pick<DeviceDescription, "features">
): readonly KernelFeature[] {
  return features ?? featuresOf(device);
}

/** The geometry of a variant; how many workgroups are resident is yet to be found out. */
export function chooseGeometry(
  shape: Shape,
  row: DecodeVariant,
  device: GeometryDevice & Pick<DeviceDescription, "features">
): Geometry {
  const {arithmetic, activationsIn, workgroups = 1, tokensPerDispatch = 1, dispatches = 1} = row;
  const {kernel, lanes, options} = row;
  const geometry = defaultGeometry(shape, chooseFeatures(row, device), device, arithmetic, row.weightFormat);
  const kernels = lanes ? withRowsUpTo(lanes, geometry.kernels) : geometry.kernels;
  const name = workgroups === 1 ? "fused" : "fused_grid";
  return {
    ...geometry,
    ...(activationsIn && {activationsIn}),
    ...(lanes && {lanes}),
    ...(options && {options}),
    workgroups: workgroups === "resident" ? 2 : workgroups,
    tokensPerDispatch,
    layersPerDispatch: divideLayers(shape, dispatches) ?? shape.layers,
    kernels: {...kernels, [name]: {...kernels[name], ...kernel}}
  };
}

/** Why a device, or the shape, has no room for a variant's geometry, in a sentence; null where it has. */
export function whyNoGeometry(shape: Shape, row: DecodeVariant, gpu: Gpu): string | null {
  const {workgroups = 1, dispatches = 1, kernel} = row;
  const {label, limits} = gpu.description;
  if (divideLayers(shape, dispatches) === null) return whyUndivided(shape, dispatches);
  const geometry = chooseGeometry(shape, row, gpu.description);
  for (const limit of ["maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX"] as const) {
    const size = kernel?.workgroupSize ?? 0;
    if (size > limits[limit]!)
      return `A workgroup of ${size} is more than this device allows, ${limits[limit]} (${limit}).`;
  }
  const tooManyRows = whyTooManyRows(kernel, geometry);
  if (tooManyRows) return tooManyRows;
  const unplanned = whyUnplanned(shape, row.factoring, geometry, gpu.description);
  if (unplanned) return unplanned;
  try {
    linkConditions(row.factoring, geometry, 1, row.weightFormat);
  } catch (error) {
    return `This geometry does not fit: ${(error as Error).message}.`;
  }
  if (workgroups === 1 || workgroups === "resident" || workgroups <= workgroupLimit(shape, geometry, gpu)) return null;
  const units = mostWorkgroups(shape, geometry.kernels.fused_grid);
  return workgroups > units
    ? `Each of ${workgroups} workgroups must have a row of every matrix; at this shape ${units} have one.`
    : `${label} is a CPU, which runs a workgroup on each core; more than ${mostTried.software} are not tried.`;
}

/** Workgroups of one dispatch that may be tried on a device. */
export function workgroupLimit(shape: Shape, {kernels}: Geometry, {description}: Pick<Gpu, "description">): number {
  return Math.min(mostWorkgroups(shape, kernels.fused_grid), mostTried[description.software ? "software" : "hardware"]);
}

/** Names the kernel of one dispatch of several workgroups on a device, by all that decides how much of a core it takes. */
export function kernelKey(shape: Shape, geometry: Geometry, {slots}: GpuWeights, {description}: Gpu): string {
  const [dispatch] = planToken(shape, "fused", geometry);
  const {path, workgroupSize, teamRows, qkvRows, residualRows, tileGroups} = dispatch!;
  const conditions = linkConditions("fused", geometry, slots.length);
  const name = [path, ...conditions, teamRows, qkvRows, residualRows, tileGroups].join(" ");
  return residencyKey(description, {name, workgroupSize});
}

/** No kernel of a plan may have more rows than a team has lanes. */
function withRowsUpTo(most: number, kernels: Geometry["kernels"]): Geometry["kernels"] {
  const rows = ["teamRows", "qkvRows", "residualRows"] as const;
  const limited = Object.entries(kernels).map(([name, kernel]) => [
    name,
    {...kernel, ...Object.fromEntries(rows.map((row) => [row, Math.min(kernel[row], most)]))}
  ]);
  return Object.fromEntries(limited) as Geometry["kernels"];
}

/** Where each of a team's rows has no lane of its own for its sum. */
function whyTooManyRows(
  {teamRows = 1, qkvRows = 1, residualRows = 1}: Partial<KernelGeometry> = {},
  {lanes, lanesAreFixed, features}: Geometry
): string | null {
  const rows = Math.max(teamRows, qkvRows, residualRows);
  const needed = rows === 6 ? 8 : rows;
  const sure = lanesAreFixed ? lanes : leastLanes;
  if (needed <= sure) return null;
  const team = !features.includes("subgroups")
    ? `has ${sure}`
    : lanesAreFixed
      ? `is a subgroup, of ${sure}`
      : `is a subgroup, of ${sure} to ${lanes}, and ${sure} are sure`;
  return (
    `${rows} rows a team need a team of ${needed} lanes or more: the sum of each row ends in a lane of its own` +
    `${rows === 6 ? ", and six rows take the places of eight" : ""}. Here a team ${team}.`
  );
}

function whyUndivided({label, layers}: Shape, dispatches: number): string {
  if (layers >= dispatches) return `The ${layers} layers of “${label}” do not make ${dispatches} groups of equal size.`;
  const has = layers === 1 ? "has 1, which is one dispatch" : `has ${layers}`;
  return `${dispatches} dispatches of whole layers need ${dispatches} layers; “${label}” ${has}.`;
}
