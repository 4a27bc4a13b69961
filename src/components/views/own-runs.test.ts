import {expect, it} from "vitest";
import {exampleCost, exampleProfile, exampleRun} from "../lab/lab-fakes.js";
import {profileTotals} from "../lab/profile-record.js";
import type {AnyRecord} from "../lab/run-experiment.js";
import {ownRuns} from "./own-runs.js";

class FakeStorage {
  items = new Map<string, string>();
  getItem(key: string) {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string) {
    this.items.set(key, value);
  }
  removeItem(key: string) {
    this.items.delete(key);
  }
}

const {run, fused, staged} = exampleRun();
const later = {...run, date: "2026-11-20T12:00:00.000Z", experiment: "workgroups"};
const earlier = {...run, date: "2026-11-19T12:00:00.000Z"};

it("remembers the last run of each experiment, the newest first, until the reader forgets them", () => {
  const storage = new FakeStorage();
  const runs = ownRuns(() => storage);
  expect(runs.all()).toEqual([]);
  for (const record of [{...earlier, date: "2026-11-18T12:00:00.000Z"}, later, earlier]) runs.remember(record);
  expect(ownRuns(() => storage).all()).toEqual([later, earlier]);
  runs.forget();
  expect(ownRuns(() => storage).all()).toEqual([]);
  expect([...storage.items]).toEqual([]);
});

it.each(["", "rubbish", "null", "[1]", '"a"', '{"a": 1}', '{"a": {"kind": "run"}}'])(
  "takes %s in storage for nothing, and writes over it",
  (text) => {
    const storage = new FakeStorage();
    ownRuns(() => storage).remember(later);
    const [key] = storage.items.keys();
    storage.setItem(key!, text);
    expect(ownRuns(() => storage).all()).toEqual([]);
    ownRuns(() => storage).remember(earlier);
    expect(ownRuns(() => storage).all()).toEqual([earlier]);
  }
);

it("keeps what is a record beside what is none", () => {
  const storage = new FakeStorage();
  ownRuns(() => storage).remember(later);
  const [[key, text]] = [...storage.items] as [[string, string]];
  storage.setItem(key, JSON.stringify({...JSON.parse(text), other: {...earlier, rows: []}}));
  expect(ownRuns(() => storage).all()).toEqual([later]);
});

it("remembers nothing, and says nothing, where storage is denied or full", () => {
  const denied = ownRuns(() => {
    throw new Error("denied");
  });
  denied.remember(later);
  denied.forget();
  expect(denied.all()).toEqual([]);
  const full = new FakeStorage();
  full.setItem = () => {
    throw new Error("full");
  };
  ownRuns(() => full).remember(later);
  expect(ownRuns(() => full).all()).toEqual([]);
});

it("remembers what is no decoding, once an experiment where it has no shape", () => {
  const storage = new FakeStorage();
  const {cost} = exampleCost();
  for (const date of ["2026-11-18T12:00:00.000Z", "2026-11-21T12:00:00.000Z"])
    ownRuns(() => storage).remember({...cost, date});
  ownRuns(() => storage).remember(later);
  expect(
    ownRuns(() => storage)
      .all()
      .map(({experiment, date}) => [experiment, date])
  ).toEqual([
    [cost.experiment, "2026-11-21T12:00:00.000Z"],
    ["workgroups", later.date]
  ]);
});

it("keeps the last run that has both designs when a run of one follows it, for one workgroup and for several", () => {
  const storage = new FakeStorage();
  const at = (day: number) => ({...run, date: `2026-11-${day}T12:00:00.000Z`});
  const several = {...fused, variant: "fused-4", workgroups: 4};
  for (const record of [
    {...at(10), rows: [fused, staged]},
    {...at(11), rows: [several, staged]},
    {...at(12), rows: [fused]},
    {...at(13), rows: [staged]}
  ])
    ownRuns(() => storage).remember(record);
  const kept = ownRuns(() => storage).all();
  expect(kept.map(({date}) => date)).toEqual([13, 11, 10].map((day) => at(day).date));
});

it("keeps a run of fewer variants beside the one before it that has more, until a run has all of them again", () => {
  const storage = new FakeStorage();
  const kept = () =>
    ownRuns(() => storage)
      .all()
      .map(({date}) => new Date(date).getUTCDate());
  const {cost, dispatches} = exampleCost();
  const exchange = {...dispatches, variant: "exchange-8", operation: "exchange" as const, workgroups: 8};
  const {profile, stage} = exampleProfile();
  const at = (day: number) => ({date: `2026-11-${day}T12:00:00.000Z`});
  const remember = (record: AnyRecord) => ownRuns(() => storage).remember(record);
  remember({...cost, ...at(10), rows: [dispatches, exchange]});
  remember({...cost, ...at(11), rows: [exchange]});
  remember({...cost, ...at(12), rows: [dispatches]});
  expect(kept()).toEqual([12, 11, 10]);
  remember({...cost, ...at(13), rows: [dispatches]});
  expect(kept()).toEqual([13, 11, 10]);
  remember({...cost, ...at(14), rows: [dispatches, exchange]});
  expect(kept()).toEqual([14]);
  remember({...profile, ...at(15)});
  remember({...profile, ...at(16), totals: profileTotals([stage]), rows: [stage]});
  expect(kept()).toEqual([16, 15, 14]);
  remember({...profile, ...at(17)});
  expect(kept()).toEqual([17, 14]);
});
