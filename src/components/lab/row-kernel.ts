import {isOneKernel} from "../decode/plan.js";
import {kernelFeatures} from "../gpu/kernels.js";
import {shapes, type ShapeId} from "../model/shape.js";
import {chunksRows} from "./chunks.js";
import type {DecodeVariant} from "./decode-variant.js";
import {geometryRows} from "./geometry.js";
import {int4Rows} from "./int4.js";
import {ladderExperiment, sweepExperimentId, type ResultRow} from "./result-row.js";
import {spectrumRows} from "./spectrum.js";
import {axes, axisNames, planSweep, type SweepChoice} from "./sweep.js";
import {ablated, ablations, beside, ladder} from "./tiling.js";
import {toyRows} from "./toy.js";
import {chooseGeometry} from "./variant-geometry.js";
import {workgroupsRows} from "./workgroups.js";

const rowsOf: Record<string, readonly DecodeVariant[]> = {
  spectrum: spectrumRows,
  chunks: chunksRows,
  workgroups: workgroupsRows,
  geometry: geometryRows,
  [ladderExperiment]: [...ladder, beside, ablated, ...ablations],
  int4: int4Rows,
  toy: toyRows
};

/**
 * A device that limits nothing. What a record lacks of a geometry depends on a device only by how many rows a team has
 * lanes for: a variant that names more has no figure, and one that names the default is the default on every device
 * that has the lanes.
 */
const roomy = {
  features: [...kernelFeatures],
  limits: {
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupStorageSize: 32768
  },
  subgroupMinSize: 32,
  subgroupMaxSize: 32
};

/**
 * Names the kernels of a measured row and how they are launched, so that two rows of one device and runtime with the
 * same name measured the same thing. A record holds the size and the number of workgroups; the rest of the geometry is
 * built from the row's variant, as for a run.
 * @returns null where the variant, or the shape, is none that there is now.
 */
export function kernelOf(row: ResultRow): string | null {
  const {experiment, shapeId, factoring, weightFormat, dispatchesPerToken, awaited, apart} = row;
  if (shapeId === null || !Object.hasOwn(shapes, shapeId)) return null;
  const rows = experiment === sweepExperimentId ? everyRow(shapeId as ShapeId) : rowsOf[experiment ?? ""];
  const variant = rows?.find(({variant}) => variant === row.variant);
  if (!variant) return null;
  const features = kernelFeatures.filter((feature) => row.features?.includes(feature));
  const {kernels, ...geometry} = chooseGeometry(shapes[shapeId as ShapeId], {...variant, features}, roomy);
  const {workgroups, workgroupSize} = row;
  const kernel = isOneKernel(variant.factoring)
    ? {...kernels[workgroups === 1 ? "fused" : "fused_grid"], workgroupSize}
    : kernels;
  const launch = [factoring, dispatchesPerToken, awaited, apart];
  return JSON.stringify([shapeId, weightFormat, launch, {...geometry, workgroups}, kernel]);
}

/** A measured row, and the others of its record that measured the same kernel under the name of a choice it makes anyway. */
export function repeatsInRecord(rows: readonly ResultRow[], row: ResultRow): ResultRow[] {
  const kernel = kernelOf(row);
  const others = rows.filter(
    (other) =>
      other !== row &&
      other.sourceFile === row.sourceFile &&
      other.tokensPerSecond !== null &&
      kernel !== null &&
      kernelOf(other) === kernel
  );
  return [row, ...others];
}

/** Every row that a sweep may have at a shape. */
function everyRow(shape: ShapeId): readonly DecodeVariant[] {
  const all = Object.fromEntries(axisNames.map((name) => [name, axes[name].values]));
  return planSweep({...all, shapes: [shape]} as unknown as SweepChoice)[0]!.rows;
}
