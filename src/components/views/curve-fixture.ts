import {atSpeed, exampleRun} from "../lab/lab-fakes.js";
import {runSchema, type RunRecord, type RunRow} from "../lab/record.js";

/**
 * A made-up run for tests: one dispatch at these speeds by workgroups (null for a row that failed), and the staged
 * design at this speed or not at all.
 */
export function curveRun(speeds: Record<number, number | null>, staged: number | null): RunRecord {
  const example = exampleRun();
  const fused = Object.entries(speeds).map(([count, speed]): RunRow => {
    const identity = {variant: `fused-${count}`, label: `Fused, ${count} workgroups`, workgroups: Number(count)};
    if (speed !== null) return {...atSpeed(example.fused, speed), ...identity};
    const {failed, fused} = example;
    return {...failed, features: fused.features, ...identity, message: "the barrier timed out\nat spin 4096"};
  });
  return runSchema.parse({
    ...example.run,
    experiment: "workgroups",
    rows: [...fused, ...(staged === null ? [] : [atSpeed(example.staged, staged)])]
  });
}
