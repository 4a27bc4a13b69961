import type {link} from "wesl";

/** The files of `kernels/`, and what they are linked to for a set of conditions. */
export interface Kernels {
  /** Text of each file of `kernels/`, by its path there. */
  sources: Record<string, string>;
  /**
   * The module that WebGPU takes, of one file and all that it imports. What was linked before is kept.
   * @throws {Error} naming the file, when it or what it imports does not exist or is no WGSL.
   */
  link(path: string, conditions?: readonly Condition[]): Promise<LinkedKernel>;
}

export interface LinkedKernel {
  code: string;
  /** Names of the overrides the code declares: WebGPU refuses constants for any other. */
  overrides: string[];
}

/** @param loadLinker gets wesl's `link` when the first kernel is needed: a page reads without it */
export function createKernels(sources: Record<string, string>, loadLinker: () => Promise<typeof link>): Kernels {
  const weslSrc = Object.fromEntries(Object.entries(sources).map(([path, source]) => [`./${path}`, source]));
  const linked = new Map<string, Promise<LinkedKernel>>();
  async function linkNew(path: string, conditions: readonly Condition[]): Promise<LinkedKernel> {
    if (!(path in sources)) throw new Error(`there is no kernels/${path}`);
    const link = await loadLinker();
    try {
      const {dest} = await link({
        weslSrc,
        rootModuleName: path.replace(/\.wgsl$/, ""),
        conditions: Object.fromEntries(conditions.map((condition) => [condition, true]))
      });
      return {code: dest, overrides: overridesOf(dest)};
    } catch (error) {
      throw new Error(`kernels/${path} cannot be linked: ${(error as Error).message}`, {cause: error});
    }
  }
  return {
    sources,
    link(path, conditions = []) {
      const key = [path, ...[...conditions].sort()].join("+");
      const kernel = linked.get(key) ?? linkNew(path, conditions);
      linked.set(key, kernel);
      kernel.catch(() => linked.delete(key));
      return kernel;
    }
  };
}

/** Optional device features a kernel may be compiled for. */
export const kernelFeatures = ["subgroups"] as const;

export type KernelFeature = (typeof kernelFeatures)[number];

/** Those that a device has. */
export function featuresOf({features}: {features: readonly string[]}): KernelFeature[] {
  return kernelFeatures.filter((feature) => features.includes(feature));
}

/**
 * What a kernel may be linked for: a device feature, 16-bit activations (`packed`), workgroups that share a dispatch
 * (`grid`) and keep activations in registers (`registers`), weights expanded to floats, how the weights are bound, or an
 * option of one workgroup (kernel-options.ts), with which weights are in int4.
 */
export type Condition =
  | KernelFeature
  | "packed"
  | "grid"
  | "registers"
  | "float16_weights"
  | "float32_weights"
  | "ends"
  | "slots_2"
  | "slots_3"
  | "record"
  | "record_tile"
  | "scalar_loads"
  | "loads"
  | "qkv_passes"
  | "ffn_tiles";

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

function overridesOf(code: string): string[] {
  return [...code.matchAll(/\boverride\s+(\w+)/g)].map(([, name]) => name!);
}
