import type {Kernels} from "./kernels.js";
import {overrideValues, type PipelineOptions} from "./pipelines.js";

/**
 * Names what pipelines run, so that two names are the same where code and numbers are: the first 16 hexadecimal digits of
 * the SHA-256 of their linked WGSL and the values of its overrides, in the order given. Which device ran it, and with how
 * many workgroups, is no part of it.
 * @throws {Error} naming the file, when a kernel cannot be linked.
 */
export async function digestWgsl(kernels: Kernels, pipelines: readonly PipelineOptions[]): Promise<string> {
  const parts = await Promise.all(
    pipelines.map(async ({path, conditions, constants = {}}) => {
      const linked = await kernels.link(path, conditions);
      return [linked.code, overrideValues(linked, constants)];
    })
  );
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
