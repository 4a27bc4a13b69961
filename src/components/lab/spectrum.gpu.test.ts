import {beforeEach, expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import {mutate} from "../../testing/mutations.js";
import {hasSlowCompiler, openTestGpu} from "../../testing/test-gpu.js";
import type {Gpu} from "../gpu/device.js";
import type {Kernels} from "../gpu/kernels.js";
import {shapes, weightBytesPerToken, type Shape} from "../model/shape.js";
import {alwaysVisible, systemClock, type Clock} from "./clock.js";
import {runSchema} from "./record.js";
import {runExperiment, type RunEvent, type RunOptions} from "./run-experiment.js";
import {spectrumExperiment} from "./spectrum.js";

const minutes = 60_000;

const sources = readSources();
const kernels = readKernels(sources);

/** Runs ten times as fast as time does, so that warm-up and samples take a tenth of it. */
const fastClock: Clock = {
  now: () => 10 * systemClock.now(),
  sleep: (milliseconds, signal) => systemClock.sleep(milliseconds / 10, signal)
};

const probe = await openTestGpu();
const subgroups = probe.adapter.features.has("subgroups");
const staged = subgroups ? ["staged", "staged-portable"] : ["staged-portable"];
const fused = subgroups ? ["fused", "fused-portable"] : ["fused-portable"];
const variants = hasSlowCompiler(probe) ? staged : [...fused, ...staged];
probe.destroy();

/** For what does not depend on the shape. */
const small: Shape = {
  ...shapes.tiny,
  id: "small",
  hidden: 64,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 32,
  ffn: 96,
  vocabulary: 130
};

let opened: Gpu[];
beforeEach(() => {
  opened = [];
});

test(`${variants.join(", ")} are verified and measured, and the record is one`, {timeout: 4 * minutes}, async () => {
  const events: RunEvent[] = [];
  const {state, message, record} = await run({
    variants,
    shape: shapes.tiny,
    measureReadBandwidth: async () => 1e9,
    onEvent: (event) => events.push(event)
  });
  expect(message).toBe(`Measured ${variants.length} of ${variants.length} variants.`);
  expect(state).toBe("done");
  expect(runSchema.parse(JSON.parse(JSON.stringify(record)))).toEqual(record);
  const {rows, roofline, shape, device, weights} = record!;
  expect(rows.map(({variant}) => variant).sort()).toEqual([...variants].sort());
  expect(new Set(rows.map(({wgsl}) => wgsl ?? "none")).size).toBe(variants.length);
  for (const row of rows) {
    expect(row.status, row.variant).toBe("measured");
    if (row.status !== "measured") continue;
    expect(row.verification.maxRelativeError).toBeGreaterThan(0); // float32 against float64
    expect(row.verification.maxRelativeError).toBeLessThanOrEqual(1e-4);
    expect(row.verification.positions).toBeGreaterThanOrEqual(3);
    expect(row.verification.tokens).toBeGreaterThanOrEqual(2);
    expect(row.dispatchesPerToken).toBe(row.factoring === "fused" ? 1 : 18);
    expect(row.workgroups).toBe(row.factoring === "fused" ? 1 : null);
    expect(row.features).toEqual(row.variant.endsWith("-portable") ? [] : ["subgroups"]);
    for (const {milliseconds} of row.samples) expect(milliseconds).toBeGreaterThanOrEqual(100);
  }
  expect(shape).toEqual(shapes.tiny);
  expect(weights).toBe("synthetic");
  expect(device).toEqual(opened[0]!.description);
  expect(roofline!.tokensPerSecond).toBeCloseTo(1e9 / weightBytesPerToken(shapes.tiny));
  const states = events.map(({state}) => state).filter((state, i, all) => state !== all[i - 1]);
  expect(states.slice(-3)).toEqual(["warming", "measuring", "done"]);
  expect((await opened[0]!.lost).reason).toBe("destroyed");
});

test.runIf(subgroups)(
  "a variant whose kernel is wrong fails with its error and has no figure; the others go on",
  {timeout: 4 * minutes},
  async () => {
    const path = "stages/gate_up.wgsl";
    const mutant = readKernels(mutate(sources, {path, find: "exp(-x)", replace: "exp(-1.01 * x)"}));
    const wrongWithSubgroups: Kernels = {
      sources,
      link: (path, conditions) => (conditions?.includes("subgroups") ? mutant : kernels).link(path, conditions)
    };
    const {state, message, record} = await run({
      experiment: spectrumExperiment({kernels: wrongWithSubgroups}),
      variants: staged
    });
    expect(state).toBe("done");
    expect(message).toMatch(/^Measured 1 of 2 variants/);
    const [wrong, right] = record!.rows;
    expect(wrong).toMatchObject({variant: "staged", status: "failed"});
    expect(wrong).not.toHaveProperty("tokensPerSecond");
    expect(wrong).not.toHaveProperty("samples");
    expect(wrong).toHaveProperty(
      "message",
      expect.stringMatching(/logits at position 0 differ from the float64 reference by \S+, more than 0\.0001/)
    );
    expect(right).toMatchObject({variant: "staged-portable", status: "measured"});
  }
);

test("a kernel that does not compile fails its variant and names the file", async () => {
  const path = "staged/down.wgsl";
  const mutant = readKernels(mutate(sources, {path, find: "workgroup_count.x", replace: "true"}));
  const {state, record} = await run({
    experiment: spectrumExperiment({kernels: mutant}),
    variants: ["staged-portable"]
  });
  expect(state).toBe("failed");
  expect(record!.rows[0]).toMatchObject({
    status: "failed",
    message: expect.stringMatching(/kernels\/staged\/down\.wgsl does not compile: /)
  });
});

test.each(["preparing", "verifying", "warming", "measuring"] as const)(
  "a run cancelled while %s has no record, frees the device and leaves the experiment usable",
  async (when) => {
    const cancel = new AbortController();
    const experiment = spectrumExperiment({kernels});
    const variants = staged.slice(0, 1);
    const events: RunEvent[] = [];
    const outcome = await run({
      experiment,
      variants,
      signal: cancel.signal,
      onEvent(event) {
        events.push(event);
        if (event.state === when) cancel.abort(new Error("cancelled by the test"));
      }
    });
    expect(outcome).toMatchObject({state: "cancelled", record: null});
    expect(events.at(-1)).toMatchObject({state: "cancelled"});
    for (const {lost} of opened) expect((await lost).reason).toBe("destroyed");
    expect((await run({experiment, variants})).state).toBe("done");
  },
  2 * minutes
);

function run(options: Partial<RunOptions> & {shape?: Shape}) {
  return runExperiment({
    experiment: spectrumExperiment({kernels}),
    shape: small,
    async openGpu() {
      const gpu = await openTestGpu();
      opened.push(gpu);
      return gpu;
    },
    allowWaits: false,
    runtime: {name: "the tests", os: "any"},
    clock: fastClock,
    visibility: alwaysVisible,
    confirm: async () => true,
    signal: new AbortController().signal,
    onEvent: () => {},
    ...options
  });
}
