import {expect, test} from "vitest";
import {readResults} from "../../data/read-results.js";
import {stages} from "../decode/stages.js";
import {exampleProfile} from "./lab-fakes.js";
import {bandwidthShare, microsecondsPerCall, profileRows, readRate, withKernels} from "./profile-row.js";
import {collectResults, parseResultFile} from "./results-table.js";

const reported = collectResults(readResults()).stages.filter(({kind}) => kind === "recorded");
const there = (part: string) => reported.find((row) => row.part === part)!;

test("a report's roles are our stages, with its dispatches and its total", () => {
  expect(reported.map(({part}) => part)).toEqual([...stages, "token"]);
  expect(there("token")).toMatchObject({calls: 228, milliseconds: 20.19, by: "timestamps", verification: null});
  const sum = stages.reduce((sum, stage) => sum + there(stage).milliseconds!, 0);
  expect(sum).toBeCloseTo(20.19, 9);
  expect(there("rms_norm").calls).toBe(65);
  expect(there("rms_norm").milliseconds).toBeCloseTo(1.84);
  expect(there("rms_norm").note).toBe("addNorm1, addNorm2, rmsNorm_init there");
});

test("a report's kernels that are one stage here stand below it one by one, and add up to it", () => {
  const [sum, ...each] = withKernels(there("rms_norm"));
  expect(each.map(({label, calls, milliseconds}) => [label, calls, milliseconds])).toEqual([
    ["rms_norm: addNorm1", 32, 1.05],
    ["rms_norm: addNorm2", 32, 0.79],
    ["rms_norm: rmsNorm_init", 1, 0]
  ]);
  expect(each.reduce((total, {milliseconds}) => total + milliseconds!, 0)).toBeCloseTo(sum!.milliseconds!, 9);
  expect(each.map(({note}) => note)).toEqual([null, null, "0 by rounding"]);
  expect(withKernels(there("gate_up"))).toEqual([there("gate_up")]);
});

test("a report's shares are of the nominal bandwidth, and attention, at a position that nobody names, has none", () => {
  expect(there("gate_up").bandwidthBasis).toBe("nominal");
  expect(readRate(there("gate_up"))).toBeCloseTo(905969664 / 8.91e-3, -3);
  expect(bandwidthShare(there("gate_up"))).toBeCloseTo(0.508, 3);
  expect(microsecondsPerCall(there("gate_up"))).toBeCloseTo(8910 / 32);
  expect(bandwidthShare(there("attention"))).toBeNull();
  expect(bandwidthShare(there("embedding"))).toBeNull(); // 0.00 ms, so no rate
});

test("a profile's rows have its own bandwidth, and a row without a time says why", () => {
  const {profile, stage} = exampleProfile();
  const [row] = profileRows(profile, "h200-stages.json").filter(({part}) => part === "gate_up");
  expect(row).toMatchObject({id: "h200-stages/gate_up", milliseconds: 1, bandwidthBasis: "measured", kind: "run"});
  expect(bandwidthShare(row!)).toBeCloseTo(905969664000 / profile.roofline!.readBandwidthBytesPerSecond);
  const {variant, label, part, instrumented, arithmetic, calls, bytes, workgroups, workgroupSize, features} = stage;
  const identity = {variant, label, part, instrumented, arithmetic, calls, bytes, workgroups, workgroupSize, features};
  const discarded = {...identity, status: "discarded" as const, message: "Timestamps say nothing."};
  const [without] = profileRows({...profile, rows: [discarded]}, null);
  expect(without).toMatchObject({milliseconds: null, by: null, note: "discarded: Timestamps say nothing."});
  expect(bandwidthShare(without!)).toBeNull();
});

test("profiles on file come before those of reports, the newest first, and are in no other table", () => {
  const {profile} = exampleProfile();
  const older = parseResultFile("older.json", JSON.stringify(profile));
  const newer = parseResultFile("newer.json", JSON.stringify({...profile, date: "2026-02-04T04:05:06.789Z"}));
  const {stages, rows} = collectResults([older, ...readResults(), newer]);
  const files = [...new Set(stages.map(({sourceFile}) => sourceFile))];
  expect(files.indexOf("newer.json")).toBeLessThan(files.indexOf("older.json"));
  expect(files.indexOf("older.json")).toBeLessThan(files.indexOf("m2-pro-reported.json"));
  expect(rows.some(({sourceFile}) => sourceFile === "newer.json")).toBe(false);
});
