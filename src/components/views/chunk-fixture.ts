import {atSpeed, exampleRun} from "../lab/lab-fakes.js";
import {runSchema, type MeasuredRow, type RunRecord} from "../lab/record.js";

/**
 * A made-up run for tests: one workgroup at these speeds by the dispatches of a token, in one submit, awaited, and in
 * submits of their own, beside the staged design at 320 tok/s.
 */
export function chunkRun(
  speeds: Record<number, number>,
  awaited: Record<number, number> = {},
  apart: Record<number, number> = {}
): RunRecord {
  const {run, fused, staged} = exampleRun();
  const rows = [
    ...Object.entries(speeds).map(([dispatches, speed]) => at(fused, Number(dispatches), speed)),
    ...Object.entries(awaited).map(([dispatches, speed]): MeasuredRow => ({
      ...at(fused, Number(dispatches), speed),
      variant: `awaited-${dispatches}`,
      awaited: true
    })),
    ...Object.entries(apart).map(([dispatches, speed]): MeasuredRow => ({
      ...at(fused, Number(dispatches), speed),
      variant: `submitted-${dispatches}`,
      apart: true
    }))
  ];
  return runSchema.parse({...run, experiment: "chunks", rows: [...rows, staged]});
}

function at(row: MeasuredRow, dispatches: number, speed: number): MeasuredRow {
  return {
    ...atSpeed(row, speed),
    variant: `in-${dispatches}`,
    factoring: dispatches <= 1 ? "fused" : "chunked",
    dispatchesPerToken: dispatches,
    ...(dispatches > 1 && {layersPerDispatch: 32 / dispatches}),
    ...(dispatches < 1 && {tokensPerDispatch: 1 / dispatches})
  };
}
