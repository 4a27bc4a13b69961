import {decodeExperiment} from "./decode-experiment.js";
import type {DecodeEnvironment, DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";

export const spectrumRows: readonly DecodeVariant[] = [
  {variant: "fused", label: "Fused: one dispatch, one workgroup", factoring: "fused", features: ["subgroups"]},
  {variant: "staged", label: "Staged: a dispatch for each stage", factoring: "staged", features: ["subgroups"]},
  {variant: "fused-portable", label: "Fused, without subgroups", factoring: "fused", features: []},
  {variant: "staged-portable", label: "Staged, without subgroups", factoring: "staged", features: []}
];

/** The dispatch spectrum: the same stages launched once a token, and once a stage. */
export function spectrumExperiment(environment: DecodeEnvironment): Experiment {
  return decodeExperiment(environment, {
    id: "spectrum",
    question: "Why does a transformer decoded in one dispatch per token lose to one decoded in 228?",
    shapes: ["tiny", "phi3-mini-1-layer", "phi3-mini-8-layers", "phi3-mini"],
    defaultShape: "phi3-mini-1-layer",
    page: "/",
    rows: () => spectrumRows
  });
}
