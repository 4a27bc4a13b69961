import {expect, test} from "vitest";
import {kernelBuilds, kernelFeatures, kernelKey, linkedKernel, overridesOf, stageNames} from "./kernels.js";

test("a kernel's key does not depend on the order of its conditions", () => {
  expect(kernelKey("fused.wgsl", ["subgroups", "ends"])).toBe(kernelKey("fused.wgsl", ["ends", "subgroups"]));
  expect(kernelKey("fused.wgsl", ["ends"])).not.toBe(kernelKey("fused.wgsl", ["subgroups"]));
});

test("every build has a key of its own", () => {
  const keys = kernelBuilds.map(({path, conditions}) => kernelKey(path, conditions));
  expect(new Set(keys).size).toBe(keys.length);
});

test.each(stageNames)("the stage %s is built with and without every optional feature", (stage) => {
  const keys = kernelBuilds.map(({path, conditions}) => kernelKey(path, conditions));
  for (const conditions of [[], kernelFeatures]) expect(keys).toContain(kernelKey(`staged/${stage}.wgsl`, conditions));
});

test("a kernel that was not linked is named, with where to add it", () => {
  const kernels = {sources: {}, linked: {}};
  expect(() => linkedKernel(kernels, "no/such.wgsl", ["subgroups"])).toThrow(
    /no\/such\.wgsl\+subgroups was not linked.*kernelBuilds/
  );
});

test("overrides are found with a type, a value and an id", () => {
  const code = "override a: u32;\n@id(3) override b = 2.0;\noverride c: f32 = 1.0;\nvar<private> d: u32;";
  expect(overridesOf(code)).toEqual(["a", "b", "c"]);
});
