import {decodeExperiment} from "./decode-experiment.js";
import type {DecodeEnvironment, DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";

const factorings = [
  {variant: "fused", label: "One dispatch, one workgroup", factoring: "fused"},
  {variant: "staged", label: "A dispatch for each stage", factoring: "staged"},
  {variant: "unfused", label: "A dispatch for each operation", factoring: "unfused"}
] as const;

export const toyRows: readonly DecodeVariant[] = [
  ...factorings.map((row) => ({...row, features: ["subgroups"] as const})),
  ...[256, 64].map((workgroupSize) => ({
    variant: `fused-${workgroupSize}`,
    label: `One dispatch, one workgroup of ${workgroupSize} invocations`,
    factoring: "fused" as const,
    features: ["subgroups"] as const,
    kernel: {workgroupSize}
  })),
  ...factorings.map(({variant, label, factoring}) => ({
    variant: `${variant}-portable`,
    label: `${label}, without subgroups`,
    factoring,
    features: []
  }))
];

/**
 * Models so small that launching takes more time than computing. A record is of one size; its rows say which, so that
 * records of several sizes can stand in one table.
 */
export function toyExperiment(environment: DecodeEnvironment): Experiment {
  return decodeExperiment(environment, {
    id: "toy",
    question: "At which size does one dispatch stop winning?",
    shapes: ["toy-32", "toy-64", "toy-128", "toy-256"],
    defaultShape: "toy-32",
    page: "/toy",
    rows: ({hidden}) => toyRows.map((row) => ({...row, label: `${row.label}, ${hidden} wide`}))
  });
}
