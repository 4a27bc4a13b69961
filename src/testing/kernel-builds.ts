import type {KernelOptions} from "../components/decode/kernel-options.js";
import {arithmetics, factorings, linkConditions, planToken, type Geometry} from "../components/decode/plan.js";
import {kernelFeatures, stageNames, type Condition, type KernelFeature} from "../components/gpu/kernels.js";
import {shapes, weightFormats} from "../components/model/shape.js";

/** A kernel and what it is linked for. */
export interface KernelBuild {
  path: string;
  conditions: readonly Condition[];
  /** "fused.wgsl+ends" */
  key: string;
}

/** A geometry with room for everything, in which every kernel is alike. */
export function plainGeometry(change: Partial<Geometry> = {}): Geometry {
  const kernel = {workgroupSize: 256, teamRows: 4, qkvRows: 4, residualRows: 4, readAhead: 0};
  const names = [...stageNames, "fused", "fused_grid"];
  return {
    lanes: 32,
    lanesAreFixed: true,
    features: [],
    arithmetic: "float32",
    activationsIn: "workgroup memory",
    workgroups: 1,
    spinLimit: 1,
    tokensPerDispatch: 1,
    layersPerDispatch: 1,
    workgroupStorage: 32768,
    kernels: Object.fromEntries(names.map((name) => [name, kernel])) as unknown as Geometry["kernels"],
    ...change
  };
}

/** Every kernel that a plan can name, for all it can be linked for, and those that are no part of the model. */
export function kernelBuilds(): KernelBuild[] {
  const builds = new Map<string, KernelBuild>();
  function add(path: string, conditions: readonly Condition[] = []) {
    const key = [path, ...[...conditions].sort()].join("+");
    builds.set(key, {path, conditions, key});
  }
  for (const geometry of geometries()) {
    for (const factoring of factorings) {
      if (factoring !== "fused" && (geometry.workgroups > 1 || geometry.activationsIn === "registers")) continue;
      const expands = geometry.arithmetic === "float32" && geometry.workgroups === 1;
      for (const format of expands ? weightFormats : weightFormats.slice(0, 1)) {
        for (const slots of [1, 2, 3]) {
          for (const ownLayers of [false, true]) {
            for (const {path} of planToken(shapes.tiny, factoring, geometry, ownLayers)) {
              add(path, linkConditions(factoring, geometry, slots, format));
            }
          }
        }
      }
    }
  }
  for (const geometry of geometriesWithOptions()) {
    for (const slots of [1, 2, 3]) {
      for (const {path} of planToken(shapes.tiny, "fused", geometry)) {
        add(path, linkConditions("fused", geometry, slots));
      }
    }
  }
  add("expand.wgsl");
  add("expand.wgsl", ["float16_weights"]);
  for (const path of ["synthetic", "record/transpose", "probe/read_bandwidth", "probe/count_up"]) add(`${path}.wgsl`);
  for (const probe of ["no_op", "increment", "barrier", "exchange", "barrier_exchange", "roll_call"])
    add(`probe/${probe}.wgsl`);
  return [...builds.values()];
}

/** One of each that a kernel is linked for anew: of a row by one invocation alone, and of teams. */
function geometriesWithOptions(): Geometry[] {
  const alone: KernelOptions[] = [
    {alone: "each weight, column by column"},
    {alone: "each word, written out", scalarLoads: true},
    {alone: "each word, without conversion", scalarLoads: true},
    {alone: "each word, without conversion"}
  ];
  const shared: KernelOptions[] = [{loads: 2}, {scalarLoads: true}, {qkvPasses: 3}, {ffnTile: 64}];
  return [
    ...alone.map((options) => plainGeometry({options, lanes: 4})),
    ...shared.flatMap((options) => [
      plainGeometry({options}),
      plainGeometry({options, features: [...kernelFeatures], arithmetic: "int16"})
    ])
  ];
}

function geometries(): Geometry[] {
  const featureSets: KernelFeature[][] = [[], [...kernelFeatures]];
  return arithmetics.flatMap((arithmetic) => [
    ...featureSets.flatMap((features) => [1, 2].map((workgroups) => plainGeometry({arithmetic, features, workgroups}))),
    ...featureSets.map((features) => plainGeometry({arithmetic, features, tokensPerDispatch: 16})),
    plainGeometry({arithmetic, features: ["subgroups"], workgroups: 2, activationsIn: "registers"})
  ]);
}
