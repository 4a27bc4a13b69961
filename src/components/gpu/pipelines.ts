import {GpuError} from "./errors.js";
import type {Condition, Kernels, LinkedKernel} from "./kernels.js";

export interface PipelineOptions {
  path: string;
  conditions?: readonly Condition[];
  /** Values for overrides; those that the kernel does not declare are left out. */
  constants?: Record<string, number>;
  layout?: GPUPipelineLayout;
}

/**
 * Links and compiles one kernel of `kernels/`, entry point `main`.
 * @throws {GpuError} naming the file, with the compiler's messages.
 */
export async function createPipeline(device: GPUDevice, kernels: Kernels, options: PipelineOptions) {
  const {path, conditions = [], constants = {}, layout} = options;
  const linked = await kernels.link(path, conditions);
  const {code} = linked;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({code, label: path});
  const [error, {messages}] = await Promise.all([device.popErrorScope(), module.getCompilationInfo()]);
  if (error) {
    const said = messages.filter(({type}) => type === "error").map(({lineNum, message}) => `${lineNum}: ${message}`);
    throw new GpuError(`kernels/${path} does not compile: ${said.join("; ") || error.message}`);
  }
  try {
    return await device.createComputePipelineAsync({
      label: path,
      layout: layout ?? "auto",
      compute: {
        module,
        entryPoint: "main",
        constants: overrideValues(linked, constants)
      }
    });
  } catch (error) {
    throw new GpuError(`kernels/${path} makes no pipeline on this device: ${(error as Error).message}`);
  }
}

/** Of some constants, those that a kernel declares, in its order. */
export function overrideValues(
  {overrides}: Pick<LinkedKernel, "overrides">,
  constants: Record<string, number>
): Record<string, number> {
  return Object.fromEntries(overrides.filter((name) => name in constants).map((name) => [name, constants[name]!]));
}
