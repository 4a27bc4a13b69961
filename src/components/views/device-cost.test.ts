import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {waitsPerToken} from "../decode/plan.js";
import {stages as stageNames} from "../decode/stages.js";
import {collectResults} from "../lab/results-table.js";
import {costOf, errorOf} from "../model-of-cost/cost-fit.js";
import {scheduleToken, tokenDuration} from "../model-of-cost/layer-schedule.js";
import {shapes} from "../model/shape.js";
import {deviceCosts, gains, type CostPlan} from "./device-cost.js";
import {predict} from "./predictions.js";
import {findRoofline, findRow} from "./recorded.js";

const results = collectResults(readResults());
const one = findRow(results, "h200-workgroups/fused-1");
const shape = shapes["phi3-mini"];
const device = results.devices.find(({device, runtime}) => device === one.device && runtime.startsWith("Node"))!;

const schedule: CostPlan["schedule"] = (factoring, workgroups = 1) =>
  scheduleToken(shape, factoring, {cores: 132, workgroups, device});
const plan: CostPlan = {device: one.device, shapeId: "phi3-mini", schedule, waits: waitsPerToken(shape)};
const costs = deviceCosts(results, plan);
const [node] = costs;

describe("what decoding costs on a device", () => {
  it("is known of every runtime that has the records, Node's first, with the files they are from", () => {
    expect(costs.map(({ranOn}) => ranOn)).toEqual([one.device, `${one.device} in Chromium 156`]);
    for (const file of ["h200-workgroups", "h200-dispatch-cost", "h200-stages", "h200-sweep"])
      expect(node!.sourceFiles).toContain(`${file}.json`);
    expect(deviceCosts({...results, costs: []}, plan)).toEqual([]);
    expect(deviceCosts({...results, stages: []}, plan)).toEqual([]);
    const noCurve = results.rows.filter(({id}) => !/workgroups\/fused-(4|8|12|16|32|64)$/.test(id));
    expect(deviceCosts({...results, rows: noCurve}, plan)).toEqual([]);
  });

  it("divides the measured token of each design into parts that add up to it", () => {
    const [staged, fused, unfused] = node!.budgets;
    expect(node!.budgets.map(({design, boundaryCount}) => [design, boundaryCount])).toEqual([
      ["staged", 228],
      ["fused", 162],
      ["unfused", 612]
    ]);
    for (const {whole, cores, memory, slower, boundaries, rest} of costs.flatMap(({budgets}) => budgets))
      expect(cores + memory + slower + boundaries + rest).toBeCloseTo(whole, 9);
    expect(staged!.whole).toBe(findRow(results, "h200-workgroups/staged").millisecondsPerToken);
    expect(staged!.cores).toBeCloseTo(
      (one.millisecondsPerToken! * tokenDuration(schedule("staged"))) / tokenDuration(schedule("fused"))
    );
    expect(fused!.boundaries).toBeCloseTo(162 * node!.workgroups.model.boundary, 9);
    expect(unfused!.model).toEqual(staged!.model);
  });

  it("divides what one design wins over another into what each part contributes, most first", () => {
    const [staged, fused] = node!.budgets;
    const parts = gains(staged!, fused!);
    expect(parts.reduce((sum, {milliseconds}) => sum + milliseconds, 0)).toBeCloseTo(staged!.whole - fused!.whole, 9);
    expect(parts.reduce((sum, {share}) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(parts.map(({milliseconds}) => milliseconds)).toEqual(
      parts.map(({milliseconds}) => milliseconds).toSorted((a, b) => b - a)
    );
  });
});

describe("one dispatch of several workgroups", () => {
  const {alone, times, model} = node!.workgroups;

  it("is fitted to the counts up to a quarter of the most, and the others are predicted", () => {
    expect(alone).toBe(one.millisecondsPerToken);
    expect(times.map(({workgroups, fitted}) => [workgroups, fitted])).toEqual([
      ...[2, 4, 8, 12, 16, 32].map((count) => [count, true]),
      ...[64, 128, 132].map((count) => [count, false])
    ]);
    for (const time of times) expect(Math.abs(errorOf(time, model))).toBeLessThan(time.fitted ? 0.01 : 0.1);
  });

  it("takes less, the more there are, and no less than all its waits", () => {
    const least = times.map((time) => time.least);
    expect(least).toEqual(least.toSorted((a, b) => b - a));
    for (const time of times) expect(costOf(time, model)).toBeGreaterThan(162 * model.boundary);
  });
});

describe("a dispatch of each stage", () => {
  const {times} = node!.stages;

  it("has every stage, the norms of a layer and the last as one", () => {
    expect(times.map(({stage}) => stage)).toEqual(stageNames);
    const norm = times.find(({stage}) => stage === "rms_norm")!;
    expect(norm.calls).toBe(65);
    const each = schedule("staged").find(({name}) => name === "rms_norm_ffn")!.bytes;
    expect(norm.geometry).toBeCloseTo(each / node!.workgroups.rates.core);
  });

  it("takes at least its busiest core or its bytes, and what was measured", () => {
    const row = results.stages.find(({id}) => id === "h200-stages/gate_up-int16")!;
    const {geometry, memory, least, milliseconds} = times.find(({stage}) => stage === "gate_up")!;
    expect(least).toBe(Math.max(geometry, memory));
    expect(milliseconds).toBeCloseTo(row.milliseconds! / row.calls);
    const {readBandwidthBytesPerSecond} = findRoofline(results, one.device);
    expect(memory).toBeCloseTo((1000 * row.bytes!) / row.calls / readBandwidthBytesPerSecond);
  });

  it("is nothing where a stage has no time by timestamps", () => {
    const rows = results.stages.filter(({part}) => part !== "down");
    expect(deviceCosts({...results, stages: rows}, plan)).toEqual([]);
    const wallClock = results.stages.map((row) => ({...row, by: "wall clock"}));
    expect(deviceCosts({...results, stages: wallClock}, plan)).toEqual([]);
  });
});

it("predicts a token from one workgroup in its arithmetic and the numbers of its design", () => {
  const row = findRow(results, "h200-workgroups/fused-resident-float32");
  const {readBandwidthBytesPerSecond: readBandwidth} = findRoofline(results, one.device);
  const alone = {row: findRow(results, "h200-chunks/fused"), stages: schedule("fused")};
  const terms = {what: "", row, alone, stages: schedule("fused", 132), boundaries: 162, readBandwidth};
  const {predicted, measured, error} = predict({...terms, model: node!.workgroups.model});
  expect(measured).toBe(row.millisecondsPerToken);
  expect(error).toBeCloseTo(predicted / measured - 1);
  expect(Math.abs(error)).toBeLessThan(0.1);
  expect(predict({...terms, model: {slowdown: 2, boundary: 0.002}}).predicted).toBeGreaterThan(predicted);
});
