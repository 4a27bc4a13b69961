import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {collectResults} from "../lab/results-table.js";
import {tokenBudgets} from "./budget-table.js";
import {findRow} from "./recorded.js";

const results = collectResults(readResults());
const one = findRow(results, "h200-workgroups/fused-1");
const model = {device: one.device, shapeId: "phi3-mini", stagedByGeometry: 90, fusedByGeometry: 110, waits: 162};
const budgets = tokenBudgets(results, model);
const [staged, fused] = budgets;

describe("where the time of a token goes", () => {
  it("adds up to the measured token in every runtime, Node's first", () => {
    expect(budgets.map(({design}) => design).slice(0, 2)).toEqual(["staged", "fused"]);
    expect(staged!.ranOn).toBe(one.device);
    for (const {whole, cores, memory, boundaries, rest} of budgets)
      expect(cores + memory + boundaries + rest).toBeCloseTo(whole, 9);
    expect(staged!.whole).toBe(findRow(results, "h200-workgroups/staged").millisecondsPerToken);
    expect(staged!.cores).toBeCloseTo(one.millisecondsPerToken! / 90);
  });

  it("has another estimate of launching from a profile of the same runtime, and none of waits", () => {
    expect(staged!.boundariesByProfile).toBeGreaterThan(0);
    expect(fused!.boundariesByProfile).toBeNull();
    const without = tokenBudgets({...results, stages: []}, model);
    expect(without.map(({boundariesByProfile}) => boundariesByProfile)).toEqual(without.map(() => null));
    const wallClock = results.stages.map((row) => ({...row, by: "wall clock"}));
    expect(tokenBudgets({...results, stages: wallClock}, model)[0]!.boundariesByProfile).toBeNull();
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
