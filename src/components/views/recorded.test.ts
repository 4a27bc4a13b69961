import {readdirSync, readFileSync} from "node:fs";
import {expect, it} from "vitest";
import {collectResults, parseResultFile} from "../lab/results-table.js";
import {findRoofline, findRow, gpuCores, newestRecords, ranOn, shortDevice} from "./recorded.js";

const folder = new URL("../../../results/", import.meta.url);
const results = collectResults(
  readdirSync(folder).map((name) => parseResultFile(name, readFileSync(new URL(name, folder), "utf8")))
);

it("finds a row by its id and a limit by its device, and names what is not there", () => {
  expect(findRow(results, "m2-pro-reported/staged-measured").tokensPerSecond).toBe(42.14);
  expect(() => findRow(results, "m2-pro-reported/nothing")).toThrow("m2-pro-reported/nothing");
  expect(findRoofline(results, "NVIDIA H200").tokensPerSecond).toBeGreaterThan(1000);
  expect(() => findRoofline(results, "abacus")).toThrow("abacus");
});

it("knows the cores of the recorded devices, and of no other", () => {
  expect(gpuCores(results, "Apple M2 Pro (19-core GPU)")).toBe(19);
  expect(gpuCores(results, "NVIDIA H200")).toBe(132);
  expect(() => gpuCores(results, "Apple M2 Max")).toThrow("Apple M2 Max");
});

it("has every row whose figure a page states", () => {
  const page = readFileSync(new URL("../../index.md", import.meta.url), "utf8");
  const ids = [...page.matchAll(/\brow\("([^"]+)"\)/g)].map(([, id]) => id!);
  expect(ids.length).toBeGreaterThan(5);
  for (const id of ids) expect(findRow(results, id).tokensPerSecond, id).toBeGreaterThan(0);
});

const gpu = {device: "A GPU (19 cores)", runtime: "Node 20 with Dawn", kind: "run" as const, sourceFile: "a.json"};

it("names the browser of a recorded run beside its device, and nothing else", () => {
  expect(ranOn(gpu)).toBe("A GPU (19 cores)");
  const inBrowser = {...gpu, runtime: "Chromium 156"};
  expect(ranOn(inBrowser)).toBe("A GPU (19 cores) in Chromium 156");
  expect(shortDevice(ranOn(inBrowser))).toBe("A GPU in Chromium 156");
  expect(shortDevice(gpu.device)).toBe("A GPU");
  expect(ranOn({...inBrowser, kind: "recorded"})).toBe("A GPU (19 cores)"); // a report names it in its own words
  expect(ranOn({...inBrowser, sourceFile: null})).toBe("A GPU (19 cores)"); // the reader's own
});

it("takes of the device of the newest record one from each runtime, Node's first", () => {
  const rows = [
    {...gpu, runtime: "Chromium 156", sourceFile: "newest.json"},
    {...gpu, device: "another", sourceFile: "another.json"},
    {...gpu, sourceFile: "node.json"},
    {...gpu, runtime: "Chromium 156", sourceFile: "newest.json"},
    {...gpu, runtime: "Chromium 156", sourceFile: "older.json"},
    {...gpu, sourceFile: "older-node.json"}
  ];
  expect(newestRecords(rows)).toEqual([rows[2], rows[0], rows[3]]);
  expect(newestRecords([])).toEqual([]);
});
