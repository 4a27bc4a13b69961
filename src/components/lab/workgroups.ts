import {decodeExperiment} from "./decode-experiment.js";
import type {DecodeEnvironment, DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";

const staged: DecodeVariant = {
  variant: "staged",
  label: "Staged: a dispatch for each stage",
  factoring: "staged",
  arithmetic: "int16"
};

const fused = {factoring: "fused", arithmetic: "int16"} as const;

/** Workgroups of the one dispatch, the fewest first. */
const workgroupCounts = [1, 2, 4, 8, 12, 16, 32, 64, 128];

export const workgroupsRows: readonly DecodeVariant[] = [
  staged,
  ...workgroupCounts.map((workgroups) => ({
    ...fused,
    variant: `fused-${workgroups}`,
    label: `Fused, ${workgroups} ${workgroups === 1 ? "workgroup" : "workgroups"}`,
    workgroups
  })),
  {...fused, variant: "fused-resident", label: "Fused, all workgroups that are resident", workgroups: "resident"},
  {...staged, variant: "staged-float32", label: "Staged, in float32", arithmetic: "float32"},
  {
    ...fused,
    variant: "fused-resident-float32",
    label: "Fused, all resident, in float32",
    arithmetic: "float32",
    workgroups: "resident"
  }
];

/** One dispatch with more and more workgroups, beside the staged design with the same arithmetic. */
export function workgroupsExperiment(environment: DecodeEnvironment): Experiment {
  return decodeExperiment(environment, {
    id: "workgroups",
    question: "How many workgroups until one dispatch equals 228?",
    shapes: ["tiny", "phi3-mini-1-layer", "phi3-mini-8-layers", "phi3-mini"],
    defaultShape: "phi3-mini-1-layer",
    page: "/geometry",
    rows: () => workgroupsRows
  });
}
