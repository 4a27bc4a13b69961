import {describe, expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {collectResults, parseResultFile} from "./results-table.js";
import type {Tuning} from "./tuning-record.js";

const name = "h200-tuning.json";
const [file] = readResults().filter((file) => file.name === name);
const tuning = file!.content as Tuning;
const change = (edit: (tuning: Tuning) => void) => {
  const copy = structuredClone(tuning);
  edit(copy);
  return () => parseResultFile(name, JSON.stringify(copy));
};

describe("a tuning", () => {
  it("is told from other files, and its trials are no rows of the results table", () => {
    const {tunings, rows} = collectResults([file!]);
    expect(tunings).toEqual([{...tuning, sourceFile: name}]);
    expect(rows).toEqual([]);
  });

  it("does not keep a change that made the kernel no faster", () => {
    const slow = change(({trials}) => (trials[0]!.afterTokensPerSecond = trials[0]!.beforeTokensPerSecond));
    expect(slow).toThrow(
      /results\/h200-tuning\.json.*\n {2}trials\.0\.verdict: is “kept”, but 887 is no more than 887/
    );
  });

  it("has each change once, and its days and runs in order", () => {
    expect(change(({trials}) => trials.push(trials[3]!))).toThrow(/trials\.\d+\.change: is there twice/);
    expect(change(({dates}) => dates.reverse())).toThrow(/dates: the last day is before the first/);
    expect(change(({protocol}) => protocol.runs.reverse())).toThrow(/protocol\.runs: the most are fewer/);
  });
});
