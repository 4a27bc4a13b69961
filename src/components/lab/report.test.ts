import {readFileSync} from "node:fs";
import {expect, it} from "vitest";
import {artefactSchema, citation, reportSchema, sourceUrl, type Report} from "./report.js";

const read = (name: string) => JSON.parse(readFileSync(new URL(`../../../results/${name}`, import.meta.url), "utf8"));

const bound = "float64 reference, relative error of logits under 4e-6";

const probe = (report: Report, verification: string) =>
  Object.assign(report.rows[3]!, {status: "probe", valid: true, verification});

const broken: [what: string, change: (report: Report) => void, path: string, message: RegExp][] = [
  ["a row of an unknown source", (r) => (r.rows[2]!.source = "hearsay"), "rows.2.source", /“hearsay” is not one of/],
  ["two rows of one id", (r) => (r.rows[1]!.id = r.rows[0]!.id), "rows.1.id", /used twice/],
  [
    "an invalid row with a time",
    (r) => Object.assign(r.rows[3]!, {valid: false, note: "why"}),
    "rows.3",
    /no time of its own/
  ],
  ["a verified row of unknown validity", (r) => (r.rows[3]!.verification = bound), "rows.3", /a verified row is valid/],
  [
    "a stated row that is verified",
    (r) => Object.assign(r.rows[3]!, {valid: true, verification: bound}),
    "rows.3",
    /only what was run here/
  ],
  ["a stated row that is valid", (r) => (r.rows[3]!.valid = true), "rows.3", /only what was run here/],
  ["a probe without a verification", (r) => (r.rows[3]!.status = "probe"), "rows.3", /a probe, and nothing else/],
  ["a verification that says nothing", (r) => probe(r, "trust me"), "rows.3.verification", /“float64 reference/],
  [
    "a verification over the tolerance",
    (r) => probe(r, bound.replace("4e-6", "4e-3")),
    "rows.3.verification",
    /at most 0\.0001/
  ],
  ["a rate that is not its time's", (r) => (r.rows[10]!.milliseconds = 1), "rows.10", /tokens over milliseconds/],
  ["a time of nobody knows how many tokens", (r) => (r.rows[3]!.tokens = null), "rows.3", /of how many tokens/],
  [
    "a rate faster than the GPU's own time",
    (r) => (r.rows[10]!.gpuMilliseconds = 30),
    "rows.10",
    /no less time than the GPU/
  ],
  ["a rate that none of its runs has", (r) => (r.rows[10]!.runs = [40, 41]), "rows.10", /among its runs/],
  ["a date that is none", (r) => (r.rows[0]!.date = "last spring"), "rows.0.date", /a date/],
  [
    "a roofline that does not divide out",
    (r) => (r.rooflines[0]!.tokensPerSecond = 100),
    "rooflines.0",
    /within 0.1 %/
  ],
  ["roles that do not sum up", (r) => (r.profiles[0]!.totalMilliseconds = 25), "profiles.0", /sum to the total/],
  ["an unknown key", (r) => Object.assign(r.rows[0]!, {toks: 3}), "rows.0", /toks/]
];

it.each(broken)("rejects %s", (_, change, path, message) => {
  const report: Report = read("m2-pro-reported.json");
  change(report);
  const {error} = reportSchema.safeParse(report);
  expect(error?.issues[0]!.path.join(".")).toBe(path);
  expect(error?.issues[0]!.message).toMatch(message);
});

it("accepts a verified probe", () => {
  const report: Report = read("m2-pro-reported.json");
  probe(report, bound);
  expect(reportSchema.safeParse(report).error).toBeUndefined();
});

it("keeps the published artefact consistent with itself", () => {
  const artefact = artefactSchema.parse(read("2026-03-31_int4.json"));
  for (const {ms, tok_s} of artefact.results) {
    expect(Math.abs((1000 * artefact.seq_len) / ms - tok_s)).toBeLessThanOrEqual(0.05);
  }
});

it("cites a repository by commit, and anything else by name", () => {
  const report = reportSchema.parse(read("m2-pro-reported.json"));
  expect(citation(report, {source: "zero-tvm", where: "BENCH.md"})).toBe("abgnydn/zero-tvm@012ec1f BENCH.md");
  expect(citation(report, {source: "maczan-2026", where: "abstract"})).toBe("Maczan 2026, arXiv:2604.02344 · abstract");
});

it("links the first file that a place names, at its commit, and the repository where it names none", () => {
  const report = reportSchema.parse(read("m2-pro-reported.json"));
  const path = (where: string) =>
    sourceUrl(report, {source: "fusion-max", where})!.replace("https://github.com/abgnydn/webgpu-fusion-max/", "");
  expect(path("src/test-tiled.html, src/test-regopt.html, closing strings")).toBe("blob/e08be45/src/test-tiled.html");
  expect(path("README, CHANGELOG")).toBe("blob/e08be45/README.md");
  expect(path("page test-fast")).toBe("blob/e08be45/src/test-fast.html");
  expect(path("the author's word")).toBe("tree/e08be45");
  expect(sourceUrl(report, {source: "maczan-2026", where: "abstract"})).toBe("https://arxiv.org/abs/2604.02344");
});

it.each(["m2-pro-reported.json", "replication-h200.json"])("links a file for every row of %s", (name) => {
  const report = reportSchema.parse(read(name));
  for (const row of report.rows) expect(sourceUrl(report, row), row.id).toContain("/blob/");
});
