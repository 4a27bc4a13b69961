import type {Kernels} from "../gpu/kernels.js";
import type {Experiment} from "./experiment.js";
import {readVariant, type ReadBuffers, type ReadGeometry} from "./read-variant.js";
import {residentVariant, type Footprint} from "./resident-variant.js";

/** Its id, in records and on the page. */
export const limitsId = "limits";

/** Workgroups of 256 that read together, the fewest first, then one workgroup of other sizes. */
const reads: readonly ReadGeometry[] = [
  ...[1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 2048, 8192].map((workgroups) => ({workgroups, workgroupSize: 256})),
  ...[64, 128, 512, 1024].map((workgroupSize) => ({workgroups: 1, workgroupSize}))
];

/** Every size with next to no workgroup memory, then one size with more and more of it. */
const footprints: readonly Footprint[] = [
  ...[64, 128, 256, 512, 1024].map((workgroupSize) => ({workgroupSize})),
  ...[16, 32, 48].map((kibibytes) => ({workgroupSize: 256, workgroupMemory: 1024 * kibibytes}))
];

/** What a device reads with more and more workgroups, and how many of them it holds at once. */
export function limitsExperiment(kernels: Kernels): Experiment {
  const buffers: ReadBuffers = new WeakMap();
  return {
    id: limitsId,
    question: "What can one workgroup reach, and how many run at once?",
    shapes: [],
    defaultShape: null,
    page: "/limits",
    variants: () => [
      ...reads.map((geometry) => readVariant(kernels, geometry, buffers)),
      ...footprints.map((footprint) => residentVariant(kernels, footprint))
    ]
  };
}
