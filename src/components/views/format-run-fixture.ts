import {atSpeed, exampleRun} from "../lab/lab-fakes.js";
import {runSchema, type RunRecord} from "../lab/record.js";
import type {Shape, WeightFormat} from "../model/shape.js";
import {shapes} from "../model/shape.js";

type Speeds = Partial<Record<WeightFormat, number>>;

/** A made-up run of the experiment int4 for tests, at these speeds; `tokens` is that of 16 tokens in a dispatch. */
export function formatRun(
  fused: Speeds,
  staged: Speeds,
  {shape = shapes["phi3-mini"], tokens}: {shape?: Shape; tokens?: number} = {}
): RunRecord {
  const example = exampleRun();
  const row = (base: typeof example.fused, speed: number, weightFormat: WeightFormat, tokensPerDispatch = 1) => ({
    ...atSpeed(base, speed),
    variant: `${base.factoring}-${weightFormat}-${tokensPerDispatch}`,
    weightFormat,
    tokensPerDispatch,
    dispatchesPerToken: (base.factoring === "fused" ? 1 : 7 * shape.layers + 4) / tokensPerDispatch
  });
  const rows = (base: typeof example.fused, speeds: Speeds) =>
    Object.entries(speeds).map(([format, speed]) => row(base, speed, format as WeightFormat));
  return runSchema.parse({
    ...example.run,
    experiment: "int4",
    shape,
    roofline: null,
    rows: [
      ...rows(example.fused, fused),
      ...rows(example.staged, staged),
      ...(tokens ? [row(example.fused, tokens, "int4", 16)] : [])
    ]
  });
}
