import {createKernels, type Kernels} from "../gpu/kernels.js";

/**
 * The kernels in a page.
 * @param sources the files of `kernels/`, from data/kernels.json
 * @param linker data/wesl.js, which is fetched when the first kernel is linked
 */
export function pageKernels(sources: Record<string, string>, linker: {href: string}): Kernels {
  return createKernels(sources, async () => ((await import(linker.href)) as typeof import("wesl")).link);
}
