import * as z from "zod";
import type {Gpu, OpenOptions} from "../gpu/device.js";
import {whyNoTime} from "../gpu/pass-timer.js";
import {checkShape, weightBytesPerToken, type Shape} from "../model/shape.js";
import {costSchema, exactVerificationSchema} from "./cost-record.js";
import type {CostRecord, ExactVerification, MeasuredCostRow} from "./cost-record.js";
import {abortable, type Clock, type Visibility} from "./clock.js";
import type {Experiment, Variant, VariantIdentity} from "./experiment.js";
import {DeclinedError, HiddenTabError, LongCallGuard, protocol, timeSubjects, whileVisible} from "./protocol.js";
import type {Confirm, Contender, Sample, Timing} from "./protocol.js";
import {profileSchema, profileTotals} from "./profile-record.js";
import type {MeasuredProfileRow, ProfileRecord} from "./profile-record.js";
import {dateSchema, runSchema, unsettledRemark, verificationSchema} from "./record.js";
import type {MeasuredRow, RunRecord, RunRow, RuntimeDescription, Verification} from "./record.js";
import {microsecondsPerOperation, millisecondsPerToken, tokensPerSecond} from "./statistics.js";
import {StalledError} from "../gpu/errors.js";
import {VerificationError, type Subject} from "./subject.js";

/** Why a variant that `waits` was not run, and how it is allowed in this runtime. */
export function waitsRemark({name}: Pick<RuntimeDescription, "name">): string {
  const how = /^Node\b/.test(name) ? "give the recorder --allow-waits" : "tick the box that allows it in the panel";
  return `Its workgroups wait for each other, which was not allowed: ${how}.`;
}

/** Where a run is; a panel's `data-state`. */
export type RunState = "preparing" | "verifying" | "warming" | "measuring" | RunOutcome["state"];

/** One variant of a run in progress. Only a `measured` row has figures. */
export type RowProgress = VariantIdentity & Partial<Figures> & RowStatus;

/** What becomes known of a row while it runs. */
type RowChange = Partial<Figures & RowStatus> &
  Pick<Subject, "workgroups" | "workgroupSize" | "kernel" | "wgsl" | "bytesPerOperation"> & {features?: string[]};

interface RowStatus {
  status: "waiting" | "preparing" | "verifying" | "verified" | "warming" | "measuring" | "cancelled" | RunRow["status"];
  message?: string;
}

/** What a measured row has: one of the statistics, by what its experiment measures. */
interface Figures
  extends
    Pick<MeasuredRow, "tokensPerSecond">,
    Pick<MeasuredCostRow, "microsecondsPerOperation">,
    Pick<MeasuredProfileRow, "millisecondsPerToken" | "by"> {
  verification: Verification | ExactVerification;
  samples: MeasuredRow["samples"] | MeasuredCostRow["samples"] | MeasuredProfileRow["samples"];
  settled: boolean;
}

export interface RunEvent {
  state: RunState;
  /** What goes on, or how it ended, in a sentence. */
  label: string;
  /** Of the whole run, 0 to 1; never goes back. */
  fraction: number;
  rows: readonly RowProgress[];
}

export interface RunOptions {
  experiment: Experiment;
  /** One of the experiment's shapes; null for an experiment that has none. */
  shape: Shape | null;
  /** Ids of the variants to run; all of them by default. */
  variants?: readonly string[];
  /** Whether variants may run whose workgroups wait for each other; those are declined otherwise, and never prepared. */
  allowWaits: boolean;
  /** Opens a device of the run's own; the run destroys it. */
  openGpu(options?: OpenOptions): Promise<Gpu>;
  /** Bytes per second the device reads, for the roofline; without it the record has none. */
  measureReadBandwidth?(gpu: Gpu, signal: AbortSignal): Promise<number>;
  runtime: RuntimeDescription;
  clock: Clock;
  visibility: Visibility;
  confirm: Confirm;
  /** Cancels the run and frees everything. */
  signal: AbortSignal;
  onEvent(event: RunEvent): void;
}

/** What a run writes down, by what its experiment measures. */
export type AnyRecord = RunRecord | CostRecord | ProfileRecord;

export interface RunOutcome<R = AnyRecord> {
  /**
   * `done`: a variant was measured, or the reader skipped or did not allow what could be. `failed`: none was measured,
   * the tab was hidden or the device was lost. `unsupported`: this device can run none of the variants.
   */
  state: "done" | "failed" | "cancelled" | "unsupported";
  message: string;
  /** Null when the run was cancelled, no device was opened, or what was measured keeps to no schema. */
  record: R | null;
}

/**
 * Runs an experiment by the lab protocol: each variant is prepared and verified, then those that passed are warmed
 * up and measured against each other. A variant that fails keeps its message, and the others go on. Everything
 * prepared is destroyed once, and the device with it, however the run ends.
 * @throws {Error} when the shape or a variant id is wrong; what goes wrong on the device is in the outcome.
 */
export async function runExperiment(
  options: RunOptions & {shape: Shape; experiment: {position(shape: Shape): number}}
): Promise<RunOutcome<ProfileRecord>>;
export async function runExperiment(options: RunOptions & {shape: Shape}): Promise<RunOutcome<RunRecord>>;
export async function runExperiment(options: RunOptions & {shape: null}): Promise<RunOutcome<CostRecord>>;
export async function runExperiment(options: RunOptions): Promise<RunOutcome>;
export async function runExperiment(options: RunOptions): Promise<RunOutcome> {
  const {experiment, clock, visibility, signal} = options;
  const shape = options.shape && checkShape(options.shape);
  if (!shape !== (experiment.shapes.length === 0)) {
    throw new Error(`experiment ${experiment.id} ${shape ? "has no shapes" : "needs a shape"}`);
  }
  const chosen = chooseVariants(experiment, shape, options.variants);
  const board = new Board(chosen, options.onEvent);
  const variants = chosen.filter(({waits}) => !waits || options.allowWaits);
  for (const {identity} of chosen.filter((variant) => !variants.includes(variant))) {
    board.set(identity.variant, {status: "declined", message: waitsRemark(options.runtime)});
  }
  if (variants.length === 0) {
    const {state, message} = conclude(board, undefined, "");
    board.report(state, message, 1);
    return {state, message, record: null};
  }
  const date = new Date().toISOString();
  if (!dateSchema.safeParse(date).success) {
    const message = `The clock says ${date.slice(0, 10)}, and a record bears its date. Set the clock, and run again.`;
    board.end("failed", message);
    board.report("failed", message, 0);
    return {state: "failed", message, record: null};
  }
  const guard = new LongCallGuard(options.confirm);

  const lost = new AbortController();
  const stop = AbortSignal.any([signal, lost.signal]);
  const alive = new Set<Subject>();
  const uncaptured = new Map<string, unknown>();
  let ended = false;
  const gpus: Gpu[] = [];
  let atWork: string | undefined;
  let interruption: "cancelled" | "discarded" | "failed" | undefined;
  let roofline: RunRecord["roofline"] = null;
  let remark = "";

  /** Opens the device, or destroys one that opens after the run has ended. */
  async function open(openOptions?: OpenOptions): Promise<Gpu> {
    const opened = await options.openGpu(openOptions);
    if (ended) opened.destroy();
    else gpus.push(opened);
    opened.onError((error) => {
      if (atWork !== undefined && !uncaptured.has(atWork)) uncaptured.set(atWork, error);
    });
    void opened.lost.then((info) => lost.abort(new Error(`The GPU device was lost (${describeError(info)})`)));
    return opened;
  }

  const modelParts = (shape: Shape) => ({shape, weights: "synthetic", roofline});

  function release(subject: Subject) {
    if (alive.delete(subject)) subject.destroy();
  }

  /** Runs one variant's step; an error that no error scope captured meanwhile fails it too. */
  async function on<T>(id: string, step: () => Promise<T>): Promise<T> {
    atWork = id;
    const result = await abortable(step(), stop);
    if (uncaptured.has(id)) throw uncaptured.get(id);
    return result;
  }

  /** Prepares and verifies a variant; undefined, with the reason on the board, when it is not to be timed. */
  async function makeReady(gpu: Gpu, variant: Variant, from: number, to: number): Promise<Contender | undefined> {
    const {variant: id, label} = variant.identity;
    let subject: Subject | undefined;
    try {
      const message = variant.unsupported(gpu);
      if (message !== null) {
        board.set(id, {status: "unsupported", message});
        return;
      }
      const progress = (message: string, fraction: number) => {
        if (!ended) board.report(board.state, `${label}: ${message}`, from + (to - from) * fraction);
      };
      board.set(id, {status: "preparing"});
      board.report("preparing", `Preparing ${label}`, from);
      const prepared = await on(id, async () => {
        subject = await variant.prepare({gpu, signal: stop, progress});
        if (ended) subject.destroy();
        else alive.add(subject);
        return subject;
      });
      const {workgroups, workgroupSize, kernel, wgsl, features, bytesPerOperation} = prepared;
      board.set(id, {
        status: "verifying",
        ...(workgroups && {workgroups}),
        ...(workgroupSize && {workgroupSize}),
        ...(kernel && {kernel}),
        ...(wgsl && {wgsl}),
        ...(features && {features: [...features]}),
        ...(bytesPerOperation && {bytesPerOperation})
      });
      board.report("verifying", `Verifying ${label}`, from);
      const predicted = await on(id, async () => prepared.predictedMillisecondsPerUnit?.(stop));
      if (predicted !== undefined) await guard.check({id, label}, predicted, stop);
      const verification = checkVerification(await on(id, () => prepared.verify(stop)));
      board.set(id, {status: "verified", verification});
      const {maxUnits} = prepared;
      const run = (units: number) => on(id, () => prepared.run(units));
      return {
        id,
        label,
        subject: {
          maxUnits,
          get leastUnits() {
            return prepared.leastUnits ?? 1;
          },
          run,
          restart: () => prepared.restart?.()
        }
      };
    } catch (error) {
      // A lost device often fails the call before it announces itself.
      await clock.sleep(0, stop);
      if (subject) release(subject);
      board.set(id, failedRow(error));
    }
  }

  try {
    board.report("preparing", "Opening the GPU", 0);
    stop.throwIfAborted();
    const gpu = await abortable(open(), stop);
    const timestamps = variants.some(({instrumented}) => instrumented) && gpu.adapter.features.has("timestamp-query");
    const instrumentedGpu = timestamps ? await abortable(open({timestamps}), stop) : gpu;
    const contenders: Contender[] = [];
    for (const [i, variant] of variants.entries()) {
      const at = (j: number) => (0.4 * j) / variants.length;
      const contender = await makeReady(variant.instrumented ? instrumentedGpu : gpu, variant, at(i), at(i + 1));
      if (contender) contenders.push(contender);
    }
    const timings = await timeSubjects(contenders, {
      clock,
      signal: stop,
      visibility,
      guard,
      onProgress({phase, id, label, fraction}) {
        board.set(id, {status: phase});
        board.report(phase, label, phase === "warming" ? 0.4 + 0.2 * fraction : 0.6 + 0.35 * fraction);
      }
    });
    await clock.sleep(0, stop); // errors of the last sample may still be on their way
    const timed = [...timings].map(([id, timing]) => {
      const {identity} = variants.find(({identity}) => identity.variant === id)!;
      return [id, uncaptured.has(id) ? failedRow(uncaptured.get(id)) : timedRow(timing, identity)] as const;
    });
    for (const subject of [...alive]) release(subject);
    try {
      const {measureReadBandwidth} = options;
      if (shape && measureReadBandwidth && timed.some(([, {status}]) => status === "measured")) {
        board.report("measuring", "Measuring read bandwidth, for the roofline", 0.95);
        const measure = (signal: AbortSignal) => abortable(measureReadBandwidth(gpu, signal), signal);
        roofline = rooflineAt(shape, await whileVisible(visibility, stop, measure));
      }
    } catch (error) {
      stop.throwIfAborted();
      remark = ` There is no roofline: ${describeError(error)}`;
    } finally {
      // Until now the reader could still cancel, and have no figure.
      if (!signal.aborted) for (const [id, change] of timed) board.set(id, change);
    }
  } catch (error) {
    interruption = signal.aborted ? "cancelled" : error instanceof HiddenTabError ? "discarded" : "failed";
    remark = interruption === "cancelled" ? "Cancelled." : describeError(error);
    board.end(interruption, remark);
  } finally {
    ended = true;
    for (const subject of [...alive]) release(subject);
    for (const gpu of gpus) gpu.destroy();
  }

  let {state, message} = conclude(board, interruption, remark);
  const {warmUpMilliseconds, sampleMilliseconds, samples} = protocol;
  let record: RunOutcome["record"] = null;
  const [gpu] = gpus;
  if (state !== "cancelled" && gpu) {
    const parts = {
      version: 1,
      experiment: experiment.id,
      date,
      device: gpu.description,
      runtime: options.runtime,
      protocol: {warmUpMilliseconds, sampleMilliseconds, samples, interleaved: true},
      rows: board.rows.map(recordedRow)
    };
    try {
      if (!shape) record = costSchema.parse({...parts, kind: "cost"});
      else if (!experiment.position) record = runSchema.parse({...parts, kind: "run", ...modelParts(shape)});
      else {
        const totals = profileTotals(parts.rows as ProfileRecord["rows"]);
        const position = experiment.position(shape);
        record = profileSchema.parse({...parts, kind: "profile", ...modelParts(shape), position, totals});
      }
    } catch (error) {
      if (!(error instanceof z.ZodError)) throw error;
      state = "failed";
      message = `What was measured does not make a record: ${z.prettifyError(error)}`;
    }
  }
  board.report(state, message, state === "done" ? 1 : 0);
  return {state, message, record};
}

/** The message of anything thrown or reported: an error, a GPUError, a GPUDeviceLostInfo, a string. */
export function describeError(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const {reason, message} = error as {reason?: unknown; message?: unknown};
  const parts = [reason && `reason: ${String(reason)}`, message && String(message)].filter(Boolean);
  if (parts.length > 0) return parts.join("; ");
  return error instanceof Error ? error.name : (error.constructor?.name ?? "an error without a message");
}

/** The rows of a run and how far it is, told to one listener as snapshots. */
class Board {
  rows: RowProgress[];
  state: RunState = "preparing";
  #fraction = 0;

  constructor(
    variants: readonly Variant[],
    private readonly onEvent: (event: RunEvent) => void
  ) {
    this.rows = variants.map(({identity}) => ({...identity, status: "waiting"}));
  }

  set(id: string, change: RowChange) {
    this.rows = this.rows.map((row) => (row.variant === id ? {...row, ...change} : row));
  }

  /** Ends every row that has not ended by itself. */
  end(status: "cancelled" | "discarded" | "failed", message: string) {
    const ends: readonly RowProgress["status"][] = ["measured", "unsupported", "failed", "discarded", "declined"];
    this.rows = this.rows.map((row) => (ends.includes(row.status) ? row : {...row, status, message}));
  }

  count(status: RowProgress["status"]): number {
    return this.rows.filter((row) => row.status === status).length;
  }

  report(state: RunState, label: string, fraction: number) {
    this.state = state;
    this.#fraction = Math.max(this.#fraction, Math.min(1, fraction));
    this.onEvent({state, label, fraction: this.#fraction, rows: this.rows});
  }
}

function chooseVariants(experiment: Experiment, shape: Shape | null, chosen?: readonly string[]): Variant[] {
  const variants = experiment.variants(shape);
  const ids = variants.map(({identity}) => identity.variant);
  const unknown = chosen?.find((id) => !ids.includes(id));
  if (unknown !== undefined) {
    throw new Error(`experiment ${experiment.id} has no variant ${unknown}; it has ${ids.join(", ")}`);
  }
  if (chosen?.length === 0) throw new Error(`no variant of experiment ${experiment.id} is chosen`);
  return chosen ? variants.filter(({identity}) => chosen.includes(identity.variant)) : variants;
}

/** A figure stands only on an error that is a number and within the tolerance, whatever the subject returned. */
function checkVerification(verification: Verification | ExactVerification): Verification | ExactVerification {
  if (verification.against === "exact values") return exactVerificationSchema.parse(verification);
  const {maxRelativeError, tolerance, against} = verificationSchema.parse(verification);
  if (maxRelativeError > tolerance) {
    throw new VerificationError(
      `relative error ${maxRelativeError.toExponential(1)} against the ${against} is over the tolerance of ${tolerance}`
    );
  }
  return verification;
}

function timedRow(timing: Timing, identity: VariantIdentity): RowChange {
  if (timing.status === "failed") return failedRow(timing.error);
  if (timing.status === "declined") return timing;
  const {status, settled, samples} = timing;
  const noTime = samples.map(({gpu, milliseconds}) => gpu && whyNoTime(gpu, milliseconds)).find((why) => why);
  if (noTime) return {status: "discarded", message: noTime};
  return {status, settled, ...figures(samples, identity), ...(settled ? {} : {message: unsettledRemark})};
}

/** The samples in the terms of the row, and their statistics. A unit is a dispatch's tokens, or a batch of operations. */
function figures(timed: readonly Sample[], identity: VariantIdentity): Partial<Figures> {
  if ("operationsPerBatch" in identity) {
    const samples = timed.map(({units, milliseconds}) => ({
      operations: units * identity.operationsPerBatch,
      milliseconds
    }));
    return {samples, microsecondsPerOperation: microsecondsPerOperation(samples)};
  }
  if ("part" in identity) {
    const samples = timed.map(({units, ...times}) => ({tokens: units, ...times}));
    const by = samples.every(({gpu}) => gpu) ? "timestamps" : "wall clock";
    return {samples, by, millisecondsPerToken: millisecondsPerToken(samples)};
  }
  const {tokensPerDispatch} = identity;
  const samples = timed.map(({units, milliseconds}) => ({tokens: units * tokensPerDispatch, milliseconds}));
  return {samples, tokensPerSecond: tokensPerSecond(samples)};
}

/** What a record keeps of a row that has ended: its figures, or why there are none. */
function recordedRow(row: RowProgress): unknown {
  const {status, message, verification, settled, samples, ...rest} = row;
  const {tokensPerSecond, microsecondsPerOperation, millisecondsPerToken, by, ...identity} = rest;
  if (status !== "measured") return {...identity, status, message};
  const statistics = {tokensPerSecond, microsecondsPerOperation, millisecondsPerToken, by};
  const known = Object.entries(statistics).filter(([, figure]) => figure !== undefined);
  return {...identity, status, verification, settled, samples, ...Object.fromEntries(known)};
}

function failedRow(error: unknown): RowChange {
  const status = error instanceof DeclinedError ? "declined" : error instanceof StalledError ? "discarded" : "failed";
  return {status, message: describeError(error)};
}

function rooflineAt(shape: Shape, readBandwidthBytesPerSecond: number): NonNullable<RunRecord["roofline"]> {
  if (!(readBandwidthBytesPerSecond > 0 && Number.isFinite(readBandwidthBytesPerSecond))) {
    throw new Error(`the read bandwidth was measured as ${readBandwidthBytesPerSecond} B/s`);
  }
  const bytes = weightBytesPerToken(shape);
  const tokensPerSecond = readBandwidthBytesPerSecond / bytes;
  return {weightBytesPerToken: bytes, readBandwidthBytesPerSecond, tokensPerSecond};
}

function conclude(board: Board, interruption: string | undefined, remark: string): Omit<RunOutcome, "record"> {
  if (interruption) return {state: interruption === "cancelled" ? "cancelled" : "failed", message: remark};
  const total = board.rows.length;
  const measured = board.count("measured");
  const variants = total === 1 ? "variant" : "variants";
  if (measured > 0) return {state: "done", message: `Measured ${measured} of ${total} ${variants}.${remark}`};
  const reason = (status: RowProgress["status"]) => {
    const message = board.rows.find((row) => row.status === status)?.message ?? "";
    return message.charAt(0).toUpperCase() + message.slice(1);
  };
  for (const status of ["failed", "discarded"] as const) {
    if (board.count(status) > 0) return {state: "failed", message: `No variant was measured. ${reason(status)}`};
  }
  if (board.count("declined") > 0) return {state: "done", message: `No variant was measured. ${reason("declined")}`};
  return {state: "unsupported", message: `This device can run none of the variants. ${reason("unsupported")}`};
}
