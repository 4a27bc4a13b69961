import {expect, it} from "vitest";
import {exampleRun} from "../lab/lab-fakes.js";
import {runRows} from "../lab/result-row.js";
import {shapes} from "../model/shape.js";
import {describeShapes} from "./sweep-rows.js";

it("says what sweeps have, shape by shape", () => {
  const {run, staged} = exampleRun();
  const row = (change: object) => ({...staged, features: ["subgroups"], ...change});
  const rowsAt = (shape: keyof typeof shapes, ...rows: object[]) =>
    runRows({...run, shape: {...shapes[shape]}, rows: rows.map(row)} as never, "a.json");
  const portable = {features: []};
  const float32 = {weightFormat: "float32"};
  const layer = rowsAt("phi3-mini-1-layer", {}, {weightFormat: "float16"}, float32, portable);
  expect(describeShapes([...layer, ...rowsAt("phi3-mini", {}, {}), ...rowsAt("tiny", portable)])).toBe(
    "“Phi-3-mini, 32 layers” in 2 rows, with weights in int4, with subgroups; " +
      "“Phi-3-mini, 1 layer” in 4 rows, with weights in int4, float16 and float32, with subgroups and without; " +
      "“Tiny, 2 layers of 192” in 1 row, with weights in int4, without subgroups"
  );
});
