import {expect, test} from "vitest";
import {layerCacheFloats} from "../model/layout.js";
import {layerMatrices, matrixBytes, shapes, weightBytesPerToken} from "../model/shape.js";
import {defaultGeometry} from "./geometry.js";
import {planToken} from "./plan.js";
import {bytesPerToken, callsPerToken, stageOf, stages} from "./stages.js";

const all = Object.values(shapes);
const limits = {
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupStorageSize: 16384
};

test.each(all)("every dispatch of $id is one of a stage, as often as is counted", (shape) => {
  const plan = planToken(shape, "staged", defaultGeometry(shape, [], {limits})).map(({path}) => stageOf(path));
  expect(plan).not.toContain(undefined);
  for (const stage of stages)
    expect(plan.filter((name) => name === stage).length, stage).toBe(callsPerToken(shape, stage));
  expect(plan.length).toBe(callsPerToken(shape, "token"));
});

test("a kernel that launches no stage alone has none", () => {
  expect(stageOf("fused.wgsl")).toBeUndefined();
  expect(stageOf("staged/rms_norm_final.wgsl")).toBe("rms_norm");
});

test.each(all)("the matrices of $id are what a token reads of weights by the roofline", (shape) => {
  const matrices = (["qkv_rope", "o_proj", "gate_up", "down", "lm_head"] as const).map((stage) =>
    bytesPerToken(shape, stage, 7)
  );
  expect(matrices.reduce((sum, bytes) => sum + bytes)).toBe(weightBytesPerToken(shape));
  expect(bytesPerToken(shape, "token", 7)).toBe(weightBytesPerToken(shape));
  expect(matrices[0]).toBe(shape.layers * matrixBytes(layerMatrices(shape).qkv));
});

test("attention reads the keys and values before its position, and norms and embedding next to nothing", () => {
  const shape = shapes["phi3-mini"];
  expect(bytesPerToken(shape, "attention", shape.context)).toBe(4 * shape.layers * layerCacheFloats(shape));
  expect(bytesPerToken(shape, "attention", 128)).toBe(32 * 2 * 4 * 128 * 3072);
  expect(bytesPerToken(shape, "rms_norm", 128)).toBe(65 * 2 * 3072);
  expect(bytesPerToken(shape, "embedding", 128)).toBe(3072 / 2 + 3072 / 16);
  expect(bytesPerToken(shape, "argmax", 128)).toBe(0);
});
