import {link} from "wesl";
import {expect, test, vi} from "vitest";
import {createKernels, kernelFeatures} from "./kernels.js";

const sources = {
  "one.wgsl": `import package::lib::two::two;
override a: u32;
@id(3) override b = 2.0;
@if(subgroups) override c: f32 = 1.0;
var<private> d: u32;
@compute @workgroup_size(a) fn main() { d = two(); }`,
  "lib/two.wgsl": "fn two() -> u32 { return 2u; }"
};

test("a kernel is linked with what it imports, and its overrides are listed", async () => {
  const kernels = createKernels(sources, async () => link);
  const {code, overrides} = await kernels.link("one.wgsl");
  expect(code).toContain("fn two()");
  expect(code).not.toContain("import");
  expect(overrides).toEqual(["a", "b"]);
  expect((await kernels.link("one.wgsl", kernelFeatures)).overrides).toEqual(["a", "b", "c"]);
});

test("the linker is loaded when it is needed, and what was linked is kept, whatever the order of its conditions", async () => {
  const load = vi.fn(async () => link);
  const kernels = createKernels(sources, load);
  expect(load).not.toHaveBeenCalled();
  const first = await kernels.link("one.wgsl", ["subgroups", "ends"]);
  expect(await kernels.link("one.wgsl", ["ends", "subgroups"])).toBe(first);
  expect(await kernels.link("one.wgsl", ["ends"])).not.toBe(first);
});

test("a kernel that is not there is named", async () => {
  const kernels = createKernels(sources, async () => link);
  await expect(kernels.link("no/such.wgsl")).rejects.toThrow("there is no kernels/no/such.wgsl");
});

test("a kernel that is no WGSL is named", async () => {
  const broken = {...sources, "one.wgsl": sources["one.wgsl"].replace("fn main(", "fn )main(")};
  const kernels = createKernels(broken, async () => link);
  await expect(kernels.link("one.wgsl")).rejects.toThrow(/^kernels\/one\.wgsl cannot be linked: /);
});

test("a linker that could not be loaded is asked for again", async () => {
  const load = vi.fn(async () => link).mockRejectedValueOnce(new Error("offline"));
  const kernels = createKernels(sources, load);
  await expect(kernels.link("one.wgsl")).rejects.toThrow("offline");
  expect((await kernels.link("one.wgsl")).code).toContain("fn main");
});
