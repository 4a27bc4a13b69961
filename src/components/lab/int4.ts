import {weightFormats, type WeightFormat} from "../model/shape.js";
import {decodeExperiment} from "./decode-experiment.js";
import type {DecodeEnvironment, DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";
import {weightFormatExperiment} from "./result-row.js";

/** What the labels call a format. */
const unpacked: Record<WeightFormat, string> = {
  int4: "int4, unpacked on the fly",
  float16: "expanded to float16",
  float32: "expanded to float32"
};

/** Over so many dispatches the record divides 32 layers, because a binding is too small for all of them in float32. */
const dispatches = 4;

export const int4Rows: readonly DecodeVariant[] = [
  ...(["fused", "staged"] as const).flatMap((factoring) =>
    weightFormats.map((weightFormat) => ({
      variant: `${factoring}-${weightFormat}`,
      label: `${factoring === "fused" ? "One workgroup" : "Staged"}, ${unpacked[weightFormat]}`,
      factoring,
      weightFormat
    }))
  ),
  ...weightFormats.map((weightFormat) => ({
    variant: `chunked-${dispatches}-${weightFormat}`,
    label: `One workgroup, ${unpacked[weightFormat]}, ${dispatches} dispatches`,
    factoring: "chunked" as const,
    weightFormat,
    dispatches
  })),
  {
    variant: `chunked-${dispatches}-float32-awaited`,
    label: `One workgroup, ${unpacked.float32}, ${dispatches} dispatches, the CPU waits for each`,
    factoring: "chunked",
    weightFormat: "float32",
    dispatches,
    awaited: true
  },
  {
    variant: "fused-int4-16-tokens",
    label: "One workgroup, int4, 16 tokens in one dispatch",
    factoring: "fused",
    weightFormat: "int4",
    tokensPerDispatch: 16
  }
];

/** The same weights in int4, unpacked by every kernel that reads them, and expanded to floats beforehand. */
export function int4Experiment(environment: DecodeEnvironment): Experiment {
  return decodeExperiment(environment, {
    id: weightFormatExperiment,
    question: "Is it faster to unpack int4 on the fly or beforehand?",
    shapes: [
      "tiny",
      "qwen2-0.5b-1-layer",
      "qwen2-0.5b-24-layers",
      "phi3-mini-1-layer",
      "phi3-mini-8-layers",
      "phi3-mini"
    ],
    defaultShape: "phi3-mini-1-layer",
    page: "/int4",
    rows: () => int4Rows
  });
}
