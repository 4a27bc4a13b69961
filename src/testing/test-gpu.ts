import {openDawn} from "../cli/dawn.js";
import {factorings, type Factoring} from "../components/decode/plan.js";
import {openGpu, type Gpu} from "../components/gpu/device.js";

/** A device of its own for one test file or one test. */
export function openTestGpu(): Promise<Gpu> {
  return openGpu(openDawn());
}

/**
 * The factorings to try with every driver. Mesa's llvmpipe takes half a minute and more to compile a fused kernel (LLVM
 * makes a coroutine of it, in a time that grows with the square of its barriers), so there `fused` is left to the few
 * tests that list it themselves.
 */
export function quickFactorings({description}: Gpu): Factoring[] {
  return factorings.filter((factoring) => factoring !== "fused" || !/llvmpipe/.test(description.label));
}

/** The factoring to try many kernels with: on software drivers one, so that between them they try both. */
export function manyKernelFactorings(gpu: Gpu): Factoring[] {
  return gpu.description.software ? quickFactorings(gpu).slice(0, 1) : quickFactorings(gpu);
}

/** The device with other limits in its `limits`: WebGPU itself never gives less than its defaults. */
export function withLimits(device: GPUDevice, limits: Partial<Record<keyof GPUSupportedLimits, number>>): GPUDevice {
  return new Proxy(device, {
    get(target, key) {
      if (key === "limits") return {...readLimits(target), ...limits};
      const value = Reflect.get(target, key) as unknown;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    }
  });
}

function readLimits({limits}: GPUDevice): Record<string, number> {
  const {maxStorageBufferBindingSize, maxBufferSize} = limits;
  return {maxStorageBufferBindingSize, maxBufferSize};
}

export interface BufferCount {
  created: number;
  destroyed: number;
}

/**
 * Counts the buffers made on a device from now on, and those of them destroyed. The buffer numbered `failAt`, from 0,
 * is asked for with more bytes than any device has, so that making it fails as if memory had run out.
 */
export function countBuffers(device: GPUDevice, failAt = -1): BufferCount {
  const count = {created: 0, destroyed: 0};
  const createBuffer = Object.getPrototypeOf(device).createBuffer as GPUDevice["createBuffer"];
  device.createBuffer = (descriptor) => {
    const size = count.created === failAt ? device.limits.maxBufferSize + 4 : descriptor.size;
    const buffer = createBuffer.call(device, {...descriptor, size});
    const destroy = Object.getPrototypeOf(buffer).destroy as GPUBuffer["destroy"];
    count.created += 1;
    let alive = true;
    buffer.destroy = () => {
      if (alive) count.destroyed += 1;
      alive = false;
      destroy.call(buffer);
    };
    return buffer;
  };
  return count;
}
