import {openDawn} from "../cli/dawn.js";
import {factorings, isOneKernel, type Factoring} from "../components/decode/plan.js";
import {openGpu, type Gpu, type OpenOptions} from "../components/gpu/device.js";

/**
 * A device of its own for one test file or one test. Destroying it throws when an error came that no error scope caught.
 */
export async function openTestGpu(options?: OpenOptions): Promise<Gpu> {
  const gpu = await openGpu(openDawn(), options);
  const uncaptured: string[] = [];
  gpu.onError(({message}) => uncaptured.push(message));
  return {
    ...gpu,
    destroy() {
      gpu.destroy();
      if (uncaptured.length > 0) throw new Error(`no error scope caught: ${uncaptured.join("; ")}`);
    }
  };
}

/**
 * Mesa's llvmpipe takes seconds to compile the staged kernels and half a minute and more for a fused one: LLVM makes a
 * coroutine of a kernel, in a time that grows with the square of its barriers. Tests of many kernels leave some out there.
 */
export function hasSlowCompiler({description}: Gpu): boolean {
  return /llvmpipe/.test(description.label);
}

/**
 * The factorings whose kernels every driver compiles in seconds, but `unfused`, which has three times as many of them:
 * what is the same for all is tested without it.
 */
export function quickFactorings(gpu: Gpu): Factoring[] {
  const quick = factorings.filter((factoring) => factoring !== "unfused");
  return quick.filter((factoring) => !isOneKernel(factoring) || !hasSlowCompiler(gpu));
}

/** The factoring to try many kernels with: on software drivers one, so that between them they try both. */
export function manyKernelFactorings(gpu: Gpu): Factoring[] {
  return gpu.description.software ? quickFactorings(gpu).slice(0, 1) : quickFactorings(gpu);
}

/** The device with other limits in its `limits`: WebGPU itself never gives less than its defaults. */
export function withLimits(
  device: GPUDevice,
  changed: Partial<Record<"maxStorageBufferBindingSize" | "maxBufferSize", number>>
): GPUDevice {
  const {maxStorageBufferBindingSize, maxBufferSize, maxStorageBuffersPerShaderStage} = device.limits;
  const limits = {maxStorageBufferBindingSize, maxBufferSize, maxStorageBuffersPerShaderStage};
  return wrap(device, {limits: {...limits, ...changed}});
}

export interface CountedGpu extends Gpu {
  /** Buffers made, and those of them destroyed. */
  readonly buffers: {created: number; destroyed: number};
}

/**
 * A device that counts its buffers from now on. The buffer numbered `failAt`, from 0, is asked for with more bytes than
 * any device has, so that making it fails as if memory had run out.
 */
export function countBuffers(gpu: Gpu, failAt = -1): CountedGpu {
  const buffers = {created: 0, destroyed: 0};
  const createBuffer: GPUDevice["createBuffer"] = (descriptor) => {
    const size = buffers.created === failAt ? 2 ** 50 : descriptor.size;
    const buffer = gpu.device.createBuffer({...descriptor, size});
    const destroy = buffer.destroy.bind(buffer);
    buffers.created += 1;
    let alive = true;
    buffer.destroy = () => {
      if (alive) buffers.destroyed += 1;
      alive = false;
      destroy();
    };
    return buffer;
  };
  return {...gpu, device: wrap(gpu.device, {createBuffer}), buffers};
}

/** A device that tells, in order, of every submit and of every time that the CPU began to wait for the GPU. */
export function logQueue(device: GPUDevice): {device: GPUDevice; log: ("submit" | "wait")[]} {
  const log: ("submit" | "wait")[] = [];
  const {queue} = device;
  const tell =
    <A extends unknown[], R>(what: "submit" | "wait", call: (...args: A) => R) =>
    (...args: A) => {
      log.push(what);
      return call(...args);
    };
  const told = {
    submit: tell("submit", (buffers: Iterable<GPUCommandBuffer>) => queue.submit(buffers)),
    onSubmittedWorkDone: tell("wait", () => queue.onSubmittedWorkDone()),
    writeBuffer: queue.writeBuffer.bind(queue)
  };
  return {device: wrap(device, {queue: told}), log};
}

function wrap(device: GPUDevice, changed: object): GPUDevice {
  return new Proxy(device, {
    get(target, key) {
      if (key in changed) return Reflect.get(changed, key) as unknown;
      const value = Reflect.get(target, key) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    }
  });
}
