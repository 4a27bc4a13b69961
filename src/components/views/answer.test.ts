import {expect, it} from "vitest";
import {compareFactorings, describeRatio} from "./answer.js";

const geometry = {arithmetic: "float32" as const, tokensPerDispatch: 1, workgroupSize: null};
const row = (variant: string, factoring: "fused" | "staged", features: string[], median: number) => ({
  ...geometry,
  workgroups: factoring === "fused" ? 1 : null,
  variant,
  label: variant,
  factoring,
  features,
  dispatchesPerToken: factoring === "fused" ? 1 : 18,
  status: "measured" as const,
  settled: true,
  verification: {against: "float64 CPU reference" as const, positions: 1, maxRelativeError: 0, tolerance: 1, tokens: 1},
  samples: [{tokens: 1, milliseconds: 1}],
  tokensPerSecond: {median, p10: median, p90: median}
});
const failed = {...row("fused", "fused", ["subgroups"], 9), status: "failed" as const, message: "no"};

it("compares the factorings with the same features", () => {
  const rows = [
    row("staged", "staged", ["subgroups"], 500),
    row("fused-portable", "fused", [], 10),
    row("staged-portable", "staged", [], 40)
  ];
  expect(compareFactorings({rows})).toEqual({fused: 10, staged: 40, dispatches: 18});
});

it("compares weights of one format only, int4 where nothing is said", () => {
  const floats = {weightFormat: "float32" as const};
  const rows = [
    {...row("fused-float32", "fused", ["subgroups"], 5), ...floats},
    {...row("staged", "staged", ["subgroups"], 500), weightFormat: "int4" as const},
    row("fused", "fused", ["subgroups"], 10)
  ];
  expect(compareFactorings({rows})).toMatchObject({fused: 10, staged: 500});
  expect(compareFactorings({rows: rows.slice(0, 2)})).toBeNull();
});

it("takes the row of one workgroup, and none of another arithmetic", () => {
  const several = {...row("fused-8", "fused", ["subgroups"], 90), workgroups: 8};
  const int16 = {...row("staged-int16", "staged", ["subgroups"], 800), arithmetic: "int16" as const};
  const rows = [
    several,
    row("fused-1", "fused", ["subgroups"], 10),
    int16,
    row("staged", "staged", ["subgroups"], 500)
  ];
  expect(compareFactorings({rows})).toMatchObject({fused: 10, staged: 500});
  expect(compareFactorings({rows: rows.slice(0, 3)})).toBeNull();
});

it("takes the fastest of several rows of one workgroup", () => {
  const rows = [
    row("fused", "fused", ["subgroups"], 10),
    row("fused-256", "fused", ["subgroups"], 30),
    row("staged", "staged", ["subgroups"], 20)
  ];
  expect(compareFactorings({rows})).toMatchObject({fused: 30, staged: 20});
});

it("compares nothing where a side is missing, failed or differs in its features", () => {
  expect(compareFactorings({rows: [row("staged", "staged", ["subgroups"], 500)]})).toBeNull();
  expect(compareFactorings({rows: [failed, row("staged", "staged", ["subgroups"], 500)]})).toBeNull();
  const rows = [row("fused", "fused", ["subgroups"], 9), row("staged-portable", "staged", [], 40)];
  expect(compareFactorings({rows})).toBeNull();
});

it.each([
  [{fused: 10, staged: 290, dispatches: 228}, "29 times as fast"],
  [{fused: 30, staged: 20, dispatches: 18}, "the one dispatch is 1.5 times as fast"],
  [{fused: 100, staged: 101, dispatches: 18}, "within 2\u00a0% of each other"]
])("says who wins: %o", (comparison, sentence) => expect(describeRatio(comparison)).toBe(sentence));
