import {expect, test} from "vitest";
import {costRows} from "../lab/cost-row.js";
import {exampleCost} from "../lab/lab-fakes.js";
import {largestWaits} from "./cost-answer.js";

test("the waits of the most workgroups are two that were measured, of their own kind, and of more than one workgroup", () => {
  const {cost, dispatches, stalled} = exampleCost();
  const wait = (variant: string, workgroups: number) => ({...dispatches, variant, workgroups});
  cost.rows = [
    dispatches,
    wait("exchange-4", 4),
    wait("exchange-1", 1),
    wait("exchange-2", 2),
    wait("barrier-exchange-16", 16),
    stalled
  ];
  const rows = costRows(cost, null);
  const variants = (kind: string) => largestWaits(rows, kind).map(({variant}) => variant);
  expect(variants("exchange")).toEqual(["exchange-2", "exchange-4"]);
  expect(variants("barrier-exchange")).toEqual(["barrier-exchange-16"]);
  cost.rows = [dispatches, wait("exchange-1", 1)];
  expect(largestWaits(costRows(cost, null), "exchange")).toEqual([]);
  expect(variants("barrier")).toEqual([]);
});
