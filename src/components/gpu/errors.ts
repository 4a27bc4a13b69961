/** A WebGPU call failed: what was being done, and what the implementation said. */
export class GpuError extends Error {
  override name = "GpuError";
}

const filters = ["validation", "out-of-memory", "internal"] as const;

/**
 * Runs synchronous WebGPU calls inside error scopes of all three kinds.
 * @throws {GpuError} naming `what` when any call was rejected or the device is lost; the result must not be used then.
 */
export async function guard<T>(device: GPUDevice, what: string, calls: () => T): Promise<T> {
  for (const filter of filters) device.pushErrorScope(filter);
  const watched = watch(device);
  let result: T;
  let scopes: Promise<(GPUError | null)[]>;
  try {
    result = calls();
  } finally {
    scopes = Promise.all(filters.map(() => device.popErrorScope()));
    scopes.catch(() => {});
  }
  const error = (await scopes).find((scoped) => scoped !== null);
  if (error) throw new GpuError(`${what}: ${error.message}`);
  throwIfLost(watched, what);
  return result;
}

/**
 * Makes something that holds memory of the GPU, inside error scopes.
 * @throws {GpuError} naming `what` when any call was rejected; what was made is destroyed then.
 */
export async function allocate<T extends {destroy(): void}>(
  device: GPUDevice,
  what: string,
  create: () => T
): Promise<T> {
  let made: T | undefined;
  try {
    return await guard(device, what, () => (made = create()));
  } catch (error) {
    made?.destroy();
    throw error;
  }
}

/**
 * Resolves when the GPU has finished all that was submitted.
 * @throws {GpuError} naming `what` when the device is lost.
 */
export async function finishWork(device: GPUDevice, what: string): Promise<void> {
  const watched = watch(device);
  await device.queue.onSubmittedWorkDone();
  throwIfLost(watched, what);
}

/** What became of a device: WebGPU goes on to accept calls on one that is lost, and says of none that it failed. */
interface Watched {
  lost?: GPUDeviceLostInfo;
}

const watchedDevices = new WeakMap<GPUDevice, Watched>();

function watch(device: GPUDevice): Watched {
  const known = watchedDevices.get(device);
  if (known) return known;
  const watched: Watched = {};
  watchedDevices.set(device, watched);
  void device.lost.then((info) => (watched.lost = info));
  return watched;
}

function throwIfLost({lost}: Watched, what: string): void {
  if (lost) throw new GpuError(`${what}: the device was lost (${lost.reason}): ${lost.message}`);
}

/** Workgroups of one dispatch waited for each other in vain: not all were resident at once. The run is discarded. */
export class StalledError extends GpuError {
  override name = "StalledError";
}
