import {expect, test} from "vitest";
import {costRows} from "../lab/cost-row.js";
import {exampleCost} from "../lab/lab-fakes.js";
import {largestWait} from "./cost-answer.js";

test("the wait of the most workgroups is one that was measured, and of its own kind", () => {
  const {cost, dispatches, stalled} = exampleCost();
  const wait = (variant: string, workgroups: number) => ({...dispatches, variant, workgroups});
  cost.rows = [dispatches, wait("exchange-1", 1), wait("exchange-4", 4), wait("barrier-exchange-16", 16), stalled];
  const rows = costRows(cost, null);
  expect(largestWait(rows, "exchange")?.variant).toBe("exchange-4");
  expect(largestWait(rows, "barrier-exchange")?.variant).toBe("barrier-exchange-16");
  expect(largestWait(rows, "barrier")).toBeUndefined();
});
