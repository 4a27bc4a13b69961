import {existsSync, mkdtempSync, rmSync} from "node:fs";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {afterAll, beforeAll, describe, expect, test, vi} from "vitest";
import {runCommand} from "../testing/command.js";
import {fixtureFolder} from "../testing/fixtures.js";

const fixture = fixtureFolder("phi3-tiny");

// What is wrong with a command line is said before a device is opened, so these tests need none.
vi.setConfig({testTimeout: 60_000});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "command-line-"));
});
afterAll(() => rmSync(folder, {recursive: true}));

describe.concurrent("a wrong command line for verify", () => {
  test.each([
    {args: [], says: /^usage: npm run verify -- DIR/m},
    {args: [fixture, "another"], says: /^usage: npm run verify -- DIR/m},
    {args: [fixture, "--factoring", "sideways"], says: /no factoring sideways; there are fused, chunked, staged/},
    {args: [fixture, "--without", "subgroups,magic"], says: /feature magic; they use subgroups/},
    {args: [fixture, "--tokens", "few"], says: /--tokens takes a positive integer, not few/},
    {args: [fixture, "--fast"], says: /Unknown option '--fast'/},
    {args: [fixture, "--allow-waits=yes"], says: /'--allow-waits' does not take an argument.*usage: /s}
  ])("says so: $says", async ({args, says}) => {
    const {status, stderr} = await runCommand("verify", ...args);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(status).toBe(1);
  });

  test("is not one that allows workgroups to wait, which the usage explains", async () => {
    const {status, stdout} = await runCommand("verify", "--help");
    expect(stdout).toMatch(/--allow-waits\s+also checks fused by 2 workgroups that wait for each other, which WebGPU/);
    expect(status).toBe(0);
  });
});

describe.concurrent("a wrong command line for record", () => {
  test.each([
    {args: [], says: /There is no experiment [^\n]*\n.*usage: npm run record -- EXPERIMENT/s},
    {args: ["sorcery"], says: /There is no experiment sorcery\.\n.*usage: /s},
    {args: ["spectrum", "--shape", "giant"], says: /Experiment spectrum has no shape giant; it has tiny, /},
    {args: ["dispatch-cost", "--shape", "tiny"], says: /Experiment dispatch-cost has no shape tiny; it has none/},
    {args: ["dispatch-cost", "--variants", "barrier-3"], says: /no variant barrier-3; it has no-op, dispatches, /},
    {
      args: ["limits", "--variants", "read-3"],
      says: /Experiment limits has no variant read-3; it has read-1, read-2, /
    },
    {args: ["workgroups", "--variants", "fused-3"], says: /no variant fused-3; it has staged, fused-1, fused-2, /},
    {args: ["geometry", "--shape", "phi5"], says: /Experiment geometry has no shape phi5; it has tiny, /},
    {args: ["bench", "--shapes", "tiny,giant"], says: /Shapes: there is no “giant” .* there are toy-32, /},
    {args: ["bench", "--without", "tiny/staged"], says: /The queue has no row “tiny\/staged”/},
    {args: ["bench", "--tokens", "2"], says: /Tokens of the one dispatch: there is no “2” .* there are 1, 4, 16, 64/},
    {args: ["bench", "--factorings", ""], says: /The queue is empty/},
    {args: ["bench", "--variants", "staged"], says: /bench does not take --variants.*usage: /s},
    {args: ["spectrum", "--sizes", "64"], says: /--sizes goes with bench.*usage: /s},
    {args: ["spectrum", "--fast"], says: /Unknown option '--fast'.*usage: /s},
    {args: ["spectrum", "--screenshot", "page.png"], says: /--screenshot is .* goes with --browser\..*usage: /s},
    {args: ["spectrum", "--allow-waits=yes"], says: /'--allow-waits' does not take an argument.*usage: /s},
    {
      args: ["spectrum", "--shape", "tiny", "--variants", "fused,sideways"],
      says: /no variant sideways; it has fused, staged/
    }
  ])("says so and writes nothing: $says", async ({args, says}) => {
    const out = join(folder, "wrong.json");
    const {status, stderr} = await runCommand("record", ...args, "--out", out);
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(status).toBe(1);
    expect(existsSync(out)).toBe(false);
  });

  test("is not one that allows workgroups to wait, which the usage explains", async () => {
    const {stderr} = await runCommand("record", "spectrum", "--allow-waits", "--shape", "giant");
    expect(stderr).toMatch(/^Experiment spectrum has no shape giant/);
    const {status, stdout} = await runCommand("record", "--help");
    expect(stdout).toMatch(
      /--allow-waits\s+also runs variants whose workgroups wait for each other, which WebGPU does not/
    );
    expect(status).toBe(0);
  });

  test("says before anything is measured that its output cannot be written", async () => {
    const out = join(folder, "no", "such", "folder", "record.json");
    const args = ["spectrum", "--shape", "tiny", "--variants", "staged", "--out", out];
    const {status, stdout, stderr} = await runCommand("record", ...args);
    expect(stderr).toContain(out);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(stdout).not.toContain("Measured");
    expect(status).toBe(1);
  });
});
