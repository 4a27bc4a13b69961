import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterEach, beforeEach, describe, expect, onTestFinished, test, vi} from "vitest";
import {openDawn} from "./dawn.js";

/** Of Dawn, without a GPU: an adapter of no features, whose device is there until it is destroyed. */
const standIn = `
  const device = () => ({lost: new Promise(() => {}), destroy() {}});
  const adapter = {features: new Set(), limits: {}, info: {}, requestDevice: async () => device()};
  exports.globals = {};
  exports.create = () => ({requestAdapter: async () => adapter});`;

afterEach(() => vi.unstubAllEnvs());

test("a DAWN_NODE that cannot be loaded is named, with what it must be", () => {
  vi.stubEnv("DAWN_NODE", "no/such/dawn.node");
  expect(() => openDawn()).toThrow(/from .*no.such.dawn\.node: .*\n.*DAWN_NODE must name a dawn\.node/s);
});

describe("a wait for the GPU", () => {
  /** Milliseconds of a question that Dawn asks, and of the clock below, which goes on only where this says so. */
  const question = 0.01;
  let now: number;
  let own: typeof setImmediate;
  /** Milliseconds at which Dawn asked. */
  let asked: number[];

  /** Opens Dawn, or two of them, with a stand-in for it that has no GPU. */
  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), "dawn-"));
    own = globalThis.setImmediate;
    onTestFinished(() => {
      globalThis.setImmediate = own;
      vi.restoreAllMocks();
      rmSync(folder, {recursive: true});
    });
    writeFileSync(join(folder, "dawn.cjs"), standIn);
    vi.stubEnv("DAWN_NODE", join(folder, "dawn.cjs"));
    vi.spyOn(performance, "now").mockImplementation(() => now);
    vi.spyOn(Atomics, "wait").mockImplementation((_array, _index, _value, milliseconds) => {
      now += milliseconds!;
      return "timed-out";
    });
    [now, asked] = [1000, []];
    vi.resetModules();
    const fresh = await import("./dawn.js");
    fresh.openDawn();
    fresh.openDawn();
  });

  /** Asks as Dawn does, in every turn of the event loop, until the GPU has finished. */
  function wait(milliseconds: number): Promise<void> {
    const end = now + milliseconds;
    return new Promise((resolve) => {
      const ask = () => {
        asked.push(now);
        now += question;
        if (now >= end) resolve();
        else setImmediate(ask);
      };
      setImmediate(ask);
    });
  }

  const between = (from: number, to: number) => asked.filter((time) => time >= from && time < to).length;

  test("asks without a pause in its first millisecond, and then every tenth of one", async () => {
    await wait(11);
    expect(between(1000, 1001)).toBeCloseTo(1 / question, -1);
    const paused = 10 / (0.1 + question);
    expect(between(1001, 1011)).toBeGreaterThan(0.9 * paused);
    expect(between(1001, 1011)).toBeLessThan(1.1 * paused + 1);
  });

  test("begins anew without a pause when another has ended", async () => {
    await wait(5);
    const second = now;
    await wait(0.5);
    expect(between(second, second + 0.5)).toBeCloseTo(0.5 / question, -1);
    expect(now - second).toBeLessThan(0.6);
  });

  test("is asked for by the process's own setImmediate once the last device is destroyed", async () => {
    const pausing = globalThis.setImmediate;
    const {openDawnGpu} = await import("./dawn.js");
    const [first, second] = [await openDawnGpu(), await openDawnGpu()];
    first.destroy();
    first.destroy();
    expect(globalThis.setImmediate).toBe(pausing);
    second.destroy();
    expect(globalThis.setImmediate).toBe(own);
    const third = await openDawnGpu();
    expect(globalThis.setImmediate).not.toBe(own);
    third.destroy();
    expect(globalThis.setImmediate).toBe(own);
  });
});
