import {allocate} from "./errors.js";
import {Readback} from "./readback.js";

/** GPU time by timestamps: of so many passes together, each timed from its beginning to its end. */
export interface GpuTime {
  milliseconds: number;
  passes: number;
}

/** Milliseconds by which the time of one pass may be off: browsers round timestamps, Chromium to 0.1 ms. */
export const timestampRounding = 0.1;

/** The largest part of a time that rounding may be. */
export const mostRounding = 0.02;

/**
 * Why a time by timestamps is none, in a sentence; null where it may be one. Some drivers have given zeros, and some
 * more time than had passed (gfx-rs/wgpu #9414; webgpu/web-xpu-ops #198).
 * @param wall milliseconds that passed on the CPU's clock meanwhile
 */
export function whyNoTime({milliseconds, passes}: GpuTime, wall: number): string | null {
  const said = `Timestamps say that the GPU took ${milliseconds.toFixed(2)} ms`;
  const rounding = passes * timestampRounding;
  if (!(milliseconds > 0)) return `${said}, which is no time.`;
  if (!(milliseconds <= wall + rounding)) return `${said}, and only ${wall.toFixed(2)} ms had passed.`;
  if (rounding > mostRounding * milliseconds) {
    const each = passes === 1 ? "one pass" : `${passes} passes`;
    return `${said} for ${each}: too little, when a browser may round the time of each to ${timestampRounding} ms.`;
  }
  return null;
}

/** So long lasts a pass by which timestamps are tried, in milliseconds, that the CPU's clock can tell how long. */
const leastTrial = 20;

/** After a trial that has lasted so long, in milliseconds, there is no other: what is no time then is none. */
const longestTrial = 200;

/**
 * Whether a device's timestamps tell times that may be true: tries passes of more and more units. One that lasted long
 * for little work of the GPU is not the last, because a busy CPU delays any.
 * @param most units that one pass may have
 * @param trial the time of a pass of so many units by timestamps, and the milliseconds that passed meanwhile
 */
export async function timestampsTell(
  most: number,
  trial: (units: number) => Promise<{time: GpuTime; wall: number}>
): Promise<boolean> {
  for (let units = 1; ; units = Math.min(most, 2 * units)) {
    const {time, wall} = await trial(units);
    const mayBe = whyNoTime(time, wall) === null;
    if (units === most || wall >= (mayBe ? leastTrial : longestTrial)) return mayBe;
  }
}

/** Times compute passes by timestamps, one after another, on a device with `timestamp-query`. */
export class PassTimer {
  private constructor(
    private readonly queries: GPUQuerySet,
    private readonly ticks: GPUBuffer,
    private readonly readback: Readback
  ) {}

  /** @throws {GpuError} when the device gives no query set or no memory; nothing stays allocated then. */
  static create(device: GPUDevice): Promise<PassTimer> {
    return allocate(device, "making timestamps", () => {
      const queries = device.createQuerySet({type: "timestamp", count: 2});
      const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
      return new PassTimer(queries, device.createBuffer({size: 16, usage}), new Readback(device, 16));
    });
  }

  /** For the descriptor of the pass. */
  get timestampWrites(): GPUComputePassTimestampWrites {
    return {querySet: this.queries, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1};
  }

  /** To be recorded after the pass. */
  resolve(encoder: GPUCommandEncoder): void {
    encoder.resolveQuerySet(this.queries, 0, 2, this.ticks, 0);
  }

  /** The time of the pass submitted last, once the GPU has finished it. Below zero where the timestamps go back. */
  async read(): Promise<GpuTime> {
    const [from, to] = new BigUint64Array(await this.readback.read(this.ticks)) as unknown as [bigint, bigint];
    return {milliseconds: Number(to - from) / 1e6, passes: 1};
  }

  destroy(): void {
    this.queries.destroy();
    this.ticks.destroy();
    this.readback.destroy();
  }
}
