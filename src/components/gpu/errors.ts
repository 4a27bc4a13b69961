/** A WebGPU call failed: what was being done, and what the implementation said. */
export class GpuError extends Error {
  override name = "GpuError";
}

const filters = ["validation", "out-of-memory", "internal"] as const;

/**
 * Runs synchronous WebGPU calls inside error scopes of all three kinds.
 * @throws {GpuError} naming `what` when any call was rejected; its result must not be used then.
 */
export async function guard<T>(device: GPUDevice, what: string, calls: () => T): Promise<T> {
  for (const filter of filters) device.pushErrorScope(filter);
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
  return result;
}

/** Workgroups of one dispatch waited for each other in vain: not all were resident at once. The run is discarded. */
export class StalledError extends GpuError {
  override name = "StalledError";
}
