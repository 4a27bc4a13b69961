import {readFileSync, readdirSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {link} from "wesl";
import {kernelBuilds, kernelKey, overridesOf, type KernelBuild, type Kernels} from "../components/gpu/kernels.js";

const folder = fileURLToPath(new URL("../../kernels/", import.meta.url));

/** Reads `kernels/` and links every kernel for every set of conditions it is used with. */
export async function linkKernels(): Promise<Kernels> {
  const sources = readSources();
  return {sources, linked: await linkSources(sources)};
}

/** Links given sources: what `linkKernels` does with the files, and a test with a broken one, or a few builds only. */
export async function linkSources(
  sources: Record<string, string>,
  builds: readonly KernelBuild[] = kernelBuilds
): Promise<Kernels["linked"]> {
  const weslSrc = Object.fromEntries(Object.entries(sources).map(([path, source]) => [`./${path}`, source]));
  const linked: Kernels["linked"] = {};
  for (const {path, conditions} of builds) {
    const rootModuleName = path.replace(/\.wgsl$/, "");
    const {dest} = await link({
      weslSrc,
      rootModuleName,
      conditions: Object.fromEntries(conditions.map((condition) => [condition, true]))
    });
    linked[kernelKey(path, conditions)] = {code: dest, overrides: overridesOf(dest)};
  }
  return linked;
}

/** Every file of `kernels/`, by its path in that folder. */
export function readSources(): Record<string, string> {
  const paths = readdirSync(folder, {recursive: true, encoding: "utf8"}).filter((path) => path.endsWith(".wgsl"));
  return Object.fromEntries(
    paths.sort().map((path) => [path.replaceAll("\\", "/"), readFileSync(folder + path, "utf8")])
  );
}
