import {readFileSync} from "node:fs";
import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {exampleRun} from "./lab-fakes.js";
import {runSchema} from "./record.js";

const folder = new URL("../../../results/", import.meta.url);

describe("the files of results/", () => {
  it.each(readResults())(
    "$name fits the schema of its kind, and nothing in it is left out or changed",
    ({name, content}) => {
      expect(content).toEqual(JSON.parse(readFileSync(new URL(name, folder), "utf8")));
    }
  );
});

/** What makes a run none: a change of the example, and where the schema says so. */
const broken: [what: string, change: (example: ReturnType<typeof exampleRun>) => void, says: RegExp][] = [
  [
    "an error over its tolerance",
    ({fused}) => (fused.verification.maxRelativeError = 2e-4),
    /^rows\.0: .*its tolerance$/
  ],
  ["a tolerance of its own", ({fused}) => (fused.verification.tolerance = 2e-4), /^rows\.0\.verification\.tolerance: /],
  [
    "the tolerance of int16 in a row of float32",
    ({fused}) => (fused.verification.tolerance = 1e-3),
    /^rows\.0\.verification\.tolerance: is more than the arithmetic of the row allows$/
  ],
  [
    "a tolerance that not even int16 has",
    ({fused}) => set(fused, "arithmetic", "int16", {verification: {...fused.verification, tolerance: 2e-3}}),
    /^rows\.0\.verification\.tolerance: /
  ],
  ["no arithmetic", ({fused}) => set(fused, "arithmetic", undefined), /^rows\.0\.arithmetic: /],
  ["an arithmetic that there is not", ({fused}) => set(fused, "arithmetic", "int8"), /^rows\.0\.arithmetic: /],
  [
    "one dispatch measured with nobody knows how many workgroups",
    ({fused}) => (fused.workgroups = null),
    /^rows\.0\.workgroups: a measured row of one dispatch says how many it had$/
  ],
  ["no tokens per dispatch", ({fused}) => set(fused, "tokensPerDispatch", undefined), /^rows\.0\.tokensPerDispatch: /],
  [
    "dispatches per token that its tokens per dispatch do not give",
    ({fused}) => set(fused, "tokensPerDispatch", 4, {workgroups: 132}),
    /^rows\.0\.dispatchesPerToken: fused has 0\.25, not 1$/
  ],
  [
    "several tokens in a dispatch of a stage",
    ({staged}) => set(staged, "tokensPerDispatch", 4, {dispatchesPerToken: 57}),
    /^rows\.1\.tokensPerDispatch: only the fused factoring decodes several tokens in a dispatch$/
  ],
  [
    "a chunked row that does not say how many layers a dispatch had",
    ({fused}) => set(fused, "factoring", "chunked", {dispatchesPerToken: 4}),
    /^rows\.0\.layersPerDispatch: a measured chunked row says how many layers a dispatch had$/
  ],
  [
    "more dispatches than the layers of each make",
    ({fused}) => set(fused, "factoring", "chunked", {dispatchesPerToken: 4, layersPerDispatch: 4}),
    /^rows\.0\.dispatchesPerToken: chunked has 8, not 4$/
  ],
  [
    "a division that was possible and is said not to be",
    ({failed}) => set(failed, "factoring", "chunked", {dispatchesPerToken: 4}),
    /^rows\.2\.layersPerDispatch: is missing, and 4 dispatches are possible$/
  ],
  [
    "layers per dispatch of another factoring",
    ({staged}) => set(staged, "layersPerDispatch", 1),
    /^rows\.1\.layersPerDispatch: only the chunked factoring divides the layers$/
  ],
  [
    "a submit of its own twice over",
    ({fused}) => set(fused, "awaited", true, {apart: true}),
    /^rows\.0\.apart: dispatches that are awaited are submits of their own$/
  ],
  ["a wait that was not", ({fused}) => set(fused, "awaited", false), /^rows\.0\.awaited: /],
  [
    "waits of the CPU for workgroups that wait for each other",
    ({fused}) => set(fused, "awaited", true, {workgroups: 132}),
    /^rows\.0\.awaited: only dispatches whose workgroups do not wait for each other are awaited$/
  ],
  ["a weight format that there is not", ({fused}) => set(fused, "weightFormat", "int3"), /^rows\.0\.weightFormat: /],
  ["no position", ({fused}) => (fused.verification.positions = 0), /^rows\.0\.verification\.positions: /],
  ["no greedy token", ({fused}) => (fused.verification.tokens = 0), /^rows\.0\.verification\.tokens: /],
  [
    "nothing to be verified against",
    ({fused}) => set(fused.verification, "against", "x"),
    /^rows\.0\.verification\.ag/
  ],
  ["no verification", ({fused}) => set(fused, "verification", undefined), /^rows\.0\.verification: /],
  [
    "a median that its samples do not have",
    ({fused}) => (fused.tokensPerSecond.median *= 1.00001),
    /^rows\.0\.tokensPerSecond\.median: is 8\.0000\d+, but the samples give 8$/
  ],
  ["another p10", ({fused}) => (fused.tokensPerSecond.p10 = 8), /^rows\.0\.tokensPerSecond\.p10: is 8, but/],
  ["another p90", ({fused}) => (fused.tokensPerSecond.p90 = 9), /^rows\.0\.tokensPerSecond\.p90: is 9, but/],
  [
    "another sample",
    ({fused}) => (fused.samples[0]!.tokens = 2),
    /^rows\.0\.tokensPerSecond\.p90: is 10, but the samples give 11/
  ],
  ["a sample less", ({fused}) => fused.samples.pop(), /^rows\.0\.samples: are 8; the protocol has at least 9$/],
  ["more samples in its protocol", ({run}) => (run.protocol.samples = 10), /^rows\.0\.samples: are 9; .* at least 10$/],
  [
    "a sample shorter than its protocol's",
    ({run}) => (run.protocol.sampleMilliseconds = 120),
    /^rows\.0\.samples\.1\.milliseconds: is 100; the protocol has at least 120$/
  ],
  ["a protocol of too few samples", ({run}) => (run.protocol.samples = 8), /^protocol\.samples: /],
  [
    "a protocol of shorter samples",
    ({run}) => (run.protocol.sampleMilliseconds = 99),
    /^protocol\.sampleMilliseconds: /
  ],
  ["a protocol of less warm-up", ({run}) => (run.protocol.warmUpMilliseconds = 1), /^protocol\.warmUpMilliseconds: /],
  [
    "a limit that is not its bandwidth's",
    ({run}) => (run.roofline!.tokensPerSecond = 1e9),
    /^roofline\.tokensPerSecond: is 1000000000, but the bandwidth gives 1000$/
  ],
  [
    "the weight bytes of another shape",
    ({run}) => (run.roofline!.weightBytesPerToken /= 2),
    /^roofline\.weightBytesPerToken: is 1046919168, but the shape has 2093838336$/
  ],
  ["a preset's id on other numbers", ({run}) => (run.shape.hidden = 32), /^shape\.hidden: phi3-mini has 3072, not 32$/],
  [
    "a preset's id on another context",
    ({run}) => (run.shape.context = 64),
    /^shape\.context: phi3-mini has 256, not 64$/
  ],
  ["a variant twice", ({staged}) => (staged.variant = "fused"), /^rows\.1\.variant: “fused” is there twice$/],
  ["an unknown factoring", ({fused}) => set(fused, "factoring", "fuzed"), /^rows\.0\.factoring: /],
  [
    "fused with many dispatches",
    ({fused}) => (fused.dispatchesPerToken = 500),
    /^rows\.0\.disp.*: fused has 1, not 500$/
  ],
  [
    "staged with the dispatches of another shape",
    ({staged}) => (staged.dispatchesPerToken = 11),
    /^rows\.1\.dispatchesPerToken: staged has 228, not 11$/
  ],
  ["weights of an unknown kind", ({run}) => set(run, "weights", "mlc"), /^weights: /],
  [
    "a date before the project",
    ({run}) => (run.date = "2025-12-31T00:00:00.000Z"),
    /^date: not between 2026 and tomorrow/
  ],
  [
    "a date to come",
    ({run}) => (run.date = new Date(Date.now() + 2 * day).toISOString()),
    /^date: not between 2026 and /
  ],
  ["a date that is none", ({run}) => (run.date = "yesterday"), /^date: /],
  [
    "a failed row with figures",
    ({fused}) => set(fused, "status", "failed", {message: "lost"}),
    /^rows\.0: .*"samples"/
  ],
  ["a failed row without a message", ({failed}) => (failed.message = ""), /^rows\.2\.message: /],
  ["an unknown key", ({run}) => set(run, "comment", "x"), /^\(top\): .*"comment"/],
  ["an unknown key of the device", ({run}) => set(run.device, "price", 1), /^device: .*"price"/],
  ["an unknown key of the runtime", ({run}) => set(run.runtime, "flags", "x"), /^runtime: .*"flags"/],
  ["an unknown key of the shape", ({run}) => set(run.shape, "experts", 8), /^shape: .*"experts"/],
  ["an unknown key of the protocol", ({run}) => set(run.protocol, "retries", 3), /^protocol: .*"retries"/],
  ["an unknown key of the roofline", ({run}) => set(run.roofline!, "basis", "x"), /^roofline: .*"basis"/],
  ["an unknown key of a row", ({fused}) => set(fused, "note", "x"), /^rows\.0: .*"note"/],
  ["an unknown key of a sample", ({fused}) => set(fused.samples[0]!, "first", true), /^rows\.0\.samples\.0: .*"first"/],
  [
    "an unknown key of a verification",
    ({fused}) => set(fused.verification, "by", "x"),
    /^rows\.0\.verification: .*"by"/
  ],
  ["an unknown key of its statistics", ({fused}) => set(fused.tokensPerSecond, "p50", 1), /^rows\.0\.tok.*: .*"p50"/]
];

describe("runSchema", () => {
  it("accepts a run with measured and failed rows", () => {
    const {run} = exampleRun();
    expect(runSchema.parse(run)).toEqual(run);
  });

  it("accepts a shape that is no preset, with what follows from its numbers", () => {
    const {run, staged} = exampleRun();
    run.shape = {...run.shape, id: "half", layers: 16};
    run.roofline = null;
    staged.dispatchesPerToken = 116;
    expect(issues(run)).toEqual([]);
  });

  it("accepts int16 with its error, and a dispatch of several tokens", () => {
    const {run, fused, failed} = exampleRun();
    set(fused, "arithmetic", "int16", {verification: {...fused.verification, maxRelativeError: 2e-4, tolerance: 1e-3}});
    set(fused, "tokensPerDispatch", 16, {dispatchesPerToken: 1 / 16, workgroups: 132});
    failed.workgroups = null; // its workgroups were to be counted, and were not
    expect(issues(run)).toEqual([]);
  });

  it("accepts layers in chunks that the CPU waits for, and a division that the layers do not allow", () => {
    const {run, fused, failed} = exampleRun();
    set(fused, "factoring", "chunked", {dispatchesPerToken: 4, layersPerDispatch: 8, awaited: true});
    set(failed, "factoring", "chunked", {dispatchesPerToken: 64, status: "unsupported"});
    expect(issues(run)).toEqual([]);
  });

  it.each(broken)("rejects %s", (_, change, says) => {
    const example = exampleRun();
    change(example);
    expect(issues(example.run)[0]).toMatch(says);
  });
});

const day = 24 * 60 * 60 * 1000;

/** Sets what the type does not allow. */
function set(target: object, key: string, value: unknown, others: object = {}): void {
  Object.assign(target, {[key]: value}, others);
}

function issues(run: unknown): string[] {
  const {success, error} = runSchema.safeParse(run);
  return success ? [] : error.issues.map(({path, message}) => `${path.join(".") || "(top)"}: ${message}`);
}
