import {describe, expect, test} from "vitest";
import {readKernels} from "../../data/read-kernels.js";
import {processMemory} from "../decode/residency.js";
import type {Gpu} from "../gpu/device.js";
import {shapes, type Shape} from "../model/shape.js";
import {decodeVariants, type DecodeVariant} from "./decode-variant.js";
import {chunksExperiment} from "./chunks.js";
import {geometryExperiment} from "./geometry.js";
import {int4Experiment} from "./int4.js";
import {ablated, ablations, beside, ladder, tilingExperiment} from "./tiling.js";
import {workgroupsExperiment} from "./workgroups.js";

const environment = {kernels: readKernels(), residency: processMemory()};
const roomy = {
  maxBufferSize: 2 ** 40,
  maxStorageBufferBindingSize: 2 ** 31,
  maxStorageBuffersPerShaderStage: 16,
  maxComputeWorkgroupStorageSize: 49152,
  maxComputeInvocationsPerWorkgroup: 1024,
  maxComputeWorkgroupSizeX: 1024,
  maxComputeWorkgroupsPerDimension: 65535
};

function gpuWith(
  limits: Partial<typeof roomy> = {},
  {software = false, features = allFeatures, subgroupMinSize = 32, subgroupMaxSize = 32} = {}
): Gpu {
  const description = {label: "Fake GPU", software, features, subgroupMinSize, subgroupMaxSize};
  return {description: {...description, limits: {...roomy, ...limits}}} as unknown as Gpu;
}

const allFeatures = ["packed_4x8_integer_dot_product", "subgroups"];

function variant(row: Partial<DecodeVariant>, shape: Shape = shapes["phi3-mini"]) {
  const full: DecodeVariant = {variant: "it", label: "It", factoring: "fused", features: [], ...row};
  return decodeVariants(environment, shape, [full], new WeakMap())[0]!;
}

describe("a row", () => {
  test("is of one workgroup in float32 where nothing else is said, and waits for nobody", () => {
    const {identity, waits} = variant({});
    expect(identity).toMatchObject({arithmetic: "float32", tokensPerDispatch: 1, dispatchesPerToken: 1, workgroups: 1});
    expect(waits).toBe(false);
    expect(variant({factoring: "staged"})).toMatchObject({identity: {workgroups: null}, waits: false});
  });

  test("of several workgroups waits, and does not know how many are resident", () => {
    expect(variant({workgroups: 8})).toMatchObject({identity: {workgroups: 8}, waits: true});
    expect(variant({workgroups: "resident"})).toMatchObject({identity: {workgroups: null}, waits: true});
  });

  test("of several tokens has less than one dispatch a token", () => {
    const {identity} = variant({workgroups: "resident", tokensPerDispatch: 16});
    expect(identity).toMatchObject({tokensPerDispatch: 16, dispatchesPerToken: 1 / 16});
  });
});

describe("a chunked row", () => {
  const chunked = (dispatches: number, shape?: Shape) => variant({factoring: "chunked", dispatches}, shape);

  test("divides the layers over its dispatches", () => {
    expect(chunked(4).identity).toMatchObject({dispatchesPerToken: 4, layersPerDispatch: 8, workgroups: 1});
    expect(chunked(2, shapes.tiny).identity).toMatchObject({dispatchesPerToken: 2, layersPerDispatch: 1});
    expect(chunked(4).unsupported(gpuWith())).toBeNull();
  });

  test("says whether the CPU waits", () => {
    expect(variant({factoring: "chunked", dispatches: 4, awaited: true}).identity).toMatchObject({awaited: true});
    expect(chunked(4).identity).not.toHaveProperty("awaited");
  });

  test("says so where there are fewer layers than dispatches, and has no layers per dispatch then", () => {
    const {identity, unsupported} = chunked(4, shapes.tiny);
    expect(identity).toMatchObject({dispatchesPerToken: 4});
    expect(identity).not.toHaveProperty("layersPerDispatch");
    expect(unsupported(gpuWith())).toBe("4 dispatches of whole layers need 4 layers; “Tiny, 2 layers of 192” has 2.");
    expect(chunked(2, shapes["phi3-mini-1-layer"]).unsupported(gpuWith())).toBe(
      "2 dispatches of whole layers need 2 layers; “Phi-3-mini, 1 layer” has 1, which is one dispatch."
    );
  });

  test("says so where the layers do not divide", () => {
    expect(chunked(4, {...shapes.tiny, layers: 5}).unsupported(gpuWith())).toBe(
      "The 5 layers of “Tiny, 2 layers of 192” do not make 4 groups of equal size."
    );
  });

  test("of weights in float32 is supported where its dispatches have few enough layers", () => {
    const ofFloats = (dispatches: number) =>
      variant({factoring: "chunked", dispatches, weightFormat: "float32"}).unsupported(gpuWith());
    expect(ofFloats(4)).toBeNull(); // two buffers of four layers each
    expect(ofFloats(2)).toMatch(
      /^A dispatch must see its 16 layers at once, .*: divide the layers over more dispatches\.$/
    );
  });
});

describe("a row is unsupported", () => {
  test("in integers, where WGSL has no packed dot products", () => {
    const without = gpuWith({}, {features: ["subgroups"]});
    expect(variant({arithmetic: "int16"}).unsupported(gpuWith())).toBeNull();
    expect(variant({arithmetic: "int16"}).unsupported(without)).toBe(
      "Arithmetic in 16-bit integers needs the WGSL language feature packed_4x8_integer_dot_product, which is not offered here."
    );
    expect(variant({}).unsupported(without)).toBeNull();
  });

  test("where a workgroup is larger than the device's limit", () => {
    const small = gpuWith({maxComputeInvocationsPerWorkgroup: 256});
    expect(variant({kernel: {workgroupSize: 256}}).unsupported(small)).toBeNull();
    expect(variant({kernel: {workgroupSize: 512}}).unsupported(small)).toBe(
      "A workgroup of 512 is more than this device allows, 256 (maxComputeInvocationsPerWorkgroup)."
    );
  });

  test("where its workgroup memory has no room for activations", () => {
    const reason = variant({kernel: {workgroupSize: 1024}}).unsupported(
      gpuWith({maxComputeWorkgroupStorageSize: 16384})
    );
    expect(reason).toMatch(/^This geometry does not fit: a workgroup of 1024 leaves no room for activations in 16384 /);
  });

  test("where one of its dispatches has more workgroups than the device allows", () => {
    const {unsupported} = variant(
      {factoring: "unfused"},
      {...shapes["phi3-mini-1-layer"], kvHeads: 4, context: 2 ** 18}
    );
    expect(unsupported(gpuWith())).toMatch(/^unfused\/scores\.wgsl needs a dispatch of 65536 .* allows 65535 /);
  });

  test("where several workgroups would take the best logit of one token for that of the next", () => {
    const layers = (layers: number) =>
      variant({workgroups: "resident"}, {...shapes.tiny, layers}).unsupported(gpuWith());
    expect(layers(254)).toMatch(/^This geometry does not fit: several workgroups .* cannot decode 254 layers: .*\.$/);
    expect(layers(253)).toBeNull();
  });

  test("where a team has fewer lanes than rows, with what it would need", () => {
    const narrow = (subgroupMinSize: number, subgroupMaxSize: number) =>
      gpuWith({}, {subgroupMinSize, subgroupMaxSize});
    const row = {workgroups: "resident", features: ["subgroups"]} as const;
    const needs = "the sum of each row ends in a lane of its own";
    expect(variant({...row, kernel: {teamRows: 8}}).unsupported(narrow(4, 4))).toBe(
      `8 rows a team need a team of 8 lanes or more: ${needs}. Here a team is a subgroup, of 4.`
    );
    expect(variant({...row, kernel: {qkvRows: 6}}).unsupported(narrow(4, 32))).toBe(
      `6 rows a team need a team of 8 lanes or more: ${needs}, and six rows take the places of eight. Here a team is a ` +
        "subgroup, of 4 to 32, and 4 are sure."
    );
    expect(variant({...row, kernel: {residualRows: 4}}).unsupported(narrow(4, 4))).toBeNull();
    expect(variant({...row, features: [], kernel: {teamRows: 8}}).unsupported(narrow(4, 4))).toBeNull();
  });

  test("with activations in registers, where its workgroups do not wait for each other or have no subgroups", () => {
    const row = {activationsIn: "registers", workgroups: "resident", features: ["subgroups"]} as const;
    expect(variant(row).unsupported(gpuWith())).toBeNull();
    for (const change of [{workgroups: 1}, {features: []}, {factoring: "staged"}] as const) {
      expect(variant({...row, ...change}).unsupported(gpuWith())).toBe(
        "This geometry does not fit: activations are in registers only in one dispatch of several workgroups with subgroups."
      );
    }
  });

  test.each([
    {shape: shapes.tiny, kernel: {teamRows: 4, qkvRows: 4, residualRows: 1}, most: 144}, // 576 rows of query, key and value, four a team
    {shape: shapes.tiny, kernel: {teamRows: 4, qkvRows: 4, residualRows: 4}, most: 48}, // 192 rows of the residual
    {shape: shapes["phi3-mini"], kernel: {teamRows: 4, qkvRows: 4, residualRows: 1}, most: 2304}
  ])("where not all of more than $most workgroups have a row of $shape.id's matrices", ({shape, kernel, most}) => {
    expect(variant({workgroups: most, kernel}, shape).unsupported(gpuWith())).toBeNull();
    expect(variant({workgroups: most + 1, kernel}, shape).unsupported(gpuWith())).toBe(
      `Each of ${most + 1} workgroups must have a row of every matrix; at this shape ${most} have one.`
    );
  });

  test("on a CPU with more than four workgroups", () => {
    const cpu = gpuWith({}, {software: true});
    expect(variant({workgroups: 4}).unsupported(cpu)).toBeNull();
    expect(variant({workgroups: 8}).unsupported(cpu)).toBe(
      "Fake GPU is a CPU, which runs a workgroup on each core; more than 4 are not tried."
    );
    expect(variant({workgroups: "resident"}).unsupported(cpu)).toBeNull();
  });
});

describe("the experiment", () => {
  test("chunks has 1 to 32 dispatches of one workgroup, in one submit, in several and with waits, beside the staged design", () => {
    const variants = chunksExperiment(environment).variants(shapes["phi3-mini"]);
    const told = variants.map(({identity}) => {
      if (!("awaited" in identity || "factoring" in identity)) throw new Error("not of a model");
      const {variant, dispatchesPerToken, layersPerDispatch = null} = identity;
      const launch = identity.awaited ? "awaited" : identity.apart ? "apart" : "together";
      return [variant, dispatchesPerToken, layersPerDispatch, launch];
    });
    const chunks = [
      [2, 16],
      [4, 8],
      [8, 4],
      [16, 2],
      [32, 1]
    ] as const;
    expect(told).toEqual([
      ["fused", 1, null, "together"],
      ...chunks.map(([dispatches, layers]) => [`chunked-${dispatches}`, dispatches, layers, "together"]),
      ["chunked-4-submitted", 4, 8, "apart"],
      ["chunked-32-submitted", 32, 1, "apart"],
      ["fused-awaited", 1, null, "awaited"],
      ...chunks.map(([dispatches, layers]) => [`chunked-${dispatches}-awaited`, dispatches, layers, "awaited"]),
      ["staged", 228, null, "together"]
    ]);
    for (const variant of variants) expect(variant.unsupported(gpuWith()), variant.identity.variant).toBeNull();
  });

  test("workgroups has one dispatch of ever more workgroups beside the staged design of both arithmetics", () => {
    const variants = workgroupsExperiment(environment).variants(shapes.tiny);
    expect(variants.map(({identity, waits}) => [identity.variant, identity.workgroups, waits])).toEqual([
      ["staged", null, false],
      ["fused-1", 1, false],
      ...[2, 4, 8, 12, 16, 32, 64, 128].map((count) => [`fused-${count}`, count, true]),
      ["fused-resident", null, true],
      ["staged-float32", null, false],
      ["fused-resident-float32", null, true]
    ]);
    for (const {identity} of variants) {
      const arithmetic = identity.variant.endsWith("float32") ? "float32" : "int16";
      expect(identity).toMatchObject({arithmetic, features: ["subgroups"]});
    }
  });

  test("no row of chunks, int4, workgroups or geometry needs an optional feature, but for registers", () => {
    const without = gpuWith({}, {features: ["packed_4x8_integer_dot_product"]});
    for (const experiment of [chunksExperiment, int4Experiment, workgroupsExperiment, geometryExperiment]) {
      const variants = experiment(environment).variants(shapes["phi3-mini-8-layers"]);
      const reasons = variants.map((variant) => variant.unsupported(without) ?? "");
      const needy = variants.filter((_, i) => reasons[i]!.includes("subgroups"));
      expect(needy.filter(({identity}) => identity.variant !== "registers")).toEqual([]);
      expect(reasons.filter((reason) => reason === "").length).toBeGreaterThan(variants.length / 2);
    }
  });

  test("tiling has rungs and ablations that a large GPU can run at every shape, of which four wait", () => {
    for (const shape of Object.values(shapes)) {
      const variants = tilingExperiment(environment).variants(shape);
      expect(variants.map(({identity}) => identity.variant)).toEqual(
        [...ladder, beside, ablated, ...ablations].map(({variant}) => variant)
      );
      expect(new Set(variants.map(({identity}) => identity.label)).size).toBe(variants.length);
      expect(variants.filter(({waits}) => waits).map(({identity}) => identity.variant)).toEqual([
        "resident-alike",
        "residual-rows",
        "qkv-rows",
        "resident"
      ]);
      const refused = variants.filter((variant) => variant.unsupported(gpuWith()) !== null);
      expect(refused.map(({identity}) => identity.variant)).toEqual(shape.headDim % 6 === 0 ? [] : ["qkv-rows"]);
    }
  });

  test("tiling has rungs of one workgroup that the least WebGPU device runs without optional features", () => {
    const least = gpuWith(
      {maxComputeInvocationsPerWorkgroup: 256, maxComputeWorkgroupSizeX: 256, maxComputeWorkgroupStorageSize: 16384},
      {features: []}
    );
    const variants = tilingExperiment(environment).variants(shapes["phi3-mini-1-layer"]);
    const runs = variants.filter((variant) => variant.unsupported(least) === null);
    expect(runs.map(({identity}) => identity.variant)).toEqual(
      ladder
        .slice(
          0,
          ladder.findIndex(({variant}) => variant === "subgroup-sums")
        )
        .map(({variant}) => variant)
    );
  });

  test("geometry has ablations that a large GPU can run, each under another name, and five that wait for nobody", () => {
    const variants = geometryExperiment(environment).variants(shapes["phi3-mini"]);
    const single = variants.filter(({waits}) => !waits).map(({identity}) => identity.variant);
    expect(single).toEqual(["single-64", "single-128", "single-256", "single-512", "single-1024"]);
    expect(new Set(variants.map(({identity}) => identity.label)).size).toBe(variants.length);
    for (const variant of variants) expect(variant.unsupported(gpuWith()), variant.identity.variant).toBeNull();
  });

  test("int4 has each format in both designs and in four dispatches, beside 16 tokens in one dispatch", () => {
    const variants = int4Experiment(environment).variants(shapes["phi3-mini-8-layers"]);
    const formatOf = (identity: object) => "weightFormat" in identity && identity.weightFormat;
    expect(variants.map(({identity, waits}) => [identity.variant, formatOf(identity), waits])).toEqual([
      ["fused-int4", "int4", false],
      ["fused-float16", "float16", false],
      ["fused-float32", "float32", false],
      ["staged-int4", "int4", false],
      ["staged-float16", "float16", false],
      ["staged-float32", "float32", false],
      ["chunked-4-int4", "int4", false],
      ["chunked-4-float16", "float16", false],
      ["chunked-4-float32", "float32", false],
      ["chunked-4-float32-awaited", "float32", false],
      ["fused-int4-16-tokens", "int4", false]
    ]);
    expect(variants.at(-1)!.identity).toMatchObject({tokensPerDispatch: 16, dispatchesPerToken: 1 / 16, workgroups: 1});
    for (const variant of variants) expect(variant.unsupported(gpuWith()), variant.identity.variant).toBeNull();
  });

  test("int4 says at all layers what one dispatch would need of a binding, and that the designs of more need less", () => {
    const variants = int4Experiment(environment).variants(shapes["phi3-mini"]);
    const reasons = Object.fromEntries(
      variants.map((variant) => [variant.identity.variant, variant.unsupported(gpuWith())])
    );
    expect(reasons["fused-float16"]).toMatch(
      /^One dispatch must see all 32 layers at once, \d+ bytes: 4 bindings of at most 2147483648 bytes .*It can use 3 here, so each would need \d+ bytes\.$/
    );
    expect(reasons["fused-float32"]).toMatch(/: 8 bindings of at most 2147483648 bytes /);
    const refused = Object.keys(reasons).filter((id) => reasons[id] !== null);
    expect(refused).toEqual(["fused-float16", "fused-float32"]);
    const small = gpuWith({maxStorageBufferBindingSize: 2 ** 28});
    expect(variants[5]!.unsupported(small)).toMatch(
      /^Phi-3-mini, 32 layers in float32 needs bindings of \d+ bytes; this device allows 268435456 /
    );
  });
});
