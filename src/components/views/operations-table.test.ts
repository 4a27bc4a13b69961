import {expect, it} from "vitest";
import {defaultPlan} from "../model-of-cost/layer-schedule.js";
import {shapes} from "../model/shape.js";
import {divideLayer} from "./operations-table.js";

it.each([shapes["toy-32"], shapes["phi3-mini"]])(
  "divides the stages of $id into every dispatch of the plans",
  (shape) => {
    const layer = divideLayer(shape);
    const plan = (factoring: "staged" | "unfused") => defaultPlan(shape, factoring).filter(({bound}) => bound === 0);
    expect(layer.map(({staged}) => staged)).toEqual(plan("staged"));
    expect(layer.flatMap(({operations}) => operations)).toEqual(plan("unfused"));
  }
);

it("gives a stage that is one operation itself, and the FFN's second half its product and its sum", () => {
  const paths = Object.fromEntries(
    divideLayer(shapes["toy-32"]).map(({staged, operations}) => [staged.path, operations.map(({path}) => path)])
  );
  expect(paths["staged/rms_norm_ffn.wgsl"]).toEqual(["staged/rms_norm_ffn.wgsl"]);
  expect(paths["staged/down.wgsl"]).toEqual(["unfused/down_product.wgsl", "unfused/add_ffn.wgsl"]);
});
