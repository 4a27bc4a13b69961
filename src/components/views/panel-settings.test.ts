import {describe, expect, it} from "vitest";
import type {Experiment} from "../lab/experiment.js";
import {fakeExperiment, fakeVariant} from "../lab/lab-fakes.js";
import {readSettings, writeSettings} from "./panel-settings.js";

const variant = (id: string) => fakeVariant(id, () => Promise.reject(new Error("not to be prepared")));
const experiment: Experiment = {
  ...fakeExperiment([variant("fused"), variant("staged")]),
  shapes: ["tiny", "phi3-mini"],
  defaultShape: "phi3-mini"
};

describe("the settings of a link", () => {
  it("are the experiment's defaults when it has none", () => {
    expect(readSettings("", experiment)).toEqual({
      settings: {shape: "phi3-mini", variants: ["fused", "staged"]},
      shapeIsChosen: false,
      notes: []
    });
  });

  it("are what it names, in the experiment's order", () => {
    const {settings, shapeIsChosen} = readSettings("?shape=tiny&variants=staged,fused&x=1", experiment);
    expect(settings).toEqual({shape: "tiny", variants: ["fused", "staged"]});
    expect(shapeIsChosen).toBe(true);
    expect(readSettings("?variants=staged", experiment).settings.variants).toEqual(["staged"]);
  });

  it("fall back to the defaults where it names something unknown, and say so", () => {
    const {settings, shapeIsChosen, notes} = readSettings("?shape=huge&variants=chunked,no", experiment);
    expect(settings).toEqual({shape: "phi3-mini", variants: ["fused", "staged"]});
    expect(shapeIsChosen).toBe(false);
    expect(notes).toEqual([
      "The link names the shape “huge”, which this experiment does not have; its default is chosen.",
      "The link names the variants “chunked” and “no”, which this experiment does not have; all variants are chosen."
    ]);
  });

  it("name no default of an experiment that has no shapes", () => {
    const {settings, notes} = readSettings("?shape=tiny", {...experiment, shapes: [], defaultShape: null});
    expect(settings.shape).toBeNull();
    expect(notes).toEqual(["The link names the shape “tiny”; this experiment has no shapes."]);
  });

  it("keep the known variants beside an unknown one", () => {
    const {settings, notes} = readSettings("?variants=staged,chunked", experiment);
    expect(settings.variants).toEqual(["staged"]);
    expect(notes).toEqual([
      "The link names the variant “chunked”, which this experiment does not have; it is left out."
    ]);
  });

  it("leave several unknown variants out together", () => {
    expect(readSettings("?variants=staged,chunked,no", experiment).notes).toEqual([
      "The link names the variants “chunked” and “no”, which this experiment does not have; they are left out."
    ]);
  });

  it("choose no variant where the list is empty, as it is written when none is ticked", () => {
    const address = writeSettings("https://example.org/", {shape: "tiny", variants: []});
    expect(readSettings(new URL(address).search, experiment)).toEqual({
      settings: {shape: "tiny", variants: []},
      shapeIsChosen: true,
      notes: []
    });
  });

  it("do not take an object's own property for a shape", () => {
    expect(readSettings("?shape=constructor", experiment).settings.shape).toBe("phi3-mini");
  });

  it("have names of their own where the page has another panel", () => {
    const first = writeSettings("https://example.org/", {shape: "tiny", variants: ["staged"]});
    const both = writeSettings(first, {shape: "phi3-mini", variants: ["fused"]}, "second-");
    expect(new URL(both).search).toBe("?shape=tiny&variants=staged&second-shape=phi3-mini&second-variants=fused");
    const {search} = new URL(both);
    expect(readSettings(search, experiment).settings).toEqual({shape: "tiny", variants: ["staged"]});
    expect(readSettings(search, experiment, "second-").settings).toEqual({shape: "phi3-mini", variants: ["fused"]});
    expect(readSettings(new URL(first).search, experiment, "second-").shapeIsChosen).toBe(false);
  });

  it("survive being written, with the rest of the address", () => {
    const settings = {shape: "tiny", variants: ["fused", "staged"]} as const;
    const address = writeSettings("https://example.org/page?x=1&shape=phi3-mini#method", {
      ...settings,
      variants: [...settings.variants]
    });
    expect(address).toBe("https://example.org/page?x=1&shape=tiny&variants=fused,staged#method");
    expect(readSettings(new URL(address).search, experiment).settings).toEqual(settings);
  });
});
