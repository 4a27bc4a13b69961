import {expect, test} from "vitest";
import {readKernels, readSources} from "../../data/read-kernels.js";
import type {PipelineOptions} from "./pipelines.js";
import {digestWgsl} from "./wgsl-digest.js";

const norm: PipelineOptions = {path: "staged/rms_norm_ffn.wgsl", constants: {hidden: 64, epsilon: 1e-5}};
const down: PipelineOptions = {path: "staged/down.wgsl", constants: {hidden: 64, ffn: 96}};
const sources = readSources();

/** Kernels of their own, linked anew. */
const digest = (pipelines: PipelineOptions[], of = sources) => digestWgsl(readKernels(of), pipelines);

test("equal code and numbers have one name, whatever the kernel does not declare", async () => {
  const name = await digest([norm, down]);
  expect(name).toMatch(/^[0-9a-f]{16}$/);
  expect(await digest([norm, down])).toBe(name);
  const more = {...norm, constants: {...norm.constants, no_override_of_it: 1}};
  expect(await digest([more, down])).toBe(name);
  const commented = {...sources, "staged/argmax.wgsl": `${sources["staged/argmax.wgsl"]}\n// of another kernel`};
  expect(await digest([norm, down], commented)).toBe(name);
});

test("another number, condition, kernel or source has another name", async () => {
  const path = "stages/down.wgsl";
  const changed = {...sources, [path]: sources[path]!.replace("ffn_residual(), next_stamp", "ffn_residual(), stamp")};
  expect(changed[path]).not.toBe(sources[path]);
  const names = [
    await digest([norm, down]),
    await digest([{...norm, constants: {...norm.constants, epsilon: 1e-6}}, down]),
    await digest([norm, {...down, constants: {hidden: 64, ffn: 128}}]),
    await digest([norm, {...down, conditions: ["packed"]}]),
    await digest([norm]),
    await digest([norm, {...down, path: "staged/o_proj.wgsl"}]),
    await digest([norm, down], changed)
  ];
  expect(new Set(names).size).toBe(names.length);
});
