import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {expect, it, onTestFinished} from "vitest";
import {exampleRun} from "../components/lab/lab-fakes.js";
import {readResults} from "./read-results.js";

it("reads the files of a folder by name, without a system's hidden ones", () => {
  const folder = makeFolder();
  for (const name of ["b.json", "a.json"]) writeFileSync(join(folder, name), JSON.stringify(exampleRun().run));
  writeFileSync(join(folder, ".DS_Store"), "\0\0\0\x01Bud1");
  expect(readResults(folder).map(({name, kind}) => [name, kind])).toEqual([
    ["a.json", "run"],
    ["b.json", "run"]
  ]);
});

it("names a file that is no result", () => {
  const folder = makeFolder();
  writeFileSync(join(folder, "notes.txt"), "");
  expect(() => readResults(folder)).toThrow("results/notes.txt: only JSON files belong here");
});

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "results-"));
  onTestFinished(() => rmSync(folder, {recursive: true}));
  return folder;
}
