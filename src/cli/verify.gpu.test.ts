import {cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {createRequire} from "node:module";
import {tmpdir} from "node:os";
import {join, resolve} from "node:path";
import {afterAll, beforeAll, describe, expect, onTestFinished, test, vi} from "vitest";
import {factorings} from "../components/decode/plan.js";
import {runCommand} from "../testing/command.js";
import {fixtureFolder} from "../testing/fixtures.js";
import {hasSlowCompiler, openTestGpu, quickFactorings} from "../testing/test-gpu.js";

const fixture = fixtureFolder("phi3-tiny");

const probe = await openTestGpu();
/** All by default, one where compiling the others would take long. */
const tried = hasSlowCompiler(probe) ? quickFactorings(probe).slice(0, 1) : factorings;
const device = probe.description.label;
const hasSubgroups = probe.adapter.features.has("subgroups");
probe.destroy();

const chosen = tried.length === factorings.length ? [] : ["--factoring", tried[0]!];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "verify-"));
});
afterAll(() => rmSync(folder, {recursive: true}));

describe("a folder that is right", () => {
  test("passes, with one line a factoring and arithmetic that gives error and tokens", async () => {
    const {status, stdout, stderr} = await runCommand("verify", fixture, ...chosen);
    expect(stderr).toBe("");
    const [title, ...lines] = stdout.trim().split("\n");
    expect(title).toContain(`on ${device}, ${hasSubgroups ? "subgroups" : "no optional feature"}`);
    expect(lines.map((line) => line.split(" ")[0])).toEqual(tried.flatMap((name) => [name, `${name}-int16`]));
    for (const line of lines) expectMatch(line);
    expect(status).toBe(0);
  });

  test.skipIf(!tried.includes("fused"))("passes with workgroups that wait, where they are allowed to", async () => {
    const args = [fixture, "--factoring", "fused", "--allow-waits"];
    let result = await runCommand("verify", ...args);
    // A busy machine may have no core for the second workgroup.
    for (let attempt = 1; attempt < 5 && / stalled: /.test(result.stdout); ++attempt) {
      result = await runCommand("verify", ...args);
    }
    const [, ...lines] = result.stdout.trim().split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual(["fused", "fused-int16", "fused-2", "fused-2-int16"]);
    for (const line of lines) expectMatch(line);
    expect(result.status).toBe(0);
  });

  test("passes without subgroups too", async () => {
    const {status, stdout} = await runCommand("verify", fixture, "--factoring", "staged", "--without", "subgroups");
    expect(stdout).toMatch(/no optional feature\nstaged +max relative error \S+, first differing token: none of 24\n/);
    expect(stdout).toMatch(/^staged-int16 +max relative error \S+, first differing token: none of 24$/m);
    expect(status).toBe(0);
  });

  test("is not run in 16-bit integers where WGSL has no packed dot products, and fails", async () => {
    onTestFinished(() => void vi.unstubAllEnvs());
    vi.stubEnv("DAWN_NODE", writeDawnWithout("wgslLanguageFeatures"));
    const {status, stdout} = await runCommand("verify", fixture, "--factoring", "staged");
    const [, float32, int16] = stdout.trim().split("\n");
    expectMatch(float32!);
    expect(int16).toMatch(/^staged-int16 +not run: .* needs the WGSL language feature packed_4x8_integer_dot_product/);
    expect(status).toBe(1);
  });

  test("is compared with this project's own reference where nothing else is expected", async () => {
    const bare = copyFixture("bare");
    for (const name of ["expected.json", "expected_logits.f32"]) rmSync(join(bare, name));
    const {status, stdout} = await runCommand("verify", bare, "--factoring", "staged", "--tokens", "3");
    expect(stdout).toMatch(/^staged +max relative error \S+, first differing token: none of 3$/m);
    expect(status).toBe(0);
  });
});

describe.concurrent("a folder that is wrong", () => {
  test("because a byte of the weights differs fails before anything runs, with the file's name", async () => {
    const {status, stdout, stderr} = await verifyCopy("corrupted", (folder) => {
      const bytes = readFileSync(join(folder, "params_shard_0.bin"));
      bytes[1000]! ^= 1;
      writeFileSync(join(folder, "params_shard_0.bin"), bytes);
    });
    expect(stderr).toMatch(/params_shard_0\.bin: its MD5 sum is/);
    expect(stdout).not.toMatch(/max relative error/);
    expect(status).toBe(1);
  });

  test("because a greedy token is another fails at that token", async () => {
    const {status, stdout} = await verifyCopy("token", (folder) =>
      editExpected(folder, (expected) => ({...expected, greedy: expected.greedy.with(5, 7)}))
    );
    expect(stdout).toMatch(/first differing token: token 5, 241 for 7$/m);
    expect(status).toBe(1);
  });

  test("because a logit is another fails with the error", async () => {
    const {status, stdout} = await verifyCopy("logit", changeLogit);
    const [, error] = stdout.match(/max relative error (\S+), first differing token: none of 24/)!;
    expect(Number(error)).toBeGreaterThan(1e-4);
    expect(status).toBe(1);
  });

  test("because the logits are too few names their file and both sizes", async () => {
    const {status, stderr} = await verifyCopy("short", (folder) => {
      const path = join(folder, "expected_logits.f32");
      writeFileSync(path, readFileSync(path).subarray(4));
    });
    expect(stderr).toMatch(/expected_logits\.f32: 22524 bytes for \[11, 512\] logits/);
    expect(status).toBe(1);
  });

  test("because expected.json lacks something names that file", async () => {
    const {status, stderr} = await verifyCopy("lacking", (folder) =>
      editExpected(folder, ({prompt, logits}) => ({prompt, logits}))
    );
    expect(stderr).toMatch(/expected\.json/);
    expect(stderr).toMatch(/greedy/);
    expect(status).toBe(1);
  });

  test("because expected.json is no JSON names that file", async () => {
    const {status, stderr} = await verifyCopy("garbled", (folder) => writeFileSync(join(folder, "expected.json"), "{"));
    expect(stderr).toMatch(/expected\.json/);
    expect(status).toBe(1);
  });

  test("because it is none says what was looked for", async () => {
    const {status, stderr} = await runCommand("verify", join(folder, "nothing"));
    expect(stderr).toMatch(/mlc-chat-config\.json is missing/);
    expect(status).toBe(1);
  });
});

function expectMatch(line: string): void {
  const [, error] = line.match(/max relative error (\S+), first differing token: none of 24$/) ?? [];
  expect(Number(error), line).toBeGreaterThan(0);
  expect(Number(error), line).toBeLessThanOrEqual(/int16/.test(line) ? 1e-3 : 1e-4);
}

/** A file for DAWN_NODE: Dawn, but for a set of features, which is empty. */
function writeDawnWithout(features: "wgslLanguageFeatures"): string {
  const dawn = process.env.DAWN_NODE
    ? resolve(process.env.DAWN_NODE)
    : createRequire(import.meta.url).resolve("webgpu");
  const path = join(folder, "dawn.cjs");
  writeFileSync(
    path,
    `const {create, globals} = require(${JSON.stringify(dawn)});
    exports.globals = globals;
    exports.create = (flags) => {
      const gpu = create(flags);
      return {${features}: new Set(), requestAdapter: (options) => gpu.requestAdapter(options), gpu};
    };`
  );
  return path;
}

interface ExpectedFile {
  prompt: number[];
  greedy: number[];
  logits: object;
}

function copyFixture(name: string): string {
  const copy = join(folder, name);
  cpSync(fixture, copy, {recursive: true});
  return copy;
}

function verifyCopy(name: string, change: (folder: string) => void) {
  const copy = copyFixture(name);
  change(copy);
  return runCommand("verify", copy, "--factoring", "staged");
}

function changeLogit(folder: string): void {
  const path = join(folder, "expected_logits.f32");
  const bytes = readFileSync(path);
  const at = bytes.length - 4 * 100;
  bytes.writeFloatLE(bytes.readFloatLE(at) + 0.01, at);
  writeFileSync(path, bytes);
}

function editExpected(folder: string, change: (expected: ExpectedFile) => object): void {
  const path = join(folder, "expected.json");
  writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, "utf8")) as ExpectedFile)));
}
