import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {waitsPerToken, type Factoring} from "../decode/plan.js";
import {collectResults} from "../lab/results-table.js";
import {scheduleToken, tokenDuration} from "../model-of-cost/layer-schedule.js";
import {shapes} from "../model/shape.js";
import {gains, tokenBudgets} from "./budget-table.js";
import {findRow} from "./recorded.js";

const results = collectResults(readResults());
const one = findRow(results, "h200-workgroups/fused-1");
const shape = shapes["phi3-mini"];
const offered = results.devices.find(({device, runtime}) => device === one.device && runtime.startsWith("Node"))!;
const device = {...offered, subgroupMinSize: 32, subgroupMaxSize: 32};
const schedule = (factoring: Factoring, workgroups = 1) =>
  scheduleToken(shape, factoring, {cores: 132, workgroups, device});
const schedules = {
  ...{one: schedule("fused"), staged: schedule("staged")},
  ...{fused: schedule("fused", 132), unfused: schedule("unfused")}
};
const model = {device: one.device, shapeId: "phi3-mini", schedules, waits: waitsPerToken(shape)};
const budgets = tokenBudgets(results, model);
const [staged, fused, unfused] = budgets;

describe("where the time of a token goes", () => {
  it("adds up to the measured token in every runtime, Node's first", () => {
    expect(budgets.map(({design}) => design).slice(0, 2)).toEqual(["staged", "fused"]);
    expect(unfused).toMatchObject({design: "unfused", ranOn: one.device, count: 612, boundaryCount: 612});
    expect(staged!.ranOn).toBe(one.device);
    for (const {whole, cores, memory, boundaries, rest} of budgets)
      expect(cores + memory + boundaries + rest).toBeCloseTo(whole, 9);
    expect(staged!.whole).toBe(findRow(results, "h200-workgroups/staged").millisecondsPerToken);
    expect(staged!.cores).toBeCloseTo(
      (one.millisecondsPerToken! * tokenDuration(schedules.staged)) / tokenDuration(schedules.one)
    );
    expect(unfused!.sourceFiles).toEqual(["h200-sweep.json", "h200-dispatch-cost.json", staged!.sourceFiles[2]]);
  });

  it("has another estimate of launching from a profile of the same runtime, and none of waits", () => {
    expect(staged!.boundariesByProfile).toBeGreaterThan(0);
    expect(fused!.boundariesByProfile).toBeNull();
    const without = tokenBudgets({...results, stages: []}, model);
    expect(without.map(({boundariesByProfile}) => boundariesByProfile)).toEqual(without.map(() => null));
    const wallClock = results.stages.map((row) => ({...row, by: "wall clock"}));
    expect(tokenBudgets({...results, stages: wallClock}, model)[0]!.boundariesByProfile).toBeNull();
  });

  it("divides what one design wins over another into what each part contributes, most first", () => {
    const parts = gains(staged!, fused!);
    expect(parts.reduce((sum, {milliseconds}) => sum + milliseconds, 0)).toBeCloseTo(staged!.whole - fused!.whole, 9);
    expect(parts.reduce((sum, {share}) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(parts[0]!.milliseconds).toBeGreaterThanOrEqual(parts[1]!.milliseconds);
  });

  it("names the files of its figures", () => {
    expect(staged!.sourceFiles).toEqual(
      expect.arrayContaining(["h200-workgroups.json", "h200-dispatch-cost.json", "h200-stages.json"])
    );
    expect(fused!.sourceFiles).not.toContain("h200-stages.json");
  });

  it("leaves out a runtime whose costs nobody measured", () => {
    expect(tokenBudgets({...results, costs: []}, model)).toEqual([]);
  });
});
