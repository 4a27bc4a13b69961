import {beforeEach, describe, expect, it, vi} from "vitest";
import {FakeClock, FakeSubject, FakeVisibility} from "./lab-fakes.js";
import {HiddenTabError, LongCallGuard, protocol, timeSubjects} from "./protocol.js";
import type {Confirm, Contender, ProtocolProgress, Timing} from "./protocol.js";

let clock: FakeClock;
let visibility: FakeVisibility;
let abort: AbortController;
let log: string[];
const confirm = vi.fn<Confirm>();
const onProgress = vi.fn<(progress: ProtocolProgress) => void>();

beforeEach(() => {
  clock = new FakeClock();
  visibility = new FakeVisibility();
  abort = new AbortController();
  log = [];
  confirm.mockReset().mockResolvedValue(true);
  onProgress.mockReset();
});

const subject = (cost?: FakeSubject["millisecondsPerUnit"], id?: string) => new FakeSubject(clock, cost, log, id);

function time(...subjects: FakeSubject[]) {
  const contenders: Contender[] = subjects.map((subject) => ({id: subject.id, label: subject.id, subject}));
  const guard = new LongCallGuard(confirm);
  return timeSubjects(contenders, {clock, signal: abort.signal, visibility, guard, onProgress});
}

function measured(timing: Timing | undefined) {
  if (timing?.status !== "measured") throw new Error(`timing is ${JSON.stringify(timing)}`);
  return timing;
}

/** Runs `act` when the protocol first says that it is in this phase. */
function during(phase: ProtocolProgress["phase"], act: () => void) {
  onProgress.mockImplementation((progress) => {
    if (progress.phase === phase) act();
  });
}

/** Times one subject; says too how much work came before the first sample. */
async function timeOne(subject: FakeSubject) {
  let worked: number | undefined;
  during("measuring", () => (worked ??= clock.time));
  const timing = measured((await time(subject)).get(subject.id));
  return {...timing, worked: worked!};
}

describe("the GPU's own time", () => {
  it("is summed up over the calls of a sample, and left out where one has none", async () => {
    const one = subject(30);
    one.maxUnits = 2;
    const go = one.run.bind(one);
    const run = async (units: number) => {
      await go(units);
      return {milliseconds: 20 * units, passes: 1};
    };
    one.run = run;
    const {samples} = measured((await time(one)).get(one.id));
    expect(samples[0]).toEqual({units: 4, milliseconds: 120, gpu: {milliseconds: 80, passes: 2}});
    one.run = async (units) => (one.calls.length % 2 ? run(units) : go(units));
    for (const sample of measured((await time(one)).get(one.id)).samples) expect(sample).not.toHaveProperty("gpu");
  });

  it("is never of fewer units than the subject can time", async () => {
    const one = Object.assign(subject(30), {leastUnits: 3});
    await time(one);
    expect(Math.min(...one.calls.slice(1))).toBe(3);
  });
});

describe("every sample", () => {
  it("starts where the subject always starts", async () => {
    const one = subject(30);
    const starts: number[] = [];
    Object.assign(one, {restart: () => starts.push(one.calls.length)});
    const {samples} = measured((await time(one)).get(one.id));
    expect(samples).toHaveLength(protocol.samples);
    // 30 ms units and samples of 100 ms: each sample is one call, and each is preceded by one restart.
    expect(starts).toEqual(one.calls.map((_, call) => call));
  });
});

describe("warm-up", () => {
  it("begins with one unit, which predicts the calls that follow", async () => {
    const slow = subject(6);
    await time(slow);
    expect(slow.calls.slice(0, 2)).toEqual([1, 6]); // six units of 6 ms are a third of 100 ms and 5 % more
  });

  it("ends soon after 300 ms when the clocks are steady", async () => {
    const {worked, settled} = await timeOne(subject(1));
    expect(settled).toBe(true);
    expect(worked).toBeGreaterThanOrEqual(protocol.warmUpMilliseconds);
    expect(worked).toBeLessThan(400);
  });

  it("goes on while medians drift by more than 2 %, and says that they settled", async () => {
    const speedingUp = subject((call) => 10 * Math.max(1, 2 - call / 30));
    const {worked, settled, samples} = await timeOne(speedingUp);
    expect(settled).toBe(true);
    expect(worked).toBeGreaterThan(900);
    expect(samples[0]).toEqual({units: 11, milliseconds: 110});
  });

  it("ends when clocks never settle, after a bounded time, and says so", async () => {
    const restless = subject((call) => (Math.floor(call / 3) % 2 ? 10 : 20));
    const {worked, settled} = await timeOne(restless);
    expect(settled).toBe(false);
    expect(worked).toBeGreaterThanOrEqual(protocol.warmUpLimitMilliseconds);
    expect(worked).toBeLessThan(protocol.warmUpLimitMilliseconds + 300);
  });

  it("is not fooled by one slow batch in a round", async () => {
    const {worked, settled} = await timeOne(subject((call) => (call % 7 === 6 ? 2 : 1)));
    expect(settled).toBe(true);
    expect(worked).toBeLessThan(1000);
  });

  it("survives a clock too coarse to see one unit", async () => {
    const quick = subject(0.25);
    vi.spyOn(clock, "now").mockImplementation(() => Math.floor(clock.time));
    const {samples} = measured((await time(quick)).get("subject"));
    expect(quick.calls.slice(0, 2)).toEqual([1, 10]); // grows by a bounded factor when the clock reads zero
    expect(samples.every(({milliseconds}) => milliseconds >= 100)).toBe(true);
  });
});

describe("samples", () => {
  it("are nine, of 100 ms or more, in one call each where the subject allows it", async () => {
    const it = subject(1);
    const {samples} = measured((await time(it)).get("subject"));
    expect(samples).toEqual(Array(9).fill({units: 105, milliseconds: 105}));
    expect(it.calls.slice(-9)).toEqual(Array(9).fill(105));
  });

  it("are made of several calls where one call may not be long enough", async () => {
    const short = subject(1);
    short.maxUnits = 16;
    const {samples} = measured((await time(short)).get("subject"));
    expect(Math.max(...short.calls)).toBe(16);
    expect(samples.every(({milliseconds}) => milliseconds >= 100)).toBe(true);
    expect(samples[0]).toEqual({units: 101, milliseconds: 101}); // 6 × 16, then 5 for what was missing
  });

  it("are topped up when the subject got faster since warm-up", async () => {
    let cost = 1;
    const faster = subject(() => cost);
    during("measuring", () => (cost = 0.5));
    const {samples} = measured((await time(faster)).get("subject"));
    expect(samples.every(({milliseconds}) => milliseconds >= 100)).toBe(true);
  });

  it("keep the clock's milliseconds, and one slow sample does not make the next one short", async () => {
    let sample = 0;
    const uneven = subject(() => (sample === 1 ? 2 : 1));
    during("measuring", () => ++sample);
    const {samples} = measured((await time(uneven)).get("subject"));
    expect(samples.slice(0, 2)).toEqual([
      {units: 105, milliseconds: 210},
      {units: 105, milliseconds: 105}
    ]);
  });

  it("interleave the variants, one direction and then the other", async () => {
    let start: number | undefined;
    during("measuring", () => (start ??= log.length));
    await time(subject(1, "a"), subject(2, "b"), subject(3, "c"));
    expect(log.slice(start).join("")).toBe("abccba".repeat(4) + "abc");
  });
});

describe("a subject that fails", () => {
  it("leaves with its error, and the others are measured", async () => {
    const broken = subject(1, "broken");
    broken.run = async () => {
      throw new Error("validation: binding 3 is missing");
    };
    const timings = await time(broken, subject(1, "sound"));
    expect(timings.get("broken")).toMatchObject({
      status: "failed",
      error: {message: "validation: binding 3 is missing"}
    });
    expect(measured(timings.get("sound")).samples).toHaveLength(9);
  });

  it("in the middle of measuring has no figure", async () => {
    const broken = subject(1, "broken");
    const gone = vi.fn().mockRejectedValue(new Error("gone"));
    let left = 4;
    during("measuring", () => {
      if (--left === 0) broken.run = gone;
    });
    const timings = await time(broken, subject(1, "sound"));
    expect(timings.get("broken")?.status).toBe("failed");
    expect(gone).toHaveBeenCalledTimes(1);
    expect(measured(timings.get("sound")).samples).toHaveLength(9);
  });
});

describe("the guard of long calls", () => {
  it("asks before the second unit when the first took over a second, and skips on no", async () => {
    confirm.mockResolvedValue(false);
    const slow = subject(1500, "slow");
    const timings = await time(slow, subject(1, "quick"));
    expect(slow.calls).toEqual([1]);
    expect(confirm).toHaveBeenCalledExactlyOnceWith(
      {id: "slow", label: "slow", millisecondsPerUnit: 1500, totalMilliseconds: 19 * 1500},
      expect.any(AbortSignal)
    );
    expect(timings.get("slow")).toEqual({
      status: "declined",
      message: "Skipped: its shortest call was predicted to take 1.5 s, over the 1 s that runs unasked."
    });
    measured(timings.get("quick"));
  });

  it("asks once, and the time the reader takes is in no sample", async () => {
    confirm.mockImplementation(async () => {
      clock.time += 60_000;
      return true;
    });
    const {samples} = measured((await time(subject(1500))).get("subject"));
    expect(confirm).toHaveBeenCalledTimes(1);
    expect(samples).toEqual(Array(9).fill({units: 1, milliseconds: 1500}));
  });

  it("lets no call be predicted over a second, and does not ask for short units", async () => {
    const steady = subject(600);
    await time(steady);
    expect(Math.max(...steady.calls)).toBe(1);
    expect(confirm).not.toHaveBeenCalled();
  });
});

describe("an interruption", () => {
  for (const phase of ["warming", "measuring"] as const) {
    it(`by the signal ends ${phase} at once, even within a call that does not return`, async () => {
      const stuck = subject(1);
      during(phase, () => {
        stuck.run = () => new Promise(() => queueMicrotask(() => abort.abort(new Error("stop"))));
      });
      await expect(time(stuck)).rejects.toThrow("stop");
      expect(visibility.listeners.size).toBe(0);
    });

    it(`by a hidden tab discards everything while ${phase}`, async () => {
      during(phase, () => visibility.hide());
      await expect(time(subject(1))).rejects.toThrow(HiddenTabError);
    });
  }

  it("by the signal ends the question", async () => {
    confirm.mockImplementation(() => new Promise(() => abort.abort(new Error("stop"))));
    await expect(time(subject(2000))).rejects.toThrow("stop");
  });

  it("is a tab that was hidden before", async () => {
    visibility.hidden = true;
    const never = subject(1);
    await expect(time(never)).rejects.toThrow("tab was hidden");
    expect(never.calls).toEqual([]);
  });
});
