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

  /** `bytes` bytes of `source` from `offset`, once all work submitted before has finished. One call at a time. */
  async read(source: GPUBuffer, offset = 0): Promise<ArrayBuffer> {
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, offset, this.staging, 0, this.bytes);
    this.device.queue.submit([encoder.finish()]);
    await this.staging.mapAsync(GPUMapMode.READ);
    const copy = this.staging.getMappedRange().slice(0);
    this.staging.unmap();
    return copy;
  }

  destroy(): void {
    this.staging.destroy();
  }
}
