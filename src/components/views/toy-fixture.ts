import {atSpeed, exampleRun} from "../lab/lab-fakes.js";
import {runSchema, type RunRecord, type RunRow} from "../lab/record.js";
import {dispatchesPerToken} from "../decode/plan.js";
import {shapes} from "../model/shape.js";

/** A made-up run for tests: these variants at this speed at a toy size, null for one that failed. */
export function toyRun(hidden: 32 | 64 | 128 | 256, speeds: Record<string, number | null>): RunRecord {
  const example = exampleRun();
  const shape = shapes[`toy-${hidden}`];
  const rows = Object.entries(speeds).map(([variant, speed]): RunRow => {
    const factoring = variant.startsWith("fused") ? "fused" : variant === "staged" ? "staged" : "unfused";
    const measured = factoring === "fused" ? example.fused : example.staged;
    const identity = {
      variant,
      label: `${variant}, ${hidden} wide`,
      factoring,
      dispatchesPerToken: dispatchesPerToken(shape, factoring)
    } as const;
    if (speed === null) return {...example.failed, ...identity};
    return {...atSpeed(measured, speed), ...identity};
  });
  return runSchema.parse({...example.run, experiment: "toy", shape, roofline: null, rows});
}
