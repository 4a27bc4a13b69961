import {expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {checkShape, shapes} from "../model/shape.js";
import {toyExperiment} from "./toy.js";

const experiment = toyExperiment({kernels: readKernels()});

test.each(experiment.shapes)(
  "every row of %s says how wide the model is, so that records of sizes share a table",
  (id) => {
    const shape = checkShape(shapes[id]);
    const identities = experiment.variants(shape).map(({identity}) => identity);
    for (const {label} of identities) expect(label).toMatch(new RegExp(`, ${shape.hidden} wide$`));
    expect(new Set(identities.map(({label}) => label)).size).toBe(identities.length);
    expect(new Set(identities.map(({variant}) => variant)).size).toBe(identities.length);
  }
);

test("sizes double from 32 to 256, with two layers and heads of 32", () => {
  const sizes = experiment.shapes.map((id) => shapes[id]);
  expect(sizes.map(({hidden}) => hidden)).toEqual([32, 64, 128, 256]);
  for (const {layers, heads, kvHeads, headDim, hidden} of sizes) {
    expect({layers, headDim}).toEqual({layers: 2, headDim: 32});
    expect([heads * headDim, kvHeads * headDim]).toEqual([hidden, hidden]);
  }
});

test("the designs are one dispatch, one a stage and one an operation, with subgroups and without", () => {
  const identities = experiment.variants(shapes["toy-64"]).map(({identity}) => identity);
  const rows = identities.map((identity) => {
    if (!("factoring" in identity)) throw new Error("a row decodes");
    return [identity.variant, identity.dispatchesPerToken, identity.features.length];
  });
  expect(rows).toEqual([
    ["fused", 1, 1],
    ["staged", 18, 1],
    ["unfused", 42, 1],
    ["fused-256", 1, 1],
    ["fused-64", 1, 1],
    ["fused-portable", 1, 0],
    ["staged-portable", 18, 0],
    ["unfused-portable", 42, 0]
  ]);
});
