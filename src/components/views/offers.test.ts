import {expect, test} from "vitest";
import {defaultLimits} from "../gpu/default-limits.js";
import {limitNames} from "../gpu/device.js";
import type {RecordedDevice} from "../lab/results-table.js";
import {featureUses, limitUses} from "./device-limits.js";
import {offersOf, yourAdapter} from "./offers.js";

const node: RecordedDevice = {
  device: "NVIDIA H200",
  software: false,
  runtime: "Node 20 with Dawn",
  features: ["subgroups"],
  limits: {maxBufferSize: 3},
  date: "2026-11-22",
  sourceFile: "h200.json"
};

test("offers are the defaults, the newest of each runtime that is no CPU, and the reader's own last", () => {
  const devices = [
    node,
    {...node, runtime: "Node 18 with Dawn", limits: {maxBufferSize: 1}},
    {...node, runtime: "Chromium 156", limits: {maxBufferSize: 2}},
    {...node, device: "llvmpipe", software: true}
  ];
  const yours = {label: "My GPU", vendor: "", architecture: "", description: "", software: true};
  const offers = offersOf(devices, {...yours, features: [], limits: {maxBufferSize: 4}});
  expect(offers.map(({name, limits}) => [name, limits.maxBufferSize])).toEqual([
    ["WebGPU’s defaults", defaultLimits.maxBufferSize],
    ["NVIDIA H200 in Node", 3],
    ["NVIDIA H200 in Chromium 156", 2],
    ["Yours: My GPU", 4]
  ]);
  expect(offersOf([], null)).toHaveLength(1);
});

test.each([undefined, {requestAdapter: async () => null} as unknown as GPU])(
  "without an adapter there is none, at once and at the end (%#)",
  async (gpu) => {
    const seen = [];
    for await (const description of yourAdapter(gpu)) seen.push(description);
    expect(seen).toEqual([null]);
  }
);

test("every limit that a device is asked for is explained, in sentences that end once", () => {
  expect(Object.keys(limitUses).sort()).toEqual([...limitNames].sort());
  for (const {need, decides} of [...Object.values(limitUses), ...featureUses]) {
    expect(need).toMatch(/\.$/);
    expect(decides).toMatch(/^[a-z].*[^.]$/);
  }
});
