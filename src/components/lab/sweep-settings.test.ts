import {describe, expect, it} from "vitest";
import {axes} from "./sweep.js";
import {initialChoice, readSweep, writeSweep} from "./sweep-settings.js";

const read = (query: string) => readSweep((name) => new URLSearchParams(query).get(name));

describe("a sweep as text", () => {
  it("is as at first where nothing is named", () => {
    expect(read("")).toEqual({settings: {choice: initialChoice(), without: []}, named: [], notes: []});
  });

  it("has the values that are named, in the order of the axis, and the others as at first", () => {
    const {settings, named, notes} = read("?shapes=phi3-mini,tiny&sizes=64, default");
    expect(settings.choice).toEqual({...initialChoice(), shapes: ["tiny", "phi3-mini"], sizes: ["default", "64"]});
    expect(named).toEqual(["shapes", "sizes"]);
    expect(notes).toEqual([]);
  });

  it("leaves out what is unknown and says so", () => {
    const {settings, notes} = read("?shapes=tiny,giant&arithmetic=magic");
    expect(settings.choice.shapes).toEqual(["tiny"]);
    expect(settings.choice.arithmetic).toEqual(axes.arithmetic.initial);
    expect(notes).toEqual([
      expect.stringMatching(/^Shapes: there is no “giant” \(it is left out\); there are toy-32, /),
      expect.stringMatching(/^Arithmetic: there is no “magic” \(the list is passed over\); there are float32, int16\.$/)
    ]);
  });

  it("says of the names of the other pages' links that they are none of its own", () => {
    const {settings, notes} = read("?shape=tiny&variants=staged");
    expect(settings.choice).toEqual(initialChoice());
    expect(notes).toEqual([
      expect.stringMatching(/^“shape” and “variants” are names of the other pages; a sweep’s are shapes, factorings, /)
    ]);
  });

  it("does not count an axis as named where all that is named of it is unknown", () => {
    expect(read("?shapes=nonsense&arithmetic=int16,magic&weights=").named).toEqual(["arithmetic", "weights"]);
    expect(read("?shapes=nonsense").notes).toEqual([expect.stringContaining("“nonsense” (the list is passed over)")]);
  });

  it("chooses nothing where a list is empty", () => {
    expect(read("?factorings=").settings.choice.factorings).toEqual([]);
  });

  it("strikes rows of its queue, and says of others that they are not there", () => {
    const {settings, notes} = read("?shapes=tiny&without=tiny/staged-int16-subgroups,phi3-mini/staged-int16-subgroups");
    expect(settings.without).toEqual(["tiny/staged-int16-subgroups"]);
    expect(notes).toEqual(["The queue has no row “phi3-mini/staged-int16-subgroups” that could be left out."]);
  });

  it("survives being written, with the rest of the address", () => {
    const settings = {
      choice: {...initialChoice(), shapes: ["tiny", "phi3-mini"] as const, sizes: []},
      without: ["tiny/staged-int16-subgroups"]
    };
    const address = writeSweep("https://example.org/bench?x=1#method", settings);
    expect(address).toContain("?x=1&shapes=tiny,phi3-mini&");
    expect(address).toContain("&without=tiny/staged-int16-subgroups#method");
    expect(read(new URL(address).search).settings).toEqual(settings);
    expect(writeSweep(address, {...settings, without: []})).not.toContain("without");
  });
});
