import {describe, expect, it} from "vitest";
import {costSchema} from "./cost-record.js";
import {exampleCost} from "./lab-fakes.js";

/** What makes a cost record none: a change of the example, and where the schema says so. */
const broken: [what: string, change: (example: ReturnType<typeof exampleCost>) => void, says: RegExp][] = [
  [
    "a median that its samples do not have",
    ({dispatches}) => (dispatches.microsecondsPerOperation.median = 2.6),
    /^rows\.0\.microsecondsPerOperation\.median: is 2\.6, but the samples give 2\.5$/
  ],
  ["another p10", ({dispatches}) => (dispatches.microsecondsPerOperation.p10 = 1), /^rows\.0\.mic.*\.p10: is 1, but/],
  ["another p90", ({dispatches}) => (dispatches.microsecondsPerOperation.p90 = 9), /^rows\.0\.mic.*\.p90: is 9, but/],
  [
    "a part of a batch",
    ({dispatches}) => (dispatches.operationsPerBatch = 30_000),
    /^rows\.0\.samples\.0\.operations: is 50000, which is no multiple of 30000$/
  ],
  [
    "a measured row of an unknown number",
    ({dispatches}) => (dispatches.workgroups = null),
    /^rows\.0\.workgroups: a mea/
  ],
  ["a read of nothing", ({dispatches}) => (dispatches.bytesPerOperation = 0), /^rows\.0\.bytesPerOperation: /],
  [
    "a sample less",
    ({dispatches}) => dispatches.samples.pop(),
    /^rows\.0\.samples: are 8; the protocol has at least 9$/
  ],
  [
    "a sample shorter than its protocol's",
    ({cost}) => (cost.protocol = {...cost.protocol, sampleMilliseconds: 120}),
    /^rows\.0\.samples\.1\.milliseconds: is 100; the protocol has at least 120$/
  ],
  [
    "a protocol of too few samples",
    ({cost}) => (cost.protocol = {...cost.protocol, samples: 8}),
    /^protocol\.samples: /
  ],
  ["no verification", ({dispatches}) => set(dispatches, "verification", undefined), /^rows\.0\.verification: /],
  ["a verification of nothing", ({dispatches}) => (dispatches.verification.values = 0), /^rows\.0\.verification\.val/],
  [
    "a verification within a tolerance",
    ({dispatches}) => set(dispatches.verification, "against", "float64 CPU reference"),
    /^rows\.0\.verification\.against: /
  ],
  [
    "a variant twice",
    ({stalled}) => (stalled.variant = "dispatches"),
    /^rows\.1\.variant: “dispatches” is there twice$/
  ],
  ["a stalled row with figures", ({dispatches}) => set(dispatches, "status", "discarded"), /^rows\.0\.message: /],
  ["a stalled row without a message", ({stalled}) => set(stalled, "message", ""), /^rows\.1\.message: /],
  ["a date before the project", ({cost}) => (cost.date = "2025-12-31T00:00:00.000Z"), /^date: not between 2026 and /],
  ["a shape", ({cost}) => set(cost, "shape", "tiny"), /^\(top\): .*"shape"/],
  ["tokens", ({dispatches}) => set(dispatches.samples[0]!, "tokens", 1), /^rows\.0\.samples\.0: .*"tokens"/],
  ["an unknown key of a row", ({dispatches}) => set(dispatches, "note", "x"), /^rows\.0: .*"note"/]
];

describe("costSchema", () => {
  it("accepts measured rows and rows whose workgroups stalled", () => {
    const {cost} = exampleCost();
    expect(costSchema.parse(cost)).toEqual(cost);
  });

  it("accepts an operation that reads bytes, and workgroups that were not counted", () => {
    const {cost, dispatches, stalled} = exampleCost();
    dispatches.bytesPerOperation = 2 ** 30;
    stalled.workgroups = null;
    expect(costSchema.parse(cost)).toEqual(cost);
  });

  it.each(broken)("rejects %s", (_, change, says) => {
    const example = exampleCost();
    change(example);
    const {error} = costSchema.safeParse(example.cost);
    const issues = error?.issues.map(({path, message}) => `${path.join(".") || "(top)"}: ${message}`) ?? [];
    expect(issues[0]).toMatch(says);
  });
});

/** Sets what the type does not allow. */
function set(target: object, key: string, value: unknown): void {
  Object.assign(target, {[key]: value});
}
