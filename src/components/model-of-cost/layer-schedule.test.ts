import {readFileSync} from "node:fs";
import {describe, expect, test} from "vitest";
import {dispatchesPerToken, waitsPerToken} from "../decode/plan.js";
import {shapes, weightBytesPerToken} from "../model/shape.js";
import {stageOf} from "../decode/stages.js";
import {profileSchema} from "../lab/profile-record.js";
import {busyShare, durationOf, layerDuration, planOn, scheduleLayer} from "./layer-schedule.js";
import {bytesFromMemory, scheduleToken, tokenDuration} from "./layer-schedule.js";

const shape = shapes["phi3-mini"];
const one = scheduleLayer(shape, "fused", {cores: 19});
const staged = scheduleLayer(shape, "staged", {cores: 19});
const all = scheduleLayer(shape, "fused", {cores: 19, workgroups: 19});

describe.each([
  {schedule: one, cores: 19},
  {schedule: staged, cores: 19},
  {schedule: all, cores: 19},
  {schedule: scheduleLayer(shape, "staged", {cores: 132}), cores: 132},
  {schedule: scheduleLayer(shape, "chunked", {cores: 19}), cores: 19},
  {schedule: scheduleLayer(shape, "unfused", {cores: 19}), cores: 19},
  {schedule: scheduleLayer(shapes.tiny, "staged", {cores: 132}), cores: 132}
])("the schedule $schedule.factoring, $schedule.workgroups on $cores cores", ({schedule, cores}) => {
  test("reads every byte of a stage once, on no more cores than there are", () => {
    for (const {rounds, bytes} of schedule.stages) {
      expect(rounds.reduce((sum, {cores, duration}) => sum + cores * duration, 0)).toBeCloseTo(bytes, 0);
      for (const round of rounds) expect(round.cores).toBeLessThanOrEqual(cores);
    }
  });

  test("keeps a share of the cores busy", () => {
    expect(busyShare(schedule, cores)).toBeGreaterThan(0);
    expect(busyShare(schedule, cores)).toBeLessThanOrEqual(1);
  });
});

test("one workgroup takes as long as all bytes of the layer, on one core", () => {
  const layer = weightBytesPerToken(shape) - weightBytesPerToken({...shape, layers: 31});
  const read = one.stages
    .filter(({name}) => /qkv|o_proj|gate_up|down/.test(name))
    .reduce((sum, {bytes}) => sum + bytes, 0);
  expect(read).toBe(layer);
  expect(layerDuration(one)).toBe(one.stages.reduce((sum, {bytes}) => sum + bytes, 0));
  expect(busyShare(one, 19)).toBeCloseTo(1 / 19);
});

test("a dispatch for each stage has the seven stages of a layer, in the order they are launched", () => {
  const names = staged.stages.map(({name}) => name);
  expect(names).toEqual(["rms_norm_attention", "qkv_rope", "attention", "o_proj", "rms_norm_ffn", "gate_up", "down"]);
  expect(shape.layers * names.length + 4).toBe(dispatchesPerToken(shape, "staged"));
});

test("a dispatch whose workgroups do not divide by the cores ends with a round that leaves some idle", () => {
  const {pieces, bytes, rounds} = staged.stages.find(({name}) => name === "gate_up")!;
  expect(pieces % 19).toBeGreaterThan(0);
  expect(rounds).toEqual([
    {cores: 19, duration: (Math.floor(pieces / 19) * bytes) / pieces},
    {cores: pieces % 19, duration: bytes / pieces}
  ]);
});

test("several workgroups deal out heads and rows, and each norms the whole residual for itself", () => {
  expect(all.stages.map(({name}) => name)).toEqual(one.stages.map(({name}) => name));
  expect(all.stages[2]).toMatchObject({pieces: shape.kvHeads, rounds: [{cores: 19}, {cores: shape.kvHeads - 19}]});
  const shared = all.stages.filter(({repeated}) => !repeated);
  expect(shared).toHaveLength(waitsPerToken({layers: 1}) - waitsPerToken({layers: 0}));
  for (const [i, stage] of all.stages.entries()) {
    const alone = one.stages[i]!;
    const times = /^rms_norm/.test(stage.name) ? 19 : 1;
    expect(stage.repeated, stage.name).toBe(times > 1);
    expect(stage.bytes, stage.name).toBe(times * alone.bytes);
    if (stage.repeated) expect(stage.rounds).toEqual([{cores: 19, duration: durationOf(alone)}]);
  }
  for (const {stages} of [one, staged]) expect(stages.some(({repeated}) => repeated)).toBe(false);
});

test.each(["staged", "unfused"] as const)(
  "a token of %s has a stage for each dispatch, the ends included",
  (factoring) => {
    const stages = scheduleToken(shape, factoring, {cores: 19});
    expect(stages.reduce((sum, {calls}) => sum + calls, 0)).toBe(dispatchesPerToken(shape, factoring));
    expect(stages[0]!.name).toBe("embedding");
    expect(stages.slice(-3).map(({name}) => name)).toEqual(["rms_norm_final", "lm_head", "argmax"]);
    const layer = shape.layers * layerDuration(scheduleLayer(shape, factoring, {cores: 19}));
    const head = durationOf(stages.at(-2)!);
    expect(tokenDuration(stages) / (layer + head)).toBeCloseTo(1, 3);
  }
);

test.each([1, 19])("a token in one dispatch of %i workgroups reads each weight once from memory", (workgroups) => {
  const stages = scheduleToken(shape, "fused", {cores: 19, workgroups});
  const matrices = stages.filter(({name}) => /qkv|o_proj|gate_up|down|lm_head/.test(name));
  const read = matrices.reduce((sum, stage) => sum + stage.calls * bytesFromMemory(stage), 0);
  expect(read).toBe(weightBytesPerToken(shape));
  const norm = stages.find(({name}) => name === "rms_norm_final")!;
  expect(bytesFromMemory(norm)).toBe(norm.bytes / workgroups);
  expect(bytesFromMemory(norm)).toBe(bytesFromMemory(scheduleToken(shape, "staged", {cores: 19}).at(-3)!));
});

test("attention takes longer the further it looks back", () => {
  const [near, far] = [16, 256].map((position) =>
    durationOf(scheduleLayer(shape, "staged", {cores: 19, position}).stages.find(({name}) => name === "attention")!)
  );
  expect(far! / near!).toBeCloseTo(16);
});

test("a chunk of layers has the schedule of one dispatch, and ends it with a layer", () => {
  const chunked = scheduleLayer(shape, "chunked", {cores: 19});
  expect(chunked.stages).toEqual(one.stages);
  expect([one, all, chunked, staged].map(({dispatch}) => dispatch)).toEqual(["token", "token", "layer", "stage"]);
});

test("a dispatch for each operation has the bytes of the stages, and those that go through memory on top", () => {
  const {stages} = scheduleLayer(shape, "unfused", {cores: 19});
  expect(shape.layers * stages.length + 4).toBe(dispatchesPerToken(shape, "unfused"));
  const bytes = (names: RegExp, of: typeof stages) =>
    of.filter(({name}) => names.test(name)).reduce((sum, {bytes}) => sum + bytes, 0);
  expect(bytes(/_product$/, stages)).toBe(bytes(/qkv|o_proj|gate_up|down/, staged.stages));
  expect(bytes(/^(scores|weigh_values)$/, stages)).toBe(bytes(/^attention$/, staged.stages));
  for (const {name, bytes} of stages) expect(bytes, name).toBeGreaterThan(0);
});

test("scores of positions yet to come are no work", () => {
  const scores = (position: number) =>
    scheduleLayer(shape, "unfused", {cores: 19, position}).stages.find(({name}) => name === "scores")!.pieces;
  expect(scores(256)).toBe(2 * scores(128));
});

test("the plan on the H200, by what its record says of it, has the workgroups that were measured there", () => {
  const file = new URL("../../../results/h200-stages.json", import.meta.url);
  const {device, rows} = profileSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const plan = planOn(device, shape, "staged");
  for (const {part, workgroups, workgroupSize} of rows.filter(({arithmetic}) => arithmetic === "int16")) {
    if (part === "token") continue;
    expect(
      plan.find(({path}) => stageOf(path) === part),
      part
    ).toMatchObject({workgroups, workgroupSize});
  }
  expect(device.features).toContain("packed_4x8_integer_dot_product");
});
