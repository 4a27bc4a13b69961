import {readdirSync, readFileSync} from "node:fs";
import {describe, expect, it} from "vitest";
import {runSchema, type RunRecord} from "./record.js";
import {parseResultFile} from "./results-table.js";

const folder = new URL("../../../results/", import.meta.url);

describe("the files of results/", () => {
  it.each(readdirSync(folder))("%s fits the schema of its kind", (name) => {
    const file = parseResultFile(name, readFileSync(new URL(name, folder), "utf8"));
    expect(["run", "report", "artefact"]).toContain(file.kind);
  });
});

describe("runSchema", () => {
  it("accepts a run with a measured and a failed row", () => {
    expect(runSchema.parse(exampleRun())).toEqual(exampleRun());
  });

  it("rejects a measured row outside its tolerance", () => {
    const run = exampleRun();
    const row = run.rows[0]!;
    if (row.status === "measured") row.verification.maxRelativeError = 2e-4;
    expect(messages(run)).toContain("rows.0: a measured row's verification is within its tolerance");
  });

  it("rejects percentiles out of order", () => {
    const run = exampleRun();
    const row = run.rows[0]!;
    if (row.status === "measured") row.tokensPerSecond = {median: 9, p10: 10, p90: 11};
    expect(messages(run)).toContain("rows.0.tokensPerSecond: p10 ≤ median ≤ p90");
  });

  it("rejects figures without a verification", () => {
    const run = exampleRun();
    delete (run.rows[0] as {verification?: unknown}).verification;
    expect(messages(run).join()).toMatch(/rows\.0\.verification/);
  });
});

function messages(run: unknown): string[] {
  const {success, error} = runSchema.safeParse(run);
  return success ? [] : error.issues.map(({path, message}) => `${path.join(".")}: ${message}`);
}

function exampleRun(): RunRecord {
  const identity = {
    variant: "fused",
    label: "Fused",
    factoring: "fused",
    dispatchesPerToken: 1,
    workgroups: 1,
    workgroupSize: 256,
    features: []
  };
  return {
    kind: "run",
    version: 1,
    experiment: "spectrum",
    date: "2027-01-02T03:04:05.000Z",
    device: {
      label: "A GPU",
      vendor: "v",
      architecture: "a",
      description: "",
      software: false,
      features: [],
      limits: {}
    },
    runtime: {name: "Node", os: "linux"},
    shape: {
      id: "phi3-mini",
      label: "Phi-3-mini, 32 layers",
      hidden: 3072,
      layers: 32,
      heads: 32,
      kvHeads: 32,
      headDim: 96,
      ffn: 8192,
      vocabulary: 32064,
      ropeTheta: 10000,
      epsilon: 1e-5,
      context: 256
    },
    weights: "synthetic",
    protocol: {warmUpMilliseconds: 300, sampleMilliseconds: 100, samples: 9, interleaved: true},
    roofline: null,
    rows: [
      {
        ...identity,
        status: "measured",
        verification: {
          against: "float64 CPU reference",
          positions: 4,
          maxRelativeError: 1e-6,
          tolerance: 1e-4,
          tokens: 4
        },
        settled: true,
        samples: [{tokens: 1, milliseconds: 100}],
        tokensPerSecond: {median: 10, p10: 9, p90: 11}
      },
      {...identity, variant: "staged", label: "Staged", status: "failed", message: "device lost"}
    ]
  };
}
