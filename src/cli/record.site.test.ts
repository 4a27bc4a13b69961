import {mkdtempSync, readFileSync, rmSync, statSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, expect, test} from "vitest";
import {costSchema} from "../components/lab/cost-record.js";
import {runSchema} from "../components/lab/record.js";
import {runCommand} from "../testing/command.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "browser-record-"));
});
afterAll(() => rmSync(folder, {recursive: true}));

test("a panel's run in a browser is written as its record, with the label given, and as a picture", async () => {
  const [out, screenshot] = [join(folder, "workgroups.json"), join(folder, "workgroups.png")];
  const args = ["workgroups", "--shape", "tiny", "--variants", "staged,fused-2", "--label", "A test's GPU"];
  const {status, stdout, stderr} = await runCommand(
    "record",
    ...[...args, "--browser", "--allow-waits", "--out", out, "--screenshot", screenshot]
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const record = runSchema.parse(JSON.parse(readFileSync(out, "utf8")));
  expect(record).toMatchObject({experiment: "workgroups", shape: {id: "tiny"}, device: {label: "A test's GPU"}});
  expect(record.runtime.name).toMatch(/Chrom/);
  const [staged, fused] = record.rows;
  expect(record.rows.map(({variant}) => variant)).toEqual(["staged", "fused-2"]);
  expect(staged!.status).toBe("measured");
  // A machine that is busy may have no core for the second workgroup; it was allowed to wait all the same.
  expect(["measured", "discarded"]).toContain(fused!.status);
  expect(stdout).toContain("% staged: measuring");
  expect(stdout).toContain("workgroups at tiny on A test's GPU: Measured");
  expect(statSync(screenshot).size).toBeGreaterThan(10_000);
});

test("in a browser, the second panel of a page runs too, and workgroups wait only where that was allowed", async () => {
  const out = join(folder, "geometry.json");
  const args = ["geometry", "--shape", "tiny", "--variants", "single-64,tokens-4", "--browser", "--out", out];
  expect(await runCommand("record", ...args)).toMatchObject({status: 0, stderr: ""});
  expect(runSchema.parse(JSON.parse(readFileSync(out, "utf8")))).toMatchObject({
    experiment: "geometry",
    rows: [
      {variant: "tokens-4", status: "declined"},
      {variant: "single-64", status: "measured"}
    ]
  });
});

test("in a browser, an experiment without a shape runs too", async () => {
  const out = join(folder, "cost.json");
  const args = ["dispatch-cost", "--variants", "dispatches", "--browser", "--out", out];
  expect(await runCommand("record", ...args)).toMatchObject({status: 0, stderr: ""});
  const {experiment, rows} = costSchema.parse(JSON.parse(readFileSync(out, "utf8")));
  expect(experiment).toBe("dispatch-cost");
  expect(rows).toMatchObject([{variant: "dispatches", status: "measured"}]);
});
