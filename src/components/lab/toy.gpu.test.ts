import {afterAll, expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {openTestGpu} from "../../testing/test-gpu.js";
import {shapes} from "../model/shape.js";
import {toyExperiment} from "./toy.js";

const gpu = await openTestGpu();
afterAll(() => gpu.destroy());
const {signal} = new AbortController();

test("a dispatch for each operation matches the reference at the smallest size, where everything has one head", async () => {
  const variants = toyExperiment({kernels: readKernels()}).variants(shapes["toy-32"]);
  const id = gpu.adapter.features.has("subgroups") ? "unfused" : "unfused-portable";
  const variant = variants.find(({identity}) => identity.variant === id)!;
  expect(variant.unsupported(gpu)).toBeNull();
  const subject = await variant.prepare({gpu, signal, progress: () => {}});
  const verification = await subject.verify(signal);
  expect(verification).toMatchObject({against: "float64 CPU reference", positions: 4, tokens: 2});
  subject.destroy();
});
