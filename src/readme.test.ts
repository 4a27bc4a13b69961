import {readFileSync} from "node:fs";
import {expect, it} from "vitest";
import {listExperiments} from "./components/lab/experiments.js";
import {collectResults} from "./components/lab/results-table.js";
import {sweepExperiment} from "./components/lab/sweep.js";
import {findRow} from "./components/views/recorded.js";
import {readKernels} from "./data/read-kernels.js";
import {readResults} from "./data/read-results.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("lists every experiment with its question and its page", () => {
  const environment = {kernels: readKernels()};
  const sweep = sweepExperiment(environment, {shape: "tiny", rows: []});
  const lines = [...listExperiments(environment), sweep].map(({id, question, page}) => {
    return `| \`${id}\` | ${question} ([page](src/${page === "/" ? "index" : page.slice(1)}.md)) |`;
  });
  for (const line of lines) expect(readme).toContain(line);
  expect(readme.match(/\(\[page\]\(/g)).toHaveLength(lines.length);
});

it("states the answer by figures that its record has, within 3 %", () => {
  const results = collectResults(readResults());
  const stated =
    /decodes some (\S+) tok\/s, 228 dispatches some (\S+), and one dispatch of (\d+) .* some (\S+)\. One/.exec(readme)!;
  const [one, staged, workgroups, all] = stated.slice(1).map((figure) => Number(figure.replace(",", "")));
  const row = (variant: string) => findRow(results, `h200-workgroups/${variant}`);
  expect(workgroups).toBe(row("fused-resident").workgroups);
  for (const [figure, variant] of [
    [one, "fused-1"],
    [staged, "staged"],
    [all, "fused-resident"]
  ] as const)
    expect(Math.abs(figure! / row(variant).tokensPerSecond! - 1), variant).toBeLessThan(0.03);
});
