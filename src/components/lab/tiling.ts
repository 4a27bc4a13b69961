import type {Gpu} from "../gpu/device.js";
import type {Shape} from "../model/shape.js";
import {decodeVariants, type DecodeEnvironment, type DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";
import {ladderExperiment} from "./result-row.js";

const rowsOfTeam = (rows: number) => ({teamRows: rows, qkvRows: rows, residualRows: rows});

/** Each invocation computes a row alone: four of them stand in for a team of four rows. */
const alone = {
  factoring: "fused",
  features: [],
  lanes: 4,
  kernel: {workgroupSize: 256, ...rowsOfTeam(4)}
} as const;

/** Invocations share their rows, without subgroups, of a size that every device has. */
const shared = {factoring: "fused", features: [], lanes: 32, kernel: {workgroupSize: 256}} as const;
const twoRows = {...shared.kernel, ...rowsOfTeam(2)};

/** One workgroup as the notebook's other experiments have it in 16-bit integers: the default geometry. */
const base = {factoring: "fused", features: ["subgroups"], arithmetic: "int16"} as const;

/** From the style of the recorded kernels to the fused kernel as it is: each rung changes what its label says. */
export const ladder: readonly DecodeVariant[] = [
  {
    ...alone,
    variant: "record-64",
    label: "The recorded style, 64 invocations",
    kernel: {...alone.kernel, workgroupSize: 64},
    options: {alone: "each weight, column by column"}
  },
  {
    ...alone,
    variant: "record-256",
    label: "256 invocations",
    options: {alone: "each weight, column by column"}
  },
  {
    ...alone,
    variant: "unrolled",
    label: "Four weights a round of the loop",
    options: {alone: "four weights, column by column"}
  },
  {...alone, variant: "row-order", label: "Weights row by row", options: {alone: "four weights"}},
  {...alone, variant: "scales", label: "A scale for 32 weights", options: {alone: "four weights, a scale for 32"}},
  {...alone, variant: "words", label: "Eight weights from a load", options: {alone: "each word"}},
  {
    ...alone,
    variant: "written-out",
    label: "Eight products without a loop",
    options: {alone: "each word, written out", scalarLoads: true}
  },
  {
    ...alone,
    variant: "tile",
    label: "Activations in workgroup memory",
    options: {alone: "each word, from workgroup memory", scalarLoads: true}
  },
  {
    ...alone,
    variant: "unconverted",
    label: "Floats without a conversion",
    options: {alone: "each word, without conversion", scalarLoads: true}
  },
  {...alone, variant: "vectors", label: "16 bytes a load", options: {alone: "each word, without conversion"}},
  {...alone, variant: "shared-by-4", label: "Four invocations share two rows", kernel: twoRows, options: {loads: 1}},
  {...shared, variant: "teams", label: "32 invocations share two rows", kernel: twoRows, options: {loads: 1}},
  {...shared, variant: "loads", label: "Four loads under way", kernel: twoRows, options: {loads: 4}},
  {...shared, variant: "register-tile", label: "Four rows a team", options: {loads: 4}},
  {
    factoring: "fused",
    features: ["subgroups"],
    variant: "subgroups",
    label: "Sums by subgroups",
    kernel: shared.kernel
  },
  {
    factoring: "fused",
    features: ["subgroups"],
    variant: "size-512",
    label: "512 invocations",
    kernel: {workgroupSize: 512}
  },
  {
    factoring: "fused",
    features: ["subgroups"],
    variant: "rows-8",
    label: "Eight rows a team",
    kernel: {workgroupSize: 512, ...rowsOfTeam(8)},
    options: {loads: 4}
  },
  {
    factoring: "fused",
    features: ["subgroups"],
    variant: "loads-8",
    label: "Eight loads under way",
    kernel: {workgroupSize: 512, ...rowsOfTeam(8)}
  },
  {...base, variant: "int16", label: "16-bit integers"},
  {
    ...base,
    variant: "resident-alike",
    label: "All resident workgroups",
    workgroups: "resident",
    kernel: {workgroupSize: 512, ...rowsOfTeam(8), readAhead: 0}
  },
  {...base, variant: "resident", label: "The geometry that is best for all", workgroups: "resident"}
];

/** The rung that every ablation changes in one thing: the last one of one workgroup. */
export const ablated = ladder.find(({variant}) => variant === "int16")!;

/** The design that the ladder is put beside. */
export const beside: DecodeVariant = {
  variant: "staged",
  label: "Staged, each stage a dispatch",
  factoring: "staged",
  features: ["subgroups"],
  arithmetic: "int16"
};

/** The rung `ablated` with one thing changed. */
export const ablations: readonly DecodeVariant[] = [
  ...([8, 32] as const).map((mostTileGroups) => ({
    ...base,
    variant: `tile-${mostTileGroups}`,
    label: `A tile of ${32 * mostTileGroups} activations`,
    options: {mostTileGroups}
  })),
  ...([1, 2, 4] as const).map((loads) => ({
    ...base,
    variant: `loads-${loads}`,
    label: `${{1: "One load", 2: "Two loads", 4: "Four loads"}[loads]} at once, not eight`,
    options: {loads}
  })),
  ...([2, 4] as const).map((rows) => ({
    ...base,
    variant: `rows-${rows}`,
    label: `${{2: "Two", 4: "Four"}[rows]} rows, not eight`,
    kernel: rowsOfTeam(rows)
  })),
  ...[256, 1024].map((workgroupSize) => ({
    ...base,
    variant: `size-${workgroupSize}`,
    label: `${workgroupSize} invocations, not 512`,
    kernel: {workgroupSize}
  })),
  {...base, variant: "passes-3", label: "Queries, keys, values in three passes", options: {qkvPasses: 3}},
  {...base, variant: "scalar-loads", label: "Four bytes a load, not 16", options: {scalarLoads: true}},
  {...base, variant: "portable", label: "Sums without subgroups", features: []}
];

/** How much faster one workgroup gets, change by change, and what all of them then give. */
export function tilingExperiment(environment: DecodeEnvironment): Experiment {
  const sessions = new WeakMap<Gpu, object>();
  return {
    id: ladderExperiment,
    question: "How much faster can one workgroup get?",
    shapes: ["tiny", "phi3-mini-1-layer", "phi3-mini-8-layers", "phi3-mini"],
    defaultShape: "phi3-mini-1-layer",
    page: "/tiling",
    variants(shape: Shape) {
      return decodeVariants(environment, shape, [...ladder, beside, ...ablations], sessions);
    }
  };
}
