import {describe, expect, it, test} from "vitest";
import {readResults} from "../../data/read-results.js";
import {exampleProfile} from "../lab/lab-fakes.js";
import {collectResults} from "../lab/results-table.js";
import {layerDispatches, layerSegments, wrap} from "./layer-bar.js";
import {finding} from "./profile-answer.js";
import {ownSeries, profileSeries, seriesName} from "./profile-series.js";

const reported = collectResults(readResults()).stages.filter(({kind}) => kind === "recorded");
const [m2Pro] = profileSeries(reported, () => 23.8);
const {profile} = exampleProfile();
const [own] = ownSeries(profile);

describe("profileSeries", () => {
  it("has the stages of a report, their sum, and the wall clock's time that the report has elsewhere", () => {
    expect(m2Pro).toMatchObject({name: "Apple M2 Pro", meaning: "recorded", arithmetic: null, token: null, wall: 23.8});
    expect(m2Pro!.sum).toBeCloseTo(20.19, 9);
    expect(seriesName(m2Pro!)).toBe("Apple M2 Pro");
  });

  it("has the reader's own run with both times of a whole token, and the name of a smaller shape", () => {
    expect(own).toMatchObject({meaning: "yours", arithmetic: "float32", sum: 9, wall: 8, part: null});
    expect(own!.token!.milliseconds).toBe(7);
    const tiny = {...profile, shape: {...profile.shape, id: "tiny"}};
    expect(seriesName(ownSeries(tiny)[0]!)).toBe("Yours, NVIDIA H200, float32, Tiny, 2 layers of 192");
  });

  it("has no sum where a stage has no time, and nothing without a time of any", () => {
    const rows = profile.rows.filter(({part}) => part !== "down");
    expect(ownSeries({...profile, rows})[0]).toMatchObject({sum: null, token: {milliseconds: 7}});
    expect(ownSeries({...profile, rows: profile.rows.filter(({part}) => part === "token")})).toEqual([]);
    expect(ownSeries(null)).toEqual([]);
  });
});

describe("finding", () => {
  it("is what the four matrices and the largest stage take, and what is beside all stages", () => {
    const found = finding(m2Pro!)!;
    expect(found.matrices).toBeCloseTo((8.91 + 3.93 + 3.28 + 1.57) / 20.19);
    expect([found.largest, found.largestPart]).toEqual(["gate_up", expect.closeTo(8.91 / 20.19)]);
    expect(found.elsewhere).toBeCloseTo(3.61);
    expect(finding(own!)).toMatchObject({matrices: 4 / 9, elsewhere: -1});
    expect(finding({...own!, sum: null})).toBeNull();
  });
});

describe("layerSegments", () => {
  it("divides a layer by the time of its seven dispatches", () => {
    const segments = layerSegments(m2Pro!);
    expect(segments.map(({stage}) => stage)).toEqual(layerDispatches);
    expect(segments[0]!.from).toBe(0);
    expect(segments.at(-1)!.to).toBeCloseTo(1);
    const gateUp = segments.find(({stage}) => stage === "gate_up")!;
    expect(gateUp.microseconds).toBeCloseTo(8910 / 32);
    expect(gateUp.to - gateUp.from).toBeCloseTo(8910 / 32 / segments.reduce((sum, s) => sum + s.microseconds, 0));
    segments.slice(1).forEach(({from}, i) => expect(from).toBe(segments[i]!.to));
  });

  it("has the norms of a layer one by one where a report has, and their mean where they are one stage", () => {
    const norms = (series: typeof own) =>
      layerSegments(series!)
        .filter(({stage}) => stage === "rms_norm")
        .map(({microseconds}) => microseconds);
    expect(norms(m2Pro)).toEqual([790 / 32, 1050 / 32]);
    const [first, second] = norms(own);
    expect(first).toBe(second);
  });

  it("has nothing where a stage of the layer has no time", () => {
    const rows = own!.rows.filter(({part}) => part !== "attention");
    expect(layerSegments({...own!, rows})).toEqual([]);
  });
});

test("a heading is wrapped between words", () => {
  const measure = ({length}: string) => length;
  expect(wrap("NVIDIA H200 in Chromium 156, float32: 76 µs", 20, measure)).toEqual([
    "NVIDIA H200 in",
    "Chromium 156,",
    "float32: 76 µs"
  ]);
  expect(wrap("one line", 20, measure)).toEqual(["one line"]);
});
