import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {stages} from "../decode/stages.js";
import {collectResults} from "../lab/results-table.js";
import {scheduleToken} from "../model-of-cost/layer-schedule.js";
import {ratesOf} from "../model-of-cost/token-budget.js";
import {shapes} from "../model/shape.js";
import {findRoofline, findRow} from "./recorded.js";
import {excessPerToken, growingPairs, stageExcesses} from "./stage-excess.js";

const results = collectResults(readResults());
const one = findRow(results, "h200-workgroups/fused-1");
const offered = results.devices.find(({device, runtime}) => device === one.device && runtime.startsWith("Node"))!;
const device = {...offered, subgroupMinSize: 32, subgroupMaxSize: 32};
const [alone, schedule] = (["fused", "staged"] as const).map((factoring) =>
  scheduleToken(shapes["phi3-mini"], factoring, {cores: 132, device})
);
const {readBandwidthBytesPerSecond} = findRoofline(results, one.device);
const rates = ratesOf({milliseconds: one.millisecondsPerToken!, stages: alone!}, readBandwidthBytesPerSecond);
const model = {device: one.device, shapeId: "phi3-mini", arithmetic: "int16", schedule: schedule!, rates} as const;
const excesses = stageExcesses(results, model);

describe("what a dispatch takes beyond the least", () => {
  it("has every stage, measured in Node and in Chromium, the norms of a layer and the last as one", () => {
    expect(excesses.map(({stage}) => stage)).toEqual(stages);
    for (const {measured, stage} of excesses) expect(measured.length, stage).toBe(2);
    expect(excesses[0]!.measured[0]!.ranOn).toBe(one.device);
    const norm = excesses.find(({stage}) => stage === "rms_norm")!;
    expect(norm.calls).toBe(65);
    const each = schedule!.find(({name}) => name === "rms_norm_ffn")!.bytes;
    expect(norm.geometry).toBeCloseTo((1000 * each) / rates.core);
  });

  it("is what was measured less the larger of the two limits, and adds up over a token", () => {
    const row = results.stages.find(({id}) => id === "h200-stages/gate_up-int16")!;
    const {geometry, memory, excess} = excesses.find(({stage}) => stage === "gate_up")!;
    expect(excess).toBeCloseTo((1000 * row.milliseconds!) / row.calls - Math.max(geometry, memory));
    expect(memory).toBeCloseTo((1e6 * row.bytes!) / row.calls / readBandwidthBytesPerSecond);
    const sum = results.stages
      .filter(({id, part}) => id.startsWith("h200-stages/") && id.endsWith("-int16") && part !== "token")
      .reduce((total, {milliseconds}) => total + milliseconds!, 0);
    const least = excesses.reduce((total, {least, calls}) => total + (least * calls) / 1000, 0);
    expect(excessPerToken(excesses)).toBeCloseTo(sum - least, 9);
  });

  it("grows with the work in so many pairs of stages", () => {
    const [first] = excesses;
    const of = (pairs: number[][]) => pairs.map(([least, excess]) => ({...first!, least: least!, excess: excess!}));
    expect(growingPairs(of([[0, 1], [1, 2], [2, 3]]))).toEqual({growing: 3, all: 3}); // prettier-ignore
    expect(growingPairs(of([[0, 5], [1, 5], [2, 4]]))).toEqual({growing: 0, all: 3}); // prettier-ignore
  });

  it("is nothing where a stage has no time by timestamps", () => {
    const rows = results.stages.filter(({part}) => part !== "down");
    expect(stageExcesses({stages: rows}, model)).toEqual([]);
    const wallClock = results.stages.map((row) => ({...row, by: "wall clock"}));
    expect(stageExcesses({stages: wallClock}, model)).toEqual([]);
  });
});
