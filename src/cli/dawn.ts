import {createRequire} from "node:module";
import {platform} from "node:os";
import {resolve} from "node:path";
import {NoGpuError, openGpu, type Gpu, type OpenOptions} from "../components/gpu/device.js";

const require = createRequire(import.meta.url);
const opened: GPU[] = [];

/**
 * Dawn in Node asks whether the GPU has finished in every turn of the event loop, without a pause: while anything is
 * awaited, `AsyncRunner::QueueTick` (dawn, src/dawn/node/binding/AsyncRunner.cpp) calls the global `setImmediate` again
 * and again, and has no setting for that. It takes the cores that software drivers compute on, and on a GPU the answers to
 * long waits were seen to come late; of neither is a record on file. So after the first millisecond of a wait there is a
 * pause between two questions. It blocks the process, as a timer of Node's is no shorter than a millisecond.
 */
const polling = {eagerMilliseconds: 1, pauseMilliseconds: 0.1};

/**
 * Opens WebGPU in Node on Dawn, and makes WebGPU's constants (`GPUBufferUsage`, …) global.
 *
 * The npm package `webgpu` brings Dawn; the environment variable `DAWN_NODE` may name another dawn.node. On Linux
 * the Vulkan loader picks the driver when the process first opens Dawn: set `VK_DRIVER_FILES` before.
 *
 * @param flags Dawn's, such as `disable-dawn-features=timestamp_quantization`
 * @throws {Error} when Dawn cannot be loaded, naming the file
 */
export function openDawn(flags: string[] = []): GPU {
  const {create, globals} = loadDawn();
  Object.assign(globalThis, globals);
  pauseBetweenPolls();
  const gpu = create(flags);
  opened.push(gpu); // Dawn ends with the last reference to it, and the devices with Dawn.
  return gpu;
}

/**
 * Opens the fastest device of Dawn. Destroying the last of them gives the process its own `setImmediate` back.
 * @throws {NoGpuError} when Dawn finds no driver, with what to do.
 */
export async function openDawnGpu(options?: OpenOptions): Promise<Gpu> {
  try {
    const gpu = await openGpu(openDawn(), options);
    devices.add(gpu);
    const destroy = () => {
      gpu.destroy();
      if (devices.delete(gpu) && devices.size === 0) restore?.();
    };
    return {...gpu, destroy};
  } catch (error) {
    if (!(error instanceof NoGpuError)) throw error;
    const driver = platform() === "darwin" ? "Metal" : platform() === "win32" ? "Direct3D 12" : "Vulkan";
    const remedy = driver === "Vulkan" ? " Install the GPU's Vulkan driver, or name one in VK_DRIVER_FILES." : "";
    throw new NoGpuError(`Dawn finds no GPU: no ${driver} driver offers it an adapter.${remedy}`, {cause: error});
  }
}

/** Devices of `openDawnGpu` that are not destroyed yet. */
const devices = new Set<Gpu>();

/** Ends the pauses. */
let restore: (() => void) | undefined;

/** Replaces the `setImmediate` that Dawn looks up on the global object; what others ask by it waits as long at most. */
function pauseBetweenPolls() {
  if (restore) return;
  const {setImmediate} = globalThis;
  const never = new Int32Array(new SharedArrayBuffer(4));
  let waitingSince = 0;
  let asking = false;
  const afterPause = (ask: (...args: unknown[]) => void, ...args: unknown[]) => {
    if (!asking) waitingSince = performance.now(); // else Dawn has asked in vain, and will again
    return setImmediate(() => {
      if (performance.now() - waitingSince > polling.eagerMilliseconds) {
        Atomics.wait(never, 0, 0, polling.pauseMilliseconds);
      }
      asking = true;
      try {
        ask(...args);
      } finally {
        asking = false;
      }
    });
  };
  globalThis.setImmediate = Object.assign(afterPause, setImmediate);
  restore = () => {
    globalThis.setImmediate = setImmediate;
    restore = undefined;
  };
}

function loadDawn(): typeof import("webgpu") {
  const path = process.env.DAWN_NODE ? resolve(process.env.DAWN_NODE) : "webgpu";
  try {
    return require(path);
  } catch (error) {
    const remedy = process.env.DAWN_NODE
      ? "DAWN_NODE must name a dawn.node built for this system."
      : `npm ci installs it, for Linux, macOS and Windows on x64 and arm64; this is ${process.platform} on ${process.arch}.`;
    throw new Error(`Dawn could not be loaded from ${path}: ${(error as Error).message}\n${remedy}`, {cause: error});
  }
}
