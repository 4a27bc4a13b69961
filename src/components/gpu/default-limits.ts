import type {limitNames} from "./device.js";

/**
 * What every WebGPU device that is not in compatibility mode has, and what a page gets that asks for no more: the
 * defaults of https://www.w3.org/TR/webgpu/#limits.
 */
export const defaultLimits: Record<(typeof limitNames)[number], number> = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxStorageBuffersPerShaderStage: 8,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65535,
  maxBindGroups: 4
};
