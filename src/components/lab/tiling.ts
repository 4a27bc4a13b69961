import {decodeExperiment} from "./decode-experiment.js";
import type {DecodeEnvironment, DecodeVariant} from "./decode-variant.js";
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
const shared = {factoring: "fused", features: [], lanes: 32} as const;

/** Lanes of a subgroup share their rows. */
const grouped = {factoring: "fused", features: ["subgroups"]} as const;
const integers = {...grouped, arithmetic: "int16"} as const;
const sized = (workgroupSize: number, rows: number) => ({workgroupSize, ...rowsOfTeam(rows)});

/**
 * From the style of the recorded kernels to the fused kernel as it is: each rung changes what its label says, and a few
 * change what cannot be had without it too (tiling.test.ts; src/tiling.md names all of it). So all but the last say their
 * geometry whole and leave nothing to the device. The last is the default.
 */
export const ladder: readonly DecodeVariant[] = [
  {
    ...alone,
    variant: "record-64",
    label: "The recorded style, 64 invocations",
    kernel: sized(64, 4),
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
  {...alone, variant: "word", label: "Eight weights from a load", options: {alone: "each word"}},
  {
    ...alone,
    variant: "written-out",
    label: "A group without loops",
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
  {
    ...shared,
    lanes: 4,
    variant: "shared-by-4",
    label: "Four invocations share two rows",
    kernel: sized(256, 2),
    options: {loads: 1}
  },
  {...shared, variant: "teams", label: "32 invocations share two rows", kernel: sized(256, 2), options: {loads: 1}},
  {...shared, variant: "loads", label: "Four loads under way", kernel: sized(256, 2), options: {loads: 4}},
  {...shared, variant: "four-rows", label: "Four rows a team", kernel: sized(256, 4), options: {loads: 4}},
  {...grouped, variant: "subgroup-sums", label: "Sums by subgroups", kernel: sized(256, 4), options: {loads: 4}},
  {...grouped, variant: "invocations-512", label: "512 invocations", kernel: sized(512, 4), options: {loads: 4}},
  {...integers, variant: "integers", label: "16-bit integers", kernel: sized(512, 4), options: {loads: 4}},
  {...integers, variant: "eight-loads", label: "Eight loads under way", kernel: sized(512, 4), options: {loads: 8}},
  {...integers, variant: "eight-rows", label: "Eight rows a team", kernel: sized(512, 8), options: {loads: 8}},
  {
    ...integers,
    variant: "resident-alike",
    label: "All resident workgroups",
    workgroups: "resident",
    kernel: {...sized(512, 8), readAhead: 0}
  },
  {
    ...integers,
    variant: "residual-rows",
    label: "Two rows of the residual",
    workgroups: "resident",
    kernel: {...sized(512, 8), residualRows: 2, readAhead: 0}
  },
  {
    ...integers,
    variant: "qkv-rows",
    label: "Six rows of queries, keys and values",
    workgroups: "resident",
    kernel: {...sized(512, 8), residualRows: 2, qkvRows: 6, readAhead: 0}
  },
  {...integers, variant: "resident", label: "The FFN read ahead of a wait", workgroups: "resident"}
];

/** What every ablation changes in one thing: one workgroup in its default geometry, as the other experiments have it. */
export const ablated: DecodeVariant = {...integers, variant: "int16", label: "As it is, in 16-bit integers"};

/** The design that the ladder is put beside. */
export const beside: DecodeVariant = {
  variant: "staged",
  label: "Staged, each stage a dispatch",
  factoring: "staged",
  features: ["subgroups"],
  arithmetic: "int16"
};

/** `ablated` with one thing changed. On a device whose default is what the label says, a row repeats it. */
export const ablations: readonly DecodeVariant[] = [
  ...([8, 32] as const).map((mostTileGroups) => ({
    ...integers,
    variant: `tile-${mostTileGroups}`,
    label: `A tile of ${32 * mostTileGroups} activations`,
    options: {mostTileGroups}
  })),
  ...([1, 2, 4] as const).map((loads) => ({
    ...integers,
    variant: `loads-${loads}`,
    label: {1: "One load at once", 2: "Two loads at once", 4: "Four loads at once"}[loads],
    options: {loads}
  })),
  ...([2, 4] as const).map((rows) => ({
    ...integers,
    variant: `rows-${rows}`,
    label: {2: "Two rows at once", 4: "Four rows at once"}[rows],
    kernel: rowsOfTeam(rows)
  })),
  ...[256, 1024].map((workgroupSize) => ({
    ...integers,
    variant: `size-${workgroupSize}`,
    label: `A workgroup of ${workgroupSize}`,
    kernel: {workgroupSize}
  })),
  {...integers, variant: "passes-3", label: "Queries, keys, values in three passes", options: {qkvPasses: 3}},
  {...integers, variant: "ffn-256", label: "FFN in tiles of 256", options: {ffnTile: 256}},
  {...integers, variant: "scalar-loads", label: "Four bytes a load, not 16", options: {scalarLoads: true}},
  {...integers, variant: "portable", label: "Sums without subgroups", features: []},
  {...grouped, variant: "float32", label: "In float32"}
];

/** How much faster one workgroup gets, change by change, and what all of them then give. */
export function tilingExperiment(environment: DecodeEnvironment): Experiment {
  return decodeExperiment(environment, {
    id: ladderExperiment,
    question: "How much faster can one workgroup get?",
    shapes: ["tiny", "phi3-mini-1-layer", "phi3-mini-8-layers", "phi3-mini"],
    defaultShape: "phi3-mini-1-layer",
    page: "/tiling",
    rows: () => [...ladder, beside, ablated, ...ablations]
  });
}
