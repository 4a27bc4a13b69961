import {readdirSync, readFileSync} from "node:fs";
import {describe, expect, test} from "vitest";
import {stageNames} from "../components/gpu/kernels.js";
import {optionConstants} from "../components/decode/kernel-options.js";
import {shapeConstants} from "../components/model/layout.js";
import {shapes} from "../components/model/shape.js";
import {kernelBuilds} from "../testing/kernel-builds.js";
import {readKernels} from "./read-kernels.js";

const kernels = readKernels();
const {sources} = kernels;
const builds = kernelBuilds();
const linked = new Map(
  await Promise.all(builds.map(async ({key, path, conditions}) => [key, await kernels.link(path, conditions)] as const))
);

test("the sources are the files of kernels/, as they are", () => {
  const folder = new URL("../../kernels/", import.meta.url);
  const files = readdirSync(folder, {recursive: true, encoding: "utf8"}).filter((path) => path.endsWith(".wgsl"));
  expect(Object.keys(sources).sort()).toEqual(files.map((path) => path.replaceAll("\\", "/")).sort());
  expect(sources["fused.wgsl"]).toBe(readFileSync(new URL("fused.wgsl", folder), "utf8"));
});

describe.each(builds)("$key", ({key, path, conditions}) => {
  const {code, overrides} = linked.get(key)!;

  test("is one WGSL module with the entry point main", () => {
    expect(code).not.toMatch(/^\s*import\b|\bpackage::|@if\b|@else\b|@elif\b/m);
    expect(code.match(/@compute/g)).toHaveLength(1);
    expect(code).toMatch(/\bfn main\(/);
  });

  test("uses subgroups only where it is linked for them", () => {
    const uses = /\b(subgroup|quad)[A-Z]/.test(code);
    if (conditions.includes("subgroups")) expect(/^enable subgroups;/m.test(code)).toBe(uses);
    else expect(code).not.toMatch(/subgroup(?!s?\.)[A-Z]|enable subgroups/);
  });

  test("has atomics only where workgroups share a dispatch, and 16-bit products only where it is linked for them", () => {
    if (path.startsWith("probe/")) return;
    expect(/array<atomic<u32>>/.test(code)).toBe(conditions.includes("grid"));
    if (!conditions.includes("packed")) expect(code).not.toMatch(/dot4[IU]8Packed|pack4x/);
  });

  test("has a tile in workgroup memory unless activations are in registers or in the buffer", () => {
    if (!path.startsWith("fused")) return;
    const untiled = conditions.includes("registers") || isUntiledRecord(conditions);
    expect(/var<workgroup> tile\b/.test(code)).toBe(!untiled);
    expect(overrides.includes("tile_groups")).toBe(!untiled);
  });

  test("lists its overrides", () => {
    expect([...overrides].sort()).toEqual([...code.matchAll(/^\s*override (\w+)/gm)].map(([, name]) => name!).sort());
  });
});

test.each(builds.filter(({path}) => /^(fused|staged|unfused)/.test(path)))(
  "every override of $key has a value",
  ({key}) => {
    const given = [
      ...Object.keys(shapeConstants(shapes.tiny)),
      ...["workgroup_size", "qkv_rows", "gate_up_rows", "lm_head_rows", "residual_rows", "read_ahead", "product_rows"],
      ...["tile_groups", "team_lanes", "bests", "spin_limit", "layers_per_slot", "head_vectors"],
      ...Object.keys(optionConstants({}))
    ];
    const missing = linked.get(key)!.overrides.filter((name) => !given.includes(name));
    expect(missing).toEqual([]);
  }
);

test("the fused kernel has the very stages that the staged kernels launch", () => {
  const stages = Object.keys(sources).filter((path) => path.startsWith("stages/"));
  const imported = (path: string) =>
    [...sources[path]!.matchAll(/package::stages::(\w+)/g)].map(([, name]) => `stages/${name}.wgsl`);
  const staged = stageNames.flatMap((stage) => imported(`staged/${stage}.wgsl`));
  expect(new Set(imported("fused.wgsl"))).toEqual(new Set(stages));
  expect(new Set(imported("fused_tokens.wgsl"))).toEqual(new Set(stages));
  // Where workgroups wait for each other, those stages that take a normed vector norm it themselves.
  expect(new Set([...imported("fused_grid.wgsl"), "stages/rms_norm.wgsl"])).toEqual(new Set(stages));
  expect(new Set(staged)).toEqual(new Set(stages));
});

test("one dispatch of several tokens is that of one token in a loop", () => {
  const body = (path: string) => {
    const lines = sources[path]!.split("\n").map((line) => line.trim());
    return lines.slice(lines.indexOf("let position = current_position(invocation_index);"));
  };
  // What divides the layers over dispatches has no part in it.
  const undivided = body("fused.wgsl")
    .filter((line) => !/^let (first|end) =|^if \((first|end) == |write_state\(next_layer_at/.test(line))
    .map((line) => line.replace("var layer = first; layer < end;", "var layer = 0u; layer < layers;"));
  const statements = (lines: string[]) => lines.filter((line) => line !== "}" && line !== "");
  expect(undivided).toContain("for (var layer = 0u; layer < layers; layer++) {");
  expect(statements(body("fused_tokens.wgsl"))).toEqual([...statements(undivided), "end_stage();"]);
});

test("a dispatch of layers that it binds alone differs from any other in how it counts them", () => {
  const statements = (path: string) => {
    const text = sources[path]!;
    return text.slice(text.indexOf("@compute"));
  };
  const alike = statements("fused_layers.wgsl")
    .replace("layer_blob(layer - first + first % layers_per_slot)", "layer_blob(layer)")
    .replace("(layer - first) * kv_heads", "layer * kv_heads");
  expect(alike).toBe(statements("fused.wgsl"));
});

test("a change in a source reaches what is linked from it", async () => {
  const path = "stages/gate_up.wgsl";
  const changed = readKernels({...sources, [path]: sources[path]!.replace("exp(-x)", "exp(-2.0 * x)")});
  const ends = ["ends"] as const;
  for (const [name, conditions] of [
    ["staged/gate_up", []],
    ["fused", ends],
    ["fused_grid", [...ends, "grid"]]
  ] as const) {
    expect((await changed.link(`${name}.wgsl`, conditions)).code).toContain("exp(-2.0 * x)");
    expect((await kernels.link(`${name}.wgsl`, conditions)).code).not.toContain("exp(-2.0 * x)");
  }
  const [now, before] = await Promise.all([changed, kernels].map((some) => some.link("staged/down.wgsl")));
  expect(now!.code).toBe(before!.code);
});

test("an import of what does not exist is an error", async () => {
  const path = "staged/down.wgsl";
  const broken = readKernels({...sources, [path]: sources[path]!.replace("stages::down::down", "stages::down::up")});
  await expect(broken.link(path)).rejects.toThrow(/down/);
});

function isUntiledRecord(conditions: readonly string[]): boolean {
  return conditions.includes("record") && !conditions.includes("record_tile");
}
