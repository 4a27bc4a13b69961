import {readFileSync} from "node:fs";
import {describe, expect, test} from "vitest";
import {plainGeometry} from "../../testing/kernel-builds.js";
import {layerMatrices, shapes, type Shape} from "../model/shape.js";
import {stageOperations} from "./operations.js";
import {
  activationPlaces,
  arithmetics,
  dispatchesPerToken,
  divideLayers,
  factorings,
  linkConditions,
  planToken,
  stamps,
  waitsPerToken,
  type Geometry,
  type KernelGeometry
} from "./plan.js";
import {tileGroupsBeside} from "./workgroup-memory.js";

const odd: Shape = {...shapes.tiny, id: "odd", hidden: 96, ffn: 224, vocabulary: 77, heads: 3, kvHeads: 1, headDim: 32};

describe.each([shapes.tiny, shapes["phi3-mini-1-layer"], shapes["phi3-mini"], odd])("the plan of $id", (shape) => {
  test("has one dispatch when fused, 7 a layer and 4 when staged, and 19 a layer and 4 when unfused", () => {
    expect(planToken(shape, "fused", geometry())).toHaveLength(1);
    expect(planToken(shape, "staged", geometry())).toHaveLength(7 * shape.layers + 4);
    expect(planToken(shape, "unfused", geometry())).toHaveLength(19 * shape.layers + 4);
  });

  test.each([1, 2, 3, 8, 32])("has a dispatch for each %i layers and one for the rest when chunked", (layers) => {
    const plan = planToken(shape, "chunked", geometry({layersPerDispatch: layers}));
    expect(plan).toHaveLength(dispatchesPerToken(shape, "chunked", {layersPerDispatch: layers}));
    expect(plan.length * layers).toBeGreaterThanOrEqual(shape.layers);
    expect((plan.length - 1) * layers).toBeLessThan(shape.layers);
  });

  test("has nothing but the fused dispatch, several times, when chunked", () => {
    const [fused] = planToken(shape, "fused", geometry());
    for (const dispatch of planToken(shape, "chunked", geometry())) expect(dispatch).toEqual(fused);
  });

  test.each([1, 3])("has a kernel for the layers of a dispatch that binds them alone, %i at a time", (layers) => {
    const [fused] = planToken(shape, "fused", geometry());
    const plan = planToken(shape, "chunked", geometry({layersPerDispatch: layers}), true);
    const bound = Array.from({length: Math.ceil(shape.layers / layers)}, (_, i) => ({
      first: i * layers,
      end: Math.min((i + 1) * layers, shape.layers)
    }));
    expect(plan).toEqual(bound.map((bound) => ({...fused, path: "fused_layers.wgsl", bound})));
  });

  test("has as many dispatches as are counted without it", () => {
    for (const factoring of factorings) {
      expect(planToken(shape, factoring, geometry())).toHaveLength(dispatchesPerToken(shape, factoring));
    }
  });

  test("runs the stages in the model's order, each layer's with its own weights", () => {
    const layer = ["rms_norm_attention", "qkv_rope", "attention", "o_proj", "rms_norm_ffn", "gate_up", "down"];
    const expected = [
      ["embedding", "ends"],
      ...Array.from({length: shape.layers}, (_, bound) => layer.map((stage) => [stage, bound])).flat(),
      ["rms_norm_final", "ends"],
      ["lm_head", "ends"],
      ["argmax", "ends"]
    ];
    const plan = planToken(shape, "staged", geometry());
    expect(plan.map(({path, bound}) => [path, bound])).toEqual(
      expected.map(([stage, bound]) => [`staged/${stage}.wgsl`, bound])
    );
  });

  test.each([
    {workgroupSize: 64, teamRows: 4, residualRows: 4, lanes: 32},
    {workgroupSize: 256, teamRows: 2, residualRows: 1, lanes: 4},
    {workgroupSize: 64, teamRows: 4, residualRows: 2, lanes: 128, lanesAreFixed: false}
  ])(
    "has workgroups for every row and none without a row, with %o",
    ({workgroupSize, teamRows, residualRows, ...teams}) => {
      const plan = planToken(
        shape,
        "staged",
        geometry(teams, {workgroupSize, teamRows, qkvRows: teamRows, residualRows})
      );
      const {qkv, o, gateUp, down} = layerMatrices(shape);
      const rows = {qkv_rope: qkv.rows, gate_up: gateUp.rows, lm_head: shape.vocabulary};
      const residual = {embedding: shape.hidden, o_proj: o.rows, down: down.rows};
      for (const [stage, count] of Object.entries({...rows, ...residual})) {
        const unitRows = stage in residual ? residualRows : teamRows;
        const blockRows = unitRows * Math.max(1, workgroupSize / teams.lanes);
        const {workgroups} = plan.find(({path}) => path === `staged/${stage}.wgsl`)!;
        expect(workgroups * blockRows, stage).toBeGreaterThanOrEqual(count);
        expect((workgroups - 1) * blockRows, stage).toBeLessThan(count);
      }
      expect(plan.find(({path}) => path.includes("/attention"))!.workgroups).toBe(shape.kvHeads);
      expect(plan.at(-1)!.workgroups).toBe(1);
    }
  );

  test("divides each stage into operations that stand where it stood, with its weights and its geometry", () => {
    const staged = planToken(shape, "staged", geometry());
    const unfused = planToken(shape, "unfused", geometry());
    const operations = stageOperations(shape);
    const expected = staged.flatMap(({path, bound, workgroupSize, tileGroups}) =>
      (operations[path] ?? [{path}]).map((operation) => ({path: operation.path, bound, workgroupSize, tileGroups}))
    );
    expect(
      unfused.map(({path, bound, workgroupSize, tileGroups}) => ({path, bound, workgroupSize, tileGroups}))
    ).toEqual(expected);
  });

  test.each([
    {workgroupSize: 64, teamRows: 4, residualRows: 2, lanes: 32},
    {workgroupSize: 256, teamRows: 2, residualRows: 1, lanes: 4},
    {workgroupSize: 64, teamRows: 8, residualRows: 4, lanes: 128, lanesAreFixed: false}
  ])("has workgroups for all work of an operation and none without any, with %o", (change) => {
    const {workgroupSize, teamRows, residualRows, ...teams} = change;
    const teamsTogether = Math.max(1, workgroupSize / teams.lanes);
    const rows = teams.lanesAreFixed === false ? 4 : teamRows;
    const plan = planToken(
      shape,
      "unfused",
      geometry(teams, {workgroupSize, teamRows: rows, qkvRows: 4, residualRows})
    );
    for (const {path, work} of Object.values(stageOperations(shape)).flat()) {
      const productRows = /(o|down)_product/.test(path) ? residualRows : rows;
      const together = {
        rows: productRows * teamsTogether,
        teams: teamsTogether,
        invocations: workgroupSize,
        workgroups: 1
      }[work.by];
      const {workgroups} = plan.find((dispatch) => dispatch.path === path)!;
      expect(workgroups * together, path).toBeGreaterThanOrEqual(work.count);
      expect((workgroups - 1) * together, path).toBeLessThan(work.count);
    }
  });

  test("divides the rows of every product by the rows of a team, whatever they are", () => {
    for (const {path, work} of Object.values(stageOperations(shape)).flat()) {
      if (work.by === "rows") expect(work.count % 8, path).toBe(0);
    }
  });

  test("has as many workgroups in its one dispatch as the geometry says, and waits only when they are several", () => {
    for (const workgroups of [1, 2, 132]) {
      const [dispatch] = planToken(shape, "fused", geometry({workgroups}));
      expect(dispatch).toMatchObject({
        workgroups,
        path: workgroups === 1 ? "fused.wgsl" : "fused_grid.wgsl",
        bound: "all"
      });
    }
  });

  test("keeps a tile within workgroup memory and within the input", () => {
    for (const factoring of factorings) {
      for (const arithmetic of arithmetics) {
        const here = geometry({arithmetic});
        for (const {workgroupSize, tileGroups} of planToken(shape, factoring, here)) {
          expect(tileGroups).toBeGreaterThanOrEqual(1);
          expect(tileGroups).toBeLessThanOrEqual(tileGroupsBeside(workgroupSize, shape, here));
          expect(32 * tileGroups).toBeLessThanOrEqual(Math.max(shape.hidden, shape.ffn, shape.heads * shape.headDim));
        }
      }
    }
  });
});

test("Phi-3-mini takes 228 dispatches when staged, and 612 when unfused", () => {
  expect(planToken(shapes["phi3-mini"], "staged", geometry())).toHaveLength(228);
  expect(dispatchesPerToken(shapes["phi3-mini"], "staged")).toBe(228);
  expect(dispatchesPerToken(shapes["phi3-mini"], "unfused")).toBe(612);
});

test("the layers of Phi-3-mini are divided over 4, 8, 16 and 32 dispatches", () => {
  for (const [dispatches, layersPerDispatch] of [
    [1, 32],
    [4, 8],
    [8, 4],
    [16, 2],
    [32, 1]
  ] as const) {
    expect(divideLayers(shapes["phi3-mini"], dispatches)).toBe(layersPerDispatch);
    expect(dispatchesPerToken(shapes["phi3-mini"], "chunked", {layersPerDispatch})).toBe(dispatches);
  }
});

test("layers make no more dispatches than there are layers, and only as many as groups of equal size give", () => {
  expect([1, 2, 3, 4, 5, 6].map((dispatches) => divideLayers({layers: 5}, dispatches))).toEqual([
    5,
    3,
    2,
    null,
    1,
    null
  ]);
});

test.each([
  [{layersPerDispatch: 0}, "a dispatch of 0 layers: it takes a positive integer"],
  [{layersPerDispatch: 1.5}, "a dispatch of 1.5 layers: it takes a positive integer"],
  [{workgroups: 2}, "layers are divided over dispatches of one workgroup only"]
])("a division of the layers that cannot be is refused: %o", (change, message) => {
  expect(() => planToken(shapes.tiny, "chunked", geometry(change))).toThrow(message);
});

test.each(factorings)("%s without room for activations is an error with the limit's name and value", (factoring) => {
  expect(() => planToken(shapes.tiny, factoring, geometry({workgroupStorage: 2048}, {workgroupSize: 1024}))).toThrow(
    /workgroup of 1024 .* 2048 bytes .*maxComputeWorkgroupStorageSize/
  );
});

test.each([
  [{lanes: 128}, {workgroupSize: 64}, "a workgroup of 64 is smaller than a subgroup or a band of attention, 128"],
  [{lanes: 8}, {workgroupSize: 16}, "a workgroup of 16 is smaller than a subgroup or a band of attention, 32"],
  [{}, {workgroupSize: 96}, "embedding: a workgroup of 96 is no power of two, as its reductions by halves need"],
  [{}, {teamRows: 1}, "gate_up: 1 rows a team are not one of 2, 4, 8"],
  [{}, {qkvRows: 3}, "embedding: 3 rows of queries, keys and values are not one of 2, 4, 6, 8"],
  [{lanes: 4}, {qkvRows: 6}, "embedding: 8 rows are more than a team of 4 has lanes"],
  [{}, {teamRows: 3}, "embedding: 3 rows a team are not one of 1, 2, 4, 8"],
  [{lanes: 4}, {teamRows: 8}, "embedding: 8 rows are more than a team of 4 has lanes"],
  [{lanes: 64, lanesAreFixed: false}, {residualRows: 8}, "embedding: 8 rows are more than a team of 4 has lanes"],
  [{}, {residualRows: 3}, "embedding: 3 rows of the residual are not one of 1, 2, 4, 8"]
])("a geometry that the kernels cannot run is refused: %o, %o", (teams, kernel, message) => {
  expect(() => planToken(shapes.tiny, "staged", geometry(teams, kernel))).toThrow(message);
});

test("several workgroups refuse as many layers as give the best logits of two tokens one stamp, and one takes them", () => {
  const activations = readFileSync(new URL("../../../kernels/lib/activations.wgsl", import.meta.url), "utf8");
  expect(activations).toContain(`return 1u + exchange % ${stamps}u;`);
  const plan = (layers: number, workgroups: number) =>
    planToken({...shapes.tiny, layers}, "fused", geometry({workgroups}));
  for (const layers of [254, 509]) {
    expect(() => plan(layers, 2)).toThrow(
      `several workgroups of one dispatch cannot decode ${layers} layers: ${layers} + 1 is a multiple of 255`
    );
    expect(plan(layers, 1)).toHaveLength(1);
  }
  for (const layers of [253, 255]) expect(plan(layers, 2)).toHaveLength(1);
});

test("only the fused kernel is told how its weights are split, and only several workgroups to wait", () => {
  expect(linkConditions("chunked", geometry(), 2)).toEqual(linkConditions("fused", geometry(), 2));
  expect([1, 2, 3].map((slots) => linkConditions("fused", geometry(), slots))).toEqual([
    ["ends"],
    ["ends", "slots_2"],
    ["ends", "slots_3"]
  ]);
  expect(linkConditions("fused", geometry({workgroups: 2}), 1)).toEqual(["ends", "grid"]);
  expect(linkConditions("staged", geometry({workgroups: 2}), 3)).toEqual([]);
  expect(linkConditions("unfused", geometry({workgroups: 2}), 3)).toEqual([]);
});

test("several tokens in a dispatch of one workgroup have a kernel of their own, and groups of layers have not", () => {
  const several = geometry({tokensPerDispatch: 16});
  expect(planToken(shapes.tiny, "fused", several)).toMatchObject([{path: "fused_tokens.wgsl", workgroups: 1}]);
  expect(planToken(shapes.tiny, "fused", {...several, workgroups: 2})).toMatchObject([{path: "fused_grid.wgsl"}]);
  expect(new Set(planToken(shapes.tiny, "chunked", several).map(({path}) => path))).toEqual(new Set(["fused.wgsl"]));
});

describe.each(["float16", "float32"] as const)("weights in %s", (format) => {
  test.each(factorings)("are a condition of the kernels of %s", (factoring) => {
    const int4 = linkConditions(factoring, geometry(), 1);
    const floats = linkConditions(factoring, geometry(), 1, format);
    expect([...floats].sort()).toEqual([...int4, `${format}_weights`].sort());
  });

  test.each([
    ["in 16-bit integers", {arithmetic: "int16"}, `weights in ${format} are multiplied only in float32`],
    ["by workgroups that wait", {workgroups: 2}, "in one dispatch only by one workgroup"],
    ["with kernel options", {options: {alone: "each word"}}, `weights in ${format} have no kernel options`]
  ] as const)("are not multiplied %s", (_how, change, message) => {
    expect(() => linkConditions("fused", geometry(change), 1, format)).toThrow(message);
  });
});

test("every factoring's kernels are linked for the features and the arithmetic", () => {
  for (const factoring of factorings) {
    const conditions = linkConditions(factoring, geometry({features: ["subgroups"], arithmetic: "int16"}), 1);
    expect(conditions).toEqual(expect.arrayContaining(["subgroups", "packed"]));
  }
});

test("activations in registers take no workgroup memory, in a kernel of its own", () => {
  const conditions = activationPlaces.map((activationsIn) => linkConditions("fused", inRegisters({activationsIn}), 1));
  expect(conditions).toEqual([
    ["subgroups", "ends", "grid"],
    ["subgroups", "ends", "grid", "registers"]
  ]);
  expect(planToken(shapes.tiny, "fused", inRegisters())).toMatchObject([{path: "fused_grid.wgsl", tileGroups: 0}]);
});

test.each([
  {factoring: "staged" as const, change: {}},
  {factoring: "fused" as const, change: {workgroups: 1}},
  {factoring: "fused" as const, change: {features: []}}
])("activations in registers are refused where no kernel is linked for that: $factoring, $change", (one) => {
  expect(() => planToken(shapes.tiny, one.factoring, inRegisters(one.change))).toThrow(
    "activations are in registers only in one dispatch of several workgroups with subgroups"
  );
});

test("16-bit activations take less of workgroup memory than floats", () => {
  const [float32, int16] = arithmetics.map((arithmetic) =>
    tileGroupsBeside(256, shapes["phi3-mini"], geometry({arithmetic}))
  );
  expect(int16!).toBeGreaterThan(float32!);
});

function inRegisters(change: Partial<Geometry> = {}): Geometry {
  return geometry({activationsIn: "registers", features: ["subgroups"], workgroups: 2, ...change});
}

function geometry(change: Partial<Geometry> = {}, kernel: Partial<KernelGeometry> = {}): Geometry {
  const geometry = plainGeometry(change);
  const kernels = Object.entries(geometry.kernels).map(([name, plain]) => [name, {...plain, ...kernel}]);
  return {...geometry, kernels: Object.fromEntries(kernels) as Geometry["kernels"]};
}

test("one dispatch of several workgroups waits as often as its kernel takes what the others made", () => {
  const kernel = readFileSync(new URL("../../../kernels/fused_grid.wgsl", import.meta.url), "utf8");
  const [, ofLayer, ofEnd] = /\n {4}for \(var layer = .*?\n(.*?)\n {4}\}\n(.*)/s.exec(kernel)!;
  const takers = (source: string) => Array.from(source.matchAll(/\b(\w+)\([^;]*?, stamp\b/g), ([, stage]) => stage);
  const [layer, end] = [takers(ofLayer!), takers(ofEnd!)];
  expect(layer).toEqual(["qkv_rope", "attention", "o_proj", "gate_up", "down"]);
  expect(end).toHaveLength(2);
  expect(waitsPerToken({layers: 32})).toBe(32 * layer.length + end.length);
});
