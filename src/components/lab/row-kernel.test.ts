import {expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {collectResults} from "./results-table.js";
import {kernelOf, repeatsInRecord} from "./row-kernel.js";

const {rows} = collectResults(readResults());
const onFile = (id: string) => {
  const row = rows.find((row) => row.id === id);
  if (!row) throw new Error(`no row ${id} on file`);
  return row;
};
const geometry = (variant: string) => kernelOf(onFile(`h200-geometry/${variant}`));

it("gives rows that name the default the name of the default, and others their own", () => {
  const same = ["size-512", "team-rows-8", "qkv-rows-6", "residual-rows-2", "read-ahead-9"];
  expect(new Set(["resident", ...same].map(geometry)).size).toBe(1);
  const others = ["size-256", "team-rows-4", "qkv-rows-8", "residual-rows-4", "read-ahead-0", "registers", "portable"];
  expect(new Set(["resident", "float32", "tokens-4", "single-512", ...others].map(geometry)).size).toBe(
    others.length + 4
  );
});

it("finds the rows of a record that repeat one of its kernels, that one first", () => {
  const repeats = (variant: string) =>
    repeatsInRecord(rows, onFile(`h200-geometry/${variant}`)).map(({id}) => id.slice(id.lastIndexOf("/") + 1));
  expect(repeats("resident")[0]).toBe("resident");
  const same = ["qkv-rows-6", "read-ahead-9", "resident", "residual-rows-2", "size-512", "team-rows-8"];
  expect(repeats("resident").toSorted()).toEqual(same);
  expect(repeats("size-256")).toEqual(["size-256"]);
});

it("finds the kernel of one experiment in the others, and no rung of the ladder that differs in its options", () => {
  const kernel = (id: string) => kernelOf(onFile(id));
  expect(kernel("h200-workgroups/staged-float32")).toBe(kernel("h200-spectrum/staged"));
  expect(kernel("h200-sweep/phi3-mini/fused-resident-int16-subgroups")).toBe(geometry("resident"));
  const alone = kernel("h200-sweep/phi3-mini-1-layer/fused-1-int16-subgroups");
  expect(kernel("h200-tiling-1-layer/int16")).toBe(alone);
  for (const rung of ["loads-4", "rows-4", "loads", "tile", "record-256"])
    expect(kernel(`h200-tiling-1-layer/${rung}`), rung).not.toBe(alone);
});

it("names no kernel of a variant, an experiment or a shape that there is not", () => {
  const row = onFile("h200-geometry/resident");
  expect(kernelOf(row)).toBeTypeOf("string");
  expect(kernelOf({...row, variant: "gone"})).toBeNull();
  expect(kernelOf({...row, experiment: "gone"})).toBeNull();
  expect(kernelOf({...row, shapeId: "gone"})).toBeNull();
});
