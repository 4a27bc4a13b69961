import {expect, it} from "vitest";
import {tokenise} from "./wgsl.js";

const source = `// Sums two numbers.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) { /* let it be */ let x2 = 1.5e-3f + f32(0xFFu); }`;

it("keeps every character", () => {
  const join = (text: string) =>
    tokenise(text)
      .map(({text}) => text)
      .join("");
  for (const text of [source, "", "/* unclosed", "naïve ∑ <tag>&amp;"]) expect(join(text)).toBe(text);
});

it("tells comments, attributes, keywords, types and numbers", () => {
  const of = (kind: string) =>
    tokenise(source)
      .filter((token) => token.kind === kind)
      .map(({text}) => text);
  expect(of("comment")).toEqual(["// Sums two numbers.", "/* let it be */"]);
  expect(of("attribute")).toEqual(["@compute", "@workgroup_size", "@builtin"]);
  expect(of("keyword")).toEqual(["fn", "let"]);
  expect(of("type")).toEqual(["vec3u", "f32"]);
  expect(of("number")).toEqual(["64", "1.5e-3f", "0xFFu"]);
});
