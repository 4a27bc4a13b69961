import type {Shape, ShapeId} from "../model/shape.js";
import type {Gpu} from "../gpu/device.js";
import type {CostRow} from "./cost-record.js";
import type {ProfileRow} from "./profile-record.js";
import type {RunRow} from "./record.js";
import type {Subject} from "./subject.js";

/** A row that decodes a model. */
export type DecodeIdentity = Pick<
  RunRow,
  | "variant"
  | "label"
  | "factoring"
  | "arithmetic"
  | "dispatchesPerToken"
  | "tokensPerDispatch"
  | "layersPerDispatch"
  | "awaited"
  | "apart"
  | "workgroups"
  | "workgroupSize"
  | "kernel"
  | "wgsl"
  | "features"
  | "weightFormat"
>;

/** A row that repeats an operation of WebGPU, such as a dispatch. */
export type CostIdentity = Pick<
  CostRow,
  "variant" | "label" | "operation" | "operationsPerBatch" | "workgroups" | "workgroupSize" | "bytesPerOperation"
>;

/** A row that is a stage of a model, or a whole token. */
export type ProfileIdentity = Pick<
  ProfileRow,
  | "variant"
  | "label"
  | "part"
  | "instrumented"
  | "arithmetic"
  | "calls"
  | "bytes"
  | "workgroups"
  | "workgroupSize"
  | "features"
>;

/** What a row is called and what identifies it in a record, known before anything runs. */
export type VariantIdentity = DecodeIdentity | CostIdentity | ProfileIdentity;

/** One row of an experiment: how to name it, whether this device can run it, and how to make it ready. */
export interface Variant {
  identity: VariantIdentity;
  /**
   * Its workgroups wait for each other, which WebGPU does not promise to work: it runs only where the reader allowed
   * that.
   */
  waits?: boolean;
  /** It is timed on the GPU, so it gets a second device of the run, with timestamps, where the adapter has them. */
  instrumented?: boolean;
  /** Why this device cannot run the variant at this shape (a missing feature or limit, with both values), or null. */
  unsupported(gpu: Gpu): string | null;
  /** Compiles and allocates; everything it holds is freed by the subject's `destroy`. */
  prepare(context: PrepareContext): Promise<Subject>;
}

export interface PrepareContext {
  gpu: Gpu;
  signal: AbortSignal;
  /** Told while something slow goes on: "float64 reference, layer 3 of 32". */
  progress(message: string, fraction: number): void;
}

/** A question, the variants that answer it, and the shapes they can be run at. */
export interface Experiment {
  id: string;
  question: string;
  /** Shapes of the model; none for an experiment that has no model and measures what operations of WebGPU cost. */
  shapes: readonly ShapeId[];
  /** The shape a panel starts with on a hardware adapter; null where there are no shapes. */
  defaultShape: ShapeId | null;
  /** Path of the page whose panel runs it. */
  page: string;
  /** Of an experiment that profiles a token, whose rows are its stages: where in the context it is. */
  position?(shape: Shape): number;
  /** @param shape one of `shapes`, null where there are none */
  variants(shape: Shape | null): Variant[];
}
