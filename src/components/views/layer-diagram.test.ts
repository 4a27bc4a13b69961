import {expect, it} from "vitest";
import {dispatchesPerToken} from "../decode/plan.js";
import {shapes, weightBytesPerToken} from "../model/shape.js";
import {layerStages} from "./layer-diagram.js";

const shape = shapes["phi3-mini"];

it("has the seven stages of a layer, in the order they are launched", () => {
  const names = layerStages(shape, "staged").map(({name}) => name);
  expect(names).toEqual(["rms_norm_attention", "qkv_rope", "attention", "o_proj", "rms_norm_ffn", "gate_up", "down"]);
  expect(shape.layers * names.length + 4).toBe(dispatchesPerToken(shape, "staged"));
});

it("gives every stage of the fused factoring the same one workgroup, and the staged ones their own", () => {
  expect(new Set(layerStages(shape, "fused").map(({workgroups}) => workgroups))).toEqual(new Set([1]));
  const workgroups = Object.fromEntries(layerStages(shape, "staged").map(({name, workgroups}) => [name, workgroups]));
  expect(workgroups.attention).toBe(shape.heads);
  expect(workgroups.gate_up).toBeGreaterThan(workgroups.qkv_rope!);
});

it("counts the weights that a token reads, and the norms", () => {
  const [one, two] = [1, 2].map((layers) => weightBytesPerToken({...shape, layers}));
  const bytes = layerStages(shape, "staged").reduce((sum, {bytes}) => sum + bytes, 0);
  expect(bytes).toBe(two! - one! + 2 * 2 * shape.hidden);
});
