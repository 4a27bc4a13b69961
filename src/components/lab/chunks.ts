import {decodeExperiment} from "./decode-experiment.js";
import type {DecodeEnvironment, DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";

/** Over how many dispatches the layers are divided. */
const divisions = [2, 4, 8, 16, 32];

const fused: DecodeVariant = {variant: "fused", label: "Fused: 1 dispatch", factoring: "fused"};

const chunked = divisions.map((dispatches): DecodeVariant => ({
  variant: `chunked-${dispatches}`,
  label: `Chunked: ${dispatches} dispatches`,
  factoring: "chunked",
  dispatches
}));

/** Of these, also each dispatch in a submit of its own with one wait: the fewest the record has, and the most. */
const apart = chunked.filter(({dispatches}) => dispatches === 4 || dispatches === 32);

export const chunksRows: readonly DecodeVariant[] = [
  fused,
  ...chunked,
  ...apart.map((row) => ({
    ...row,
    variant: `${row.variant}-submitted`,
    label: `${row.label}, each a submit`,
    apart: true
  })),
  ...[fused, ...chunked].map((row) => ({
    ...row,
    variant: `${row.variant}-awaited`,
    label: `${row.label}, the CPU waits for ${row === fused ? "it" : "each"}`,
    awaited: true
  })),
  {variant: "staged", label: "Staged: a dispatch for each stage", factoring: "staged"}
];

/**
 * One workgroup, its layers divided over more and more dispatches: all in one submit, each in a submit of its own, or
 * each in one that the CPU waits for. The staged design stands beside them.
 */
export function chunksExperiment(environment: DecodeEnvironment): Experiment {
  return decodeExperiment(environment, {
    id: "chunks",
    question: "What does one workgroup pay for a whole token, in one dispatch or in several?",
    shapes: [
      "tiny",
      "qwen2-0.5b-1-layer",
      "qwen2-0.5b-24-layers",
      "llama-1b-1-layer",
      "phi3-sized-1-layer",
      "phi3-mini-1-layer",
      "phi3-mini-8-layers",
      "phi3-mini"
    ],
    defaultShape: "phi3-mini-8-layers",
    page: "/fused",
    rows: () => chunksRows
  });
}
