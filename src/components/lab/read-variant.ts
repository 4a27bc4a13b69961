import type {Gpu} from "../gpu/device.js";
import type {Kernels} from "../gpu/kernels.js";
import type {ExactVerification} from "./cost-record.js";
import type {Variant} from "./experiment.js";
import {createReadBuffer, createReader, type ReadBuffer, type Reader} from "./reader.js";
import type {Subject} from "./subject.js";

/** So many workgroups of so many invocations, which read all of a buffer together. */
export interface ReadGeometry {
  workgroups: number;
  workgroupSize: number;
}

/** Buffers that the variants of a run share: a run has a device of its own, and everything goes with it. */
export type ReadBuffers = WeakMap<Gpu, Promise<ReadBuffer>>;

/** The part of the buffer that is read to predict what all of it takes: one workgroup may need long. */
export const predictedFrom = 1 / 64;

/** Most workgroups on a CPU, which runs one on each core and needs long for those it does not. */
const softwareWorkgroups = 64;

/** Reads of a buffer by workgroups that wait for nobody; an operation, and a unit, is a read of all of it. */
export function readVariant(
  kernels: Kernels,
  {workgroups, workgroupSize}: ReadGeometry,
  buffers: ReadBuffers
): Variant {
  const count = workgroups === 1 ? "one workgroup" : `${workgroups.toLocaleString("en")} workgroups`;
  return {
    identity: {
      variant: workgroupSize === 256 ? `read-${workgroups}` : `read-${workgroups}-of-${workgroupSize}`,
      label: `Read by ${count} of ${workgroupSize}`,
      operation: "read",
      operationsPerBatch: 1,
      workgroups,
      workgroupSize
    },
    unsupported({description}) {
      const {label, software} = description;
      if (!software || workgroups <= softwareWorkgroups) return whyTooLarge(workgroupSize, description);
      return `${label} is a CPU, which runs a workgroup on each core; more than ${softwareWorkgroups} read no faster.`;
    },
    async prepare({gpu}) {
      let shared = buffers.get(gpu);
      if (!shared) buffers.set(gpu, (shared = createReadBuffer(kernels, gpu)));
      const buffer = await shared;
      const part = Math.ceil((buffer.bytes * predictedFrom) / 256) * 256;
      const reader = await createReader(kernels, gpu, buffer, workgroupSize);
      const createPart = () => createReader(kernels, gpu, {...buffer, bytes: part}, workgroupSize);
      return new ReadSubject(reader, createPart, workgroups);
    }
  };
}

/** Why a device allows no workgroup of this size, in a sentence; null where it does. */
export function whyTooLarge(size: number, {limits}: Pick<Gpu["description"], "limits">): string | null {
  for (const limit of ["maxComputeInvocationsPerWorkgroup", "maxComputeWorkgroupSizeX"] as const) {
    if (size > limits[limit]!) {
      return `A workgroup of ${size} is more than this device allows, ${limits[limit]} (${limit}).`;
    }
  }
  return null;
}

class ReadSubject implements Subject {
  readonly maxUnits = 1000;
  readonly bytesPerOperation: number;

  constructor(
    private readonly reader: Reader,
    private readonly createPart: () => Promise<Reader>,
    readonly workgroups: number
  ) {
    this.bytesPerOperation = reader.bytes;
  }

  async predictedMillisecondsPerUnit(signal: AbortSignal): Promise<number> {
    const part = await this.createPart();
    try {
      await part.read(this.workgroups, 1); // the first run pays for the driver's own compilation
      signal.throwIfAborted();
      const start = performance.now();
      await part.read(this.workgroups, 1);
      return ((performance.now() - start) * this.reader.bytes) / part.bytes;
    } finally {
      part.destroy();
    }
  }

  /** Reads all once and compares the sum. */
  async verify(): Promise<ExactVerification> {
    await this.run(1);
    await this.reader.verify();
    return {against: "exact values", values: 1};
  }

  run(units: number): Promise<void> {
    return this.reader.read(this.workgroups, units);
  }

  destroy(): void {
    this.reader.destroy();
  }
}
