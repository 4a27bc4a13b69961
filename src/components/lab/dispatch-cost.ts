import type {Gpu} from "../gpu/device.js";
import type {Kernels} from "../gpu/kernels.js";
import type {Experiment} from "./experiment.js";
import {launchVariant, type Launch} from "./launch-cost.js";
import {waitVariant, type WaitKind} from "./wait-cost.js";

const launches: readonly Launch[] = [
  {
    variant: "no-op",
    label: "No-op dispatches, in one pass",
    operation: "dispatch",
    kernel: "no_op",
    submits: 1,
    passes: 1,
    dispatches: 1000
  },
  {
    variant: "dispatches",
    label: "Dispatches, in one pass",
    operation: "dispatch",
    kernel: "increment",
    submits: 1,
    passes: 1,
    dispatches: 1000
  },
  {
    variant: "passes",
    label: "Passes of a dispatch, in one submit",
    operation: "pass",
    kernel: "increment",
    submits: 1,
    passes: 1000,
    dispatches: 1
  },
  {
    variant: "submits",
    label: "Submits of a dispatch",
    operation: "submit",
    kernel: "increment",
    submits: 1000,
    passes: 1,
    dispatches: 1
  },
  {
    variant: "awaited-submits",
    label: "Awaited submits of a dispatch",
    operation: "awaited submit",
    kernel: "increment",
    submits: 20,
    passes: 1,
    dispatches: 1,
    awaited: true
  }
];

const waits: readonly WaitKind[] = ["barrier", "exchange", "barrier_exchange"];

/** Workgroups that wait for each other, the fewest first. */
const workgroupCounts = [1, 2, 8, 32, 128, 512];

/** What it costs to launch a dispatch in each way that WebGPU has, and to wait inside one instead. */
export function dispatchCostExperiment(kernels: Kernels): Experiment {
  const stalls = new WeakMap<Gpu, number>();
  return {
    id: "dispatch-cost",
    question: "What does a dispatch cost, and what would it cost to wait inside one instead?",
    shapes: [],
    defaultShape: null,
    page: "/dispatch-cost",
    variants: () => [
      ...launches.map((launch) => launchVariant(kernels, launch)),
      ...waits.flatMap((kind) => workgroupCounts.map((count) => waitVariant(kernels, kind, count, stalls)))
    ]
  };
}
