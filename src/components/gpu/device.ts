/** A device of its own for one run: opened for it and destroyed after it, so nothing is left on the reader's GPU. */
export interface Gpu {
  adapter: GPUAdapter;
  device: GPUDevice;
  description: DeviceDescription;
  /** Resolves when the device is lost, `destroy` included. */
  lost: Promise<GPUDeviceLostInfo>;
  /** Calls `listener` with every error that no error scope caught. Returns what removes it. */
  onError(listener: (error: GPUError) => void): () => void;
  destroy(): void;
}

/** What a record and a reader are told about a device. */
export interface DeviceDescription {
  /** As a reader would name it: "NVIDIA H200", "Apple M2 Pro (19-core GPU)". */
  label: string;
  vendor: string;
  architecture: string;
  description: string;
  /** A CPU pretending to be a GPU: SwiftShader, lavapipe, WARP. */
  software: boolean;
  features: string[];
  limits: Record<string, number>;
  /** Invocations of a subgroup: the fewest and the most. Records before 2026-11-23, 14:00 UTC, do not have them. */
  subgroupMinSize?: number;
  subgroupMaxSize?: number;
}

/**
 * Limits that decide what fits, and those that the original prints beside them: a device is asked for all its adapter has.
 * Records before 2026-11-23, 14:00 UTC, do not have those of the sizes Y and Z and of bind groups.
 */
export const limitNames = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
  "maxBindGroups"
] as const;

/** Features of WGSL that a kernel may need: the implementation's own, so no device is asked for them. */
export const languageFeatures = ["packed_4x8_integer_dot_product"] as const;

/** What is missing when no GPU can be opened. Its message is a sentence for the reader. */
export class NoGpuError extends Error {
  override name = "NoGpuError";
}

/** What a device is opened for. */
export interface OpenOptions {
  /** With `timestamp-query`, where the adapter has it. */
  timestamps?: boolean;
}

/**
 * Asks for the fastest adapter and for a device with everything the kernels can use. `timestamp-query` is requested
 * only for `timestamps`, on a device of their own: asking for it alone was seen to slow decoding threefold on Metal
 * (zero-tvm, BENCH.md, 2026-08-13).
 * @throws {NoGpuError} when the browser has no WebGPU or the system no adapter.
 */
export async function openGpu(gpu: GPU | undefined, {timestamps = false}: OpenOptions = {}): Promise<Gpu> {
  const adapter = await requestAdapter(gpu);
  const description = describeAdapter(adapter, gpu);
  const wanted: GPUFeatureName[] = timestamps ? ["subgroups", "timestamp-query"] : ["subgroups"];
  const device = await adapter
    .requestDevice({
      requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)),
      requiredLimits: Object.fromEntries(limitNames.map((name) => [name, adapter.limits[name]]))
    })
    .catch((error: Error) => {
      throw new Error(`The adapter gave no device: ${error.message}`, {cause: error});
    });
  return {
    adapter,
    device,
    description,
    lost: device.lost,
    onError(listener) {
      const handle = (event: GPUUncapturedErrorEvent) => {
        event.preventDefault();
        listener(event.error);
      };
      device.addEventListener("uncapturederror", handle);
      return () => device.removeEventListener("uncapturederror", handle);
    },
    destroy: () => device.destroy()
  };
}

/** @throws {NoGpuError} */
export async function requestAdapter(gpu: GPU | undefined): Promise<GPUAdapter> {
  if (!gpu) throw new NoGpuError("There is no WebGPU here (navigator.gpu is missing).");
  const adapter = await gpu.requestAdapter({powerPreference: "high-performance"});
  if (!adapter) throw new NoGpuError("There is WebGPU here, but the system offers it no adapter.");
  return adapter;
}

/** @param gpu where the adapter is from, whose WGSL has the language features that are listed with the adapter's own */
export function describeAdapter(adapter: GPUAdapter, gpu: GPU | undefined): DeviceDescription {
  const {vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize} = adapter.info;
  const name = [description, device, [vendor, architecture].filter(Boolean).join(" ")].find(Boolean);
  return {
    label: name ?? "a GPU that does not say its name",
    vendor,
    architecture,
    description: [device, description].filter(Boolean).join(", "),
    software: isSoftware(adapter.info),
    features: [
      ...adapter.features,
      ...languageFeatures.filter((feature) => gpu?.wgslLanguageFeatures?.has(feature))
    ].sort(),
    limits: Object.fromEntries(limitNames.map((name) => [name, adapter.limits[name]])),
    subgroupMinSize,
    subgroupMaxSize
  };
}

function isSoftware({isFallbackAdapter, vendor, device, description}: GPUAdapterInfo): boolean {
  return isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${vendor} ${device} ${description}`);
}
