import {guard, GpuError} from "./errors.js";

/** Copies buffers of one size to the CPU, through a mappable buffer that is made once. */
export class Readback {
  private readonly staging: GPUBuffer;

  /** @param bytes a multiple of 4 */
  constructor(
    private readonly device: GPUDevice,
    private readonly bytes: number
  ) {
    this.staging = device.createBuffer({size: bytes, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ});
  }

  /**
   * `bytes` bytes of `source` from `offset`, once all work submitted before has finished. One call at a time.
   * @throws {GpuError} when they cannot be read, or the device is lost: what was never copied would read as zeros.
   */
  async read(source: GPUBuffer, offset = 0): Promise<ArrayBuffer> {
    const {device, staging, bytes} = this;
    const what = `reading ${bytes} bytes of ${source.label || "a buffer"}`;
    let mapping: Promise<unknown> | undefined;
    try {
      await guard(device, what, () => {
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(source, offset, staging, 0, bytes);
        device.queue.submit([encoder.finish()]);
        mapping = staging.mapAsync(GPUMapMode.READ).catch((error: Error) => {
          throw new GpuError(`${what}: ${error.message}`);
        });
        mapping.catch(() => {}); // awaited below, unless the guard throws first
      });
      await mapping;
      return staging.getMappedRange().slice(0);
    } finally {
      staging.unmap();
    }
  }

  destroy(): void {
    this.staging.destroy();
  }
}
