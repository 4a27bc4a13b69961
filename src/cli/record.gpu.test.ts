import {mkdtempSync, readFileSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, expect, test} from "vitest";
import {costSchema} from "../components/lab/cost-record.js";
import {runSchema} from "../components/lab/record.js";
import {runCommand} from "../testing/command.js";
import {openTestGpu, quickFactorings} from "../testing/test-gpu.js";

const probe = await openTestGpu();
const suffix = probe.adapter.features.has("subgroups") ? "" : "-portable";
const variants = quickFactorings(probe)
  .filter((factoring) => factoring !== "chunked") // which another experiment has
  .map((factoring) => `${factoring}${suffix}`);
probe.destroy();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "record-"));
});
afterAll(() => rmSync(folder, {recursive: true}));

test(`${variants.join(" and ")} at tiny are measured, shown and written as a record`, async () => {
  const out = join(folder, "record.json");
  const args = [
    "spectrum",
    "--shape",
    "tiny",
    "--variants",
    variants.join(","),
    "--label",
    "A test's GPU",
    "--out",
    out
  ];
  const {status, stdout, stderr} = await runCommand("record", ...args);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const record = runSchema.parse(JSON.parse(readFileSync(out, "utf8")));
  expect(record).toMatchObject({experiment: "spectrum", weights: "synthetic", shape: {id: "tiny"}});
  expect(record.device.label).toBe("A test's GPU");
  expect(record.runtime.name).toMatch(/^Node \d+.* with Dawn/);
  expect(record.rows.map(({variant, status}) => [variant, status])).toEqual(
    variants.map((variant) => [variant, "measured"])
  );
  expect(record.roofline!.readBandwidthBytesPerSecond).toBeGreaterThan(0);
  expect(stdout).toContain("spectrum at tiny on A test's GPU: Measured");
  for (const row of record.rows) {
    if (row.status !== "measured") continue;
    const shown = stdout.split("\n").find((line) => line.includes(`│ ${row.variant} `))!;
    expect(shown).toContain(String(Number(row.tokensPerSecond.median.toPrecision(4))));
  }
});

test("what dispatches cost is measured, shown and written, with the wait that stalled", async () => {
  const out = join(folder, "cost.json");
  const {status, stdout, stderr} = await runCommand(
    "record",
    "dispatch-cost",
    "--variants",
    "dispatches,barrier-32",
    "--allow-waits",
    "--out",
    out
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const [dispatches, barrier] = costSchema.parse(JSON.parse(readFileSync(out, "utf8"))).rows;
  expect(dispatches!.status).toBe("measured");
  expect(stdout).toMatch(/│ dispatches +│ 'measured'/);
  if (barrier!.status === "measured") return; // a GPU holds 32 workgroups
  expect(barrier!.status).toBe("discarded");
  expect(stdout).toContain("barrier-32: 32 workgroups were not all resident at once");
});

test("workgroups that wait are declined without the reader's word, and the record says so and the arithmetic", async () => {
  const out = join(folder, "workgroups.json");
  const args = ["workgroups", "--shape", "tiny", "--variants", "staged,fused-2", "--out", out];
  const {status, stdout, stderr} = await runCommand("record", ...args);
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const {rows, device} = runSchema.parse(JSON.parse(readFileSync(out, "utf8")));
  expect(rows).toMatchObject([
    {variant: "staged", status: "measured", arithmetic: "int16", verification: {tolerance: 1e-3}},
    {variant: "fused-2", status: "declined", arithmetic: "int16", workgroups: 2}
  ]);
  expect(device.features).toContain("packed_4x8_integer_dot_product");
  expect(stdout).toContain("fused-2: Its workgroups wait for each other, which was not allowed");
});
