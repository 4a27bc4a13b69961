import type {KernelFeature} from "../gpu/kernels.js";
import type {GpuTime} from "../gpu/pass-timer.js";
import type {ExactVerification} from "./cost-record.js";
import type {KernelRecord, Verification} from "./record.js";

/**
 * Something the lab can verify and time: one variant of an experiment, ready on a device. The protocol knows
 * nothing else, so it is tested with subjects that never touch a GPU.
 */
export interface Subject {
  /**
   * Compares this subject's output with the reference.
   * @throws {VerificationError} when it does not match.
   */
  verify(signal: AbortSignal): Promise<Verification | ExactVerification>;
  /**
   * Milliseconds one unit is predicted to take, for a subject whose first unit could already be too long to run
   * unasked: from a smaller run, such as one layer. Asked for before `verify`.
   */
  predictedMillisecondsPerUnit?(signal: AbortSignal): Promise<number>;
  /** Goes back to where every sample starts, for a subject whose units are not all alike. Called before each sample. */
  restart?(): void;
  /**
   * Runs `units` units of work (tokens, dispatches of several tokens, or batches of operations) and resolves when the GPU
   * has finished them, with the time that the GPU says they took, for a subject that is timed by timestamps.
   */
  run(units: number): Promise<GpuTime | void>;
  /** Invocations in a workgroup, where the device decides it. */
  readonly workgroupSize?: number;
  /** Workgroups of its one dispatch, where the device decides how many. */
  readonly workgroups?: number;
  /** How its one kernel divides the work, where it is one. */
  readonly kernel?: KernelRecord;
  /** Names the code that it runs and the values of its overrides, where it decodes. */
  readonly wgsl?: string;
  /** Optional features of its kernels, where the device decides which it uses. */
  readonly features?: readonly KernelFeature[];
  /** Fewest units that one call of `run` may be asked for, where a shorter call could not be timed; 1 by default. */
  readonly leastUnits?: number;
  /** Bytes that an operation reads, where the rate of reading is what is measured. */
  readonly bytesPerOperation?: number;
  /** Most units that one call of `run` may be asked for. */
  readonly maxUnits: number;
  /** Frees everything this subject allocated. */
  destroy(): void;
}

/** The output of a variant differs from what it was compared with. */
export class VerificationError extends Error {
  override name = "VerificationError";
}
