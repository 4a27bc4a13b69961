/** The kernels as WebGPU takes them, and the files they were linked from. */
export interface Kernels {
  /** Text of each file of `kernels/`, by its path there. */
  sources: Record<string, string>;
  linked: Record<string, LinkedKernel>;
}

export interface LinkedKernel {
  code: string;
  /** Names of the overrides the code declares: WebGPU refuses constants for any other. */
  overrides: string[];
}

/** Optional device features a kernel may be compiled for. */
export const kernelFeatures = ["subgroups"] as const;

export type KernelFeature = (typeof kernelFeatures)[number];

/**
 * What a kernel may be linked for: a device feature, 16-bit activations (`packed`), workgroups that share a dispatch
 * (`grid`) and keep activations in registers (`registers`), or how the weights are bound.
 */
export type Condition = KernelFeature | "packed" | "grid" | "registers" | "ends" | "slots_2" | "slots_3";

export interface KernelBuild {
  path: string;
  conditions: readonly Condition[];
}

/** The kernels of the staged factoring, which each launch one stage. */
export const stageNames = [
  "embedding",
  "rms_norm_attention",
  "qkv_rope",
  "attention",
  "o_proj",
  "rms_norm_ffn",
  "gate_up",
  "down",
  "rms_norm_final",
  "lm_head",
  "argmax"
] as const;

export type StageName = (typeof stageNames)[number];

/** The kernels that measure what a dispatch costs, what waiting inside one does, and how many workgroups can wait. */
const costProbes = ["no_op", "increment", "barrier", "exchange", "barrier_exchange", "roll_call"];

const slots: readonly Condition[][] = [["ends"], ["ends", "slots_2"], ["ends", "slots_3"]];

const decoding: readonly KernelBuild[] = [
  ...stageNames.map((stage) => ({path: `staged/${stage}.wgsl`, conditions: []})),
  ...slots.map((conditions) => ({path: "fused.wgsl", conditions})),
  ...slots.map((conditions) => ({path: "fused_grid.wgsl", conditions: [...conditions, "grid" as const]}))
];

const options: readonly Condition[][] = [[], ["subgroups"], ["packed"], ["subgroups", "packed"]];

/** For an ablation alone. */
const inRegisters: readonly KernelBuild[] = ([[], ["packed"]] satisfies Condition[][]).flatMap((more) =>
  slots.map((conditions) => ({
    path: "fused_grid.wgsl",
    conditions: [...conditions, "grid", "registers", "subgroups", ...more]
  }))
);

/** Every build that is linked ahead of time. */
export const kernelBuilds: readonly KernelBuild[] = [
  ...options.flatMap((more) => decoding.map(({path, conditions}) => ({path, conditions: [...conditions, ...more]}))),
  ...inRegisters,
  ...["synthetic.wgsl", "probe/read_bandwidth.wgsl", "probe/count_up.wgsl"].map((path) => ({path, conditions: []})),
  ...costProbes.map((probe) => ({path: `probe/${probe}.wgsl`, conditions: []}))
];

export function kernelKey(path: string, conditions: readonly Condition[]): string {
  return [path, ...[...conditions].sort()].join("+");
}

/** @throws {Error} when the build is not among `kernelBuilds`. */
export function linkedKernel(kernels: Kernels, path: string, conditions: readonly Condition[] = []): LinkedKernel {
  const key = kernelKey(path, conditions);
  const kernel = kernels.linked[key];
  if (!kernel) throw new Error(`kernel ${key} was not linked: add it to kernelBuilds in src/components/gpu/kernels.ts`);
  return kernel;
}

export function overridesOf(code: string): string[] {
  return [...code.matchAll(/\boverride\s+(\w+)/g)].map(([, name]) => name!);
}
