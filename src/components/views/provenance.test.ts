import {readFileSync} from "node:fs";
import {expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {figuresBySection, headingId, provenance, sections, type Section} from "./provenance.js";
import {recordedFigures} from "./recorded-figures.js";

const figures = recordedFigures(readResults());
const page = readFileSync(new URL("../../provenance.md", import.meta.url), "utf8");

it("has an entry for every recorded figure on file, and none for anything else", () => {
  expect(Object.keys(provenance).sort()).toEqual(figures.map(({id}) => id).sort());
  expect([...figuresBySection(figures).values()].flat().length).toBe(figures.length);
});

it("names a new figure without an entry, and an entry whose figure is gone", () => {
  const added = {...figures[0]!, id: "a-file/a-new-row"};
  expect(() => figuresBySection([...figures, added])).toThrow("a-file/a-new-row");
  expect(() => figuresBySection(figures.slice(1))).toThrow(figures[0]!.id);
});

it("has a section of the page for every entry", () => {
  for (const {section} of Object.values(provenance)) expect(page).toContain(`\n## ${sections[section]}\n`);
  const used = new Set(Object.values(provenance).map(({section}) => section));
  expect([...used].sort()).toEqual((Object.keys(sections) as Section[]).sort());
});

it("says each verdict in a few words, with no figure that a row has", () => {
  for (const [id, {verdict}] of Object.entries(provenance)) {
    expect(verdict.split(" ").length, id).toBeLessThanOrEqual(15);
    expect(verdict, id).not.toMatch(/\d/);
  }
});

it("calls checked what was compared with a reference, and nothing else", () => {
  for (const {id, verified} of figures) expect(/\boutput checked\b/.test(provenance[id]!.verdict), id).toBe(verified);
});

it.each([
  ["2.2 tok/s in one dispatch", "2-2-tok-s-in-one-dispatch"],
  ["Other engines, and the probes", "other-engines-and-the-probes"]
])("knows the id of the heading %s", (title, id) => expect(headingId(title)).toBe(id));
