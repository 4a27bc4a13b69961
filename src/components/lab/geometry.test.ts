import {describe, expect, it} from "vitest";
import type {Gpu} from "../gpu/device.js";
import {shapes} from "../model/shape.js";
import {unchangedVariants} from "./geometry.js";

const gpu = ({most = 1024, features = ["packed_4x8_integer_dot_product", "subgroups"], lanes = 32} = {}) =>
  ({
    adapter: {info: {subgroupMinSize: lanes, subgroupMaxSize: lanes}},
    description: {
      label: "Fake GPU",
      software: false,
      features,
      limits: {
        maxComputeWorkgroupStorageSize: 49152,
        maxComputeInvocationsPerWorkgroup: most,
        maxComputeWorkgroupSizeX: most
      }
    }
  }) as unknown as Gpu;

describe("the ablations that change nothing", () => {
  const unchanged = (options?: Parameters<typeof gpu>[0]) => unchangedVariants(shapes["phi3-mini"], gpu(options));

  it("set what the kernel has anyway", () => {
    expect(unchanged()).toEqual(["size-512", "team-rows-8", "qkv-rows-6", "residual-rows-2", "read-ahead-9"]);
  });

  it("are others where the device has less", () => {
    expect(unchanged({most: 256})).toContain("size-256");
    expect(unchanged({most: 256})).not.toContain("size-512");
    expect(unchanged({features: ["packed_4x8_integer_dot_product"]})).toContain("portable");
    expect(unchanged({lanes: 4})).toContain("team-rows-4");
  });
});
