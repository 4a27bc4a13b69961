import {symbolAsterisk, symbolStar, symbolTimes} from "d3";
import {expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {collectResults} from "../lab/results-table.js";
import {placeSymbol} from "./place-symbol.js";
import {ranOn, shortDevice} from "./recorded.js";

it("has a symbol of its own for each device and runtime on file, and none that means something else", () => {
  const places = [...new Set(collectResults(readResults()).rows.map((row) => shortDevice(ranOn(row))))];
  const used = places.map(placeSymbol);
  expect(places.length).toBeGreaterThan(2);
  expect(new Set(used).size).toBe(places.length);
  for (const other of [symbolStar, symbolAsterisk, symbolTimes]) expect(used).not.toContain(other);
});

it("has the same for the short name of a device, and one for every other device", () => {
  for (const place of ["Apple M2 Pro (19-core GPU)", "Apple M2 Pro (19-core GPU) in Chromium 156"])
    expect(placeSymbol(shortDevice(place))).toBe(placeSymbol(place));
  expect(placeSymbol("NVIDIA H200 in Firefox 150")).toBe(placeSymbol("NVIDIA H200 in Chromium 156"));
  expect(placeSymbol("a GPU")).not.toBe(placeSymbol("a GPU in Chromium 156"));
});
