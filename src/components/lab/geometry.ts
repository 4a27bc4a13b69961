import {decodeExperiment} from "./decode-experiment.js";
import type {DecodeEnvironment, DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";
import {ablationExperiment} from "./result-row.js";

/** What every row but the last five starts from, and changes in one thing. */
const start = {factoring: "fused", arithmetic: "int16", workgroups: "resident"} as const;

const sizes = [64, 128, 256, 512, 1024];

export const geometryRows: readonly DecodeVariant[] = [
  {...start, variant: "resident", label: "As it is: all resident workgroups"},
  ...sizes.map((workgroupSize) => ({
    ...start,
    variant: `size-${workgroupSize}`,
    label: `Workgroups of ${workgroupSize}`,
    kernel: {workgroupSize}
  })),
  ...[2, 4, 8].map((teamRows) => ({
    ...start,
    variant: `team-rows-${teamRows}`,
    label: `${teamRows} rows a team`,
    kernel: {teamRows}
  })),
  ...[2, 4, 6, 8].map((qkvRows) => ({
    ...start,
    variant: `qkv-rows-${qkvRows}`,
    label: `${qkvRows} rows of queries, keys and values a team`,
    kernel: {qkvRows}
  })),
  ...[1, 2, 4].map((residualRows) => ({
    ...start,
    variant: `residual-rows-${residualRows}`,
    label: `${residualRows} ${residualRows === 1 ? "row" : "rows"} of the residual a team`,
    kernel: {residualRows}
  })),
  {
    ...start,
    variant: "registers",
    label: "Activations in registers, not in workgroup memory",
    activationsIn: "registers"
  },
  ...[0, 4, 9, 12].map((readAhead) => ({
    ...start,
    variant: `read-ahead-${readAhead}`,
    label: readAhead === 0 ? "Nothing read ahead" : `${32 * readAhead} bytes an invocation read ahead`,
    kernel: {readAhead}
  })),
  {...start, variant: "float32", label: "Arithmetic in float32", arithmetic: "float32"},
  {...start, variant: "portable", label: "Without subgroups", features: []},
  ...[4, 16].map((tokensPerDispatch) => ({
    ...start,
    variant: `tokens-${tokensPerDispatch}`,
    label: `${tokensPerDispatch} tokens in a dispatch`,
    tokensPerDispatch
  })),
  ...sizes.map((workgroupSize) => ({
    ...start,
    variant: `single-${workgroupSize}`,
    label: `One workgroup of ${workgroupSize}`,
    workgroups: 1,
    kernel: {workgroupSize}
  }))
];

/** Ablations of the fused kernel: each changes one thing, at as many workgroups as are then resident. */
export function geometryExperiment(environment: DecodeEnvironment): Experiment {
  return decodeExperiment(environment, {
    id: ablationExperiment,
    question: "What does each choice in the geometry of one dispatch give?",
    shapes: ["tiny", "phi3-mini-1-layer", "phi3-mini-8-layers", "phi3-mini"],
    defaultShape: "phi3-mini-1-layer",
    page: "/geometry",
    rows: () => geometryRows
  });
}
