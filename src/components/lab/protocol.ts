import type {GpuTime} from "../gpu/pass-timer.js";
import {abortable, type Clock, type Visibility} from "./clock.js";
import {spread, statistics} from "./statistics.js";
import type {Subject} from "./subject.js";

/** The numbers of the lab protocol, in milliseconds where nothing else is said. */
export const protocol = {
  /** Work before the first sample, at least. */
  warmUpMilliseconds: 300,
  /** Warm-up ends unsettled after this much work, once the clocks had the medians to settle on. */
  warmUpLimitMilliseconds: 5000,
  /** A warm-up round is this many batches, of a third of a sample each; its figure is their median. */
  batchesPerRound: 3,
  /** Clocks have settled when this many successive rounds … */
  settledRounds: 3,
  /** … lie within this of each other. */
  settledSpread: 0.02,
  /** A sample lasts at least this long. */
  sampleMilliseconds: 100,
  /** Samples of each subject. */
  samples: 9,
  /** A call predicted to take longer needs the reader's word. */
  longCallMilliseconds: 1000
} as const;

/** One timed sample: units of work done, and the wall-clock time they took. */
export interface Sample {
  units: number;
  milliseconds: number;
  /** What the GPU says it took, summed up, where every call of the sample was timed by timestamps. */
  gpu?: GpuTime;
}

/** A verified subject, and what to call it. */
export interface Contender {
  id: string;
  label: string;
  subject: Pick<Subject, "run" | "restart" | "leastUnits" | "maxUnits">;
}

/** What the reader is asked to agree to. */
export interface Prediction {
  id: string;
  label: string;
  /** One unit of work (a dispatch's tokens, or a batch of operations), which is the shortest call there is. */
  millisecondsPerUnit: number;
  /** Warm-up and samples together. */
  totalMilliseconds: number;
}

/** Asks the reader; resolves true to go on, false to skip the variant. The question goes when the signal aborts. */
export type Confirm = (prediction: Prediction, signal: AbortSignal) => Promise<boolean>;

export type Timing =
  | {status: "measured"; samples: Sample[]; settled: boolean}
  | {status: "failed"; error: unknown}
  | {status: "declined"; message: string};

export interface ProtocolProgress {
  phase: "warming" | "measuring";
  id: string;
  label: string;
  /** Of this phase, 0 to 1. */
  fraction: number;
}

export interface ProtocolOptions {
  clock: Clock;
  signal: AbortSignal;
  visibility: Visibility;
  guard: LongCallGuard;
  onProgress(progress: ProtocolProgress): void;
}

/**
 * Times verified subjects against each other: each is warmed up, then samples are taken round-robin, one
 * direction and then the other, so that drift hits all alike. A subject that fails or is declined leaves; the
 * others go on. Timings are by contender id.
 * @throws {HiddenTabError} when the tab is or becomes hidden; no timing is kept.
 * @throws the signal's reason when it is aborted.
 */
export async function timeSubjects(
  contenders: readonly Contender[],
  {visibility, signal, ...options}: ProtocolOptions
): Promise<Map<string, Timing>> {
  if (contenders.length === 0) return new Map();
  return whileVisible(visibility, signal, (stop) => timeVisible(contenders, stop, options));
}

async function timeVisible(
  contenders: readonly Contender[],
  stop: AbortSignal,
  {clock, guard, onProgress}: Pick<ProtocolOptions, "clock" | "guard" | "onProgress">
): Promise<Map<string, Timing>> {
  const timings = new Map<string, Timing>();
  const ready: {timer: Timer; settled: boolean; samples: Sample[]}[] = [];

  /** Runs one subject's step; its own failure is its timing, an interruption is everyone's. */
  async function attempt<T>({id}: Contender, step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      // A lost device often fails the call before it announces itself.
      await clock.sleep(0, stop);
      if (error instanceof DeclinedError) timings.set(id, {status: "declined", message: error.message});
      else timings.set(id, {status: "failed", error});
    }
  }

  for (const [i, contender] of contenders.entries()) {
    const timer = new Timer(contender, clock, stop, guard);
    await attempt(contender, async () => {
      const settled = await timer.warmUp((worked) =>
        onProgress({
          phase: "warming",
          id: contender.id,
          label: `Warming up ${contender.label}: ${(worked / 1000).toFixed(1)} s`,
          fraction: (i + Math.min(1, worked / protocol.warmUpLimitMilliseconds)) / contenders.length
        })
      );
      ready.push({timer, settled, samples: []});
    });
  }
  for (let round = 0; round < protocol.samples; ++round) {
    for (const {timer, samples} of round % 2 ? ready.toReversed() : ready) {
      const {contender} = timer;
      if (timings.has(contender.id)) continue;
      onProgress({
        phase: "measuring",
        id: contender.id,
        label: `Measuring ${contender.label}: sample ${round + 1} of ${protocol.samples}`,
        fraction: round / protocol.samples
      });
      await attempt(contender, async () => samples.push(await timer.sample(protocol.sampleMilliseconds)));
    }
  }
  for (const {timer, settled, samples} of ready) {
    const {id} = timer.contender;
    if (timings.has(id)) continue;
    timings.set(id, {status: "measured", samples, settled});
  }
  return timings;
}

/**
 * Does work that only counts while the tab is visible.
 * @throws {HiddenTabError} when the tab is or becomes hidden; the work's signal is aborted with it.
 */
export async function whileVisible<T>(
  visibility: Visibility,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  const hidden = new AbortController();
  const notice = () => {
    if (visibility.hidden) hidden.abort(new HiddenTabError());
  };
  const unsubscribe = visibility.subscribe(notice);
  try {
    notice();
    const stop = AbortSignal.any([signal, hidden.signal]);
    stop.throwIfAborted();
    return await work(stop);
  } finally {
    unsubscribe();
  }
}

/** Starts no call predicted to be long without the reader's word, which holds for the rest of the run. */
export class LongCallGuard {
  readonly #agreed = new Set<string>();
  readonly #confirm: Confirm;

  constructor(confirm: Confirm) {
    this.#confirm = confirm;
  }

  /** @throws {DeclinedError} with the prediction, when the reader skips the variant. */
  async check({id, label}: Pick<Contender, "id" | "label">, millisecondsPerUnit: number, signal: AbortSignal) {
    if (millisecondsPerUnit <= protocol.longCallMilliseconds || this.#agreed.has(id)) return;
    signal.throwIfAborted();
    const prediction = {id, label, millisecondsPerUnit, totalMilliseconds: predictTotal(millisecondsPerUnit)};
    if (!(await abortable(this.#confirm(prediction, signal), signal))) throw new DeclinedError(prediction);
    this.#agreed.add(id);
  }
}

/** The reader skipped a variant whose calls were predicted to be long. */
export class DeclinedError extends Error {
  override name = "DeclinedError";
  constructor({millisecondsPerUnit}: Prediction) {
    super(
      `Skipped: its shortest call was predicted to take ${(millisecondsPerUnit / 1000).toFixed(1)} s, over the ` +
        `${protocol.longCallMilliseconds / 1000} s that runs unasked.`
    );
  }
}

/** The tab was hidden, where browsers throttle timers and GPUs lower their clocks. */
export class HiddenTabError extends Error {
  override name = "HiddenTabError";
  constructor() {
    super("The tab was hidden during the run, so its timings were discarded. Keep the tab visible and run again.");
  }
}

/** Calls one subject with as many units as a time needs, learning what a unit takes from every warm-up call. */
class Timer {
  /** Predicted milliseconds of one unit; undefined before the first timing. */
  #millisecondsPerUnit: number | undefined;
  #lastUnits = 0;
  #warm = false;

  constructor(
    readonly contender: Contender,
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    private readonly guard: LongCallGuard
  ) {}

  /** Works until clocks settle or the limit is reached; resolves whether they settled. */
  async warmUp(onWorked: (milliseconds: number) => void): Promise<boolean> {
    const {batchesPerRound, settledRounds} = protocol;
    const medians: number[] = [];
    onWorked(0);
    let worked = (await this.sample(0)).milliseconds; // the first timing: one unit, which predicts the rest
    for (;;) {
      const round: number[] = [];
      while (round.length < batchesPerRound) {
        onWorked(worked);
        const {units, milliseconds} = await this.sample(protocol.sampleMilliseconds / batchesPerRound);
        round.push(milliseconds / units);
        worked += milliseconds;
      }
      medians.push(statistics(round).median);
      const last = medians.slice(-settledRounds);
      const settled = last.length === settledRounds && spread(last) <= protocol.settledSpread;
      const spent = last.length === settledRounds && worked >= protocol.warmUpLimitMilliseconds;
      if ((settled && worked >= protocol.warmUpMilliseconds) || spent) {
        this.#millisecondsPerUnit = last.at(-1);
        this.#warm = true;
        return settled;
      }
    }
  }

  /** Runs units until at least `milliseconds` have passed, by the clock, from first call to last. */
  async sample(milliseconds: number): Promise<Sample> {
    const {clock, contender, guard, signal} = this;
    await guard.check(contender, this.#millisecondsPerUnit ?? 0, signal);
    await clock.sleep(0, signal); // lets the page paint and hear Cancel
    contender.subject.restart?.();
    const start = clock.now();
    let units = 0;
    let elapsed = 0;
    let gpu: GpuTime | undefined = {milliseconds: 0, passes: 0};
    do {
      const more = this.#unitsFor(milliseconds - elapsed);
      const took = await abortable(contender.subject.run(more), signal);
      if (!took) gpu = undefined;
      if (gpu && took) gpu = {milliseconds: gpu.milliseconds + took.milliseconds, passes: gpu.passes + took.passes};
      const now = clock.now() - start;
      if (!this.#warm) this.#millisecondsPerUnit = (now - elapsed) / more;
      this.#lastUnits = more;
      units += more;
      elapsed = now;
    } while (elapsed < milliseconds);
    return {units, milliseconds: elapsed, ...(gpu && {gpu})};
  }

  /** Units of the next call: one at first, then enough for the time left, 5 % over so that one call mostly does. */
  #unitsFor(milliseconds: number): number {
    const perUnit = this.#millisecondsPerUnit;
    if (perUnit === undefined) return 1;
    // A coarse clock can read zero: grow by a bounded factor, not by what it says.
    const enough = Math.min(Math.ceil((1.05 * milliseconds) / perUnit), this.#warm ? Infinity : 10 * this.#lastUnits);
    const {leastUnits = 1, maxUnits} = this.contender.subject;
    return Math.max(1, Math.min(Math.max(enough, leastUnits), maxUnits));
  }
}

/** Warm-up and samples of a subject whose every batch and sample is one unit. */
function predictTotal(millisecondsPerUnit: number): number {
  return (1 + protocol.batchesPerRound * protocol.settledRounds + protocol.samples) * millisecondsPerUnit;
}
