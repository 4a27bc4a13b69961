import {readFileSync, readdirSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {createKernels, type Kernels} from "../components/gpu/kernels.js";

const folder = fileURLToPath(new URL("../../kernels/", import.meta.url));

/** The kernels in Node: those of `kernels/`, or given sources, as a test has them with one that is broken. */
export function readKernels(sources: Record<string, string> = readSources()): Kernels {
  return createKernels(sources, async () => (await import("wesl")).link);
}

/** Every file of `kernels/`, by its path in that folder. */
export function readSources(): Record<string, string> {
  const paths = readdirSync(folder, {recursive: true, encoding: "utf8"}).filter((path) => path.endsWith(".wgsl"));
  return Object.fromEntries(
    paths.sort().map((path) => [path.replaceAll("\\", "/"), readFileSync(folder + path, "utf8")])
  );
}
