import {describe, expect, test} from "vitest";
import {kernelFeatures} from "../gpu/kernels.js";
import {shapes, weightFormats} from "../model/shape.js";
import {defaultGeometry} from "./geometry.js";
import {arithmetics, factorings, planToken} from "./plan.js";

/** Devices as WebGPU guarantees them at least, and as they are. */
const devices = [
  {name: "the least WebGPU allows", invocations: 256, size: 256, storage: 16384, subgroups: [4, 128]},
  {name: "a desktop GPU", invocations: 1024, size: 1024, storage: 49152, subgroups: [32, 32]},
  {name: "Apple", invocations: 1024, size: 1024, storage: 32768, subgroups: [4, 64]},
  {name: "lavapipe", invocations: 1024, size: 1024, storage: 32768, subgroups: [8, 8]},
  {name: "uneven limits", invocations: 384, size: 200, storage: 16384, subgroups: [16, 64]}
];

describe.each(devices)("the default geometry on $name", ({invocations, size, storage, subgroups}) => {
  const [subgroupMinSize, subgroupMaxSize] = subgroups;
  const device = {
    limits: {
      maxComputeInvocationsPerWorkgroup: invocations,
      maxComputeWorkgroupSizeX: size,
      maxComputeWorkgroupStorageSize: storage
    },
    subgroupMinSize,
    subgroupMaxSize
  };

  test.each([[kernelFeatures], [[]]])("with features %o fits every shape", (features) => {
    for (const shape of Object.values(shapes)) {
      for (const arithmetic of arithmetics) {
        const geometry = defaultGeometry(shape, features, device, arithmetic);
        expect(geometry).toMatchObject({arithmetic, features, workgroups: 1, tokensPerDispatch: 1});
        for (const [name, {workgroupSize, teamRows, residualRows}] of Object.entries(geometry.kernels)) {
          expect(Number.isInteger(Math.log2(workgroupSize)), name).toBe(true);
          expect(workgroupSize, name).toBeGreaterThanOrEqual(64);
          expect(workgroupSize, name).toBeLessThanOrEqual(Math.min(invocations, size));
          expect([2, 4, 8], name).toContain(teamRows);
          expect([1, 2, 4, 8], name).toContain(residualRows);
        }
        for (const workgroups of [1, 2]) {
          for (const factoring of factorings) {
            if (factoring === "chunked" && workgroups > 1) continue;
            expect(() => planToken(shape, factoring, {...geometry, workgroups})).not.toThrow();
          }
        }
      }
    }
  });

  test("teams are subgroups where there are any, of the largest size", () => {
    const geometry = defaultGeometry(shapes.tiny, ["subgroups"], device);
    expect(geometry.lanes).toBe(subgroupMaxSize);
    expect(geometry.lanesAreFixed).toBe(subgroupMinSize === subgroupMaxSize);
    expect(defaultGeometry(shapes.tiny, [], device).lanesAreFixed).toBe(true);
  });

  test.each(arithmetics)("one workgroup in %s has eight rows a team, but on a CPU four", (arithmetic) => {
    const rows = (software: boolean) =>
      defaultGeometry(shapes.tiny, [], {...device, software}, arithmetic).kernels.fused.teamRows;
    expect([rows(false), rows(true)]).toEqual([8, 4]);
  });

  test("a CPU looks more often for a word than a GPU before it gives up, since a look takes it less time", () => {
    const on = (software: boolean) => defaultGeometry(shapes.tiny, [], {...device, software}).spinLimit;
    expect(on(true)).toBeGreaterThan(on(false));
    for (const limit of [on(true), on(false)]) expect(limit).toBeLessThan(2 ** 32);
  });
});

test("one workgroup with weights in floats is larger than with int4, where the device allows", () => {
  const limits = {
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupStorageSize: 49152
  };
  const sizes = weightFormats.map(
    (format) =>
      defaultGeometry(shapes["phi3-mini"], ["subgroups"], {limits}, "float32", format).kernels.fused.workgroupSize
  );
  expect(Object.fromEntries(weightFormats.map((format, index) => [format, sizes[index]]))).toEqual({
    int4: 512,
    float16: 1024,
    float32: 1024
  });
});
