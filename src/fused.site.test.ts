import {describe, expect, test} from "vitest";
import {runSchema} from "./components/lab/record.js";
import {testPage} from "./testing/page-tests.js";
import {accessibilityViolations, expectToFit, liveDots, reach, records, useBrowser} from "./testing/site.js";

const openPage = useBrowser();

testPage("/fused", openPage);

describe("the panel of the experiment chunks", () => {
  const panel = "[data-experiment=chunks]";

  test("runs one workgroup in one dispatch and in two, with and without waits, to done", async () => {
    const ids = ["fused", "chunked-2", "chunked-2-awaited", "chunked-32"];
    const {page, problems} = await openPage(`/fused?shape=tiny&variants=${ids.join()}`);
    await page.click("[data-action=run]");
    await reach(page, "done", panel);
    const [record] = await records(page);
    const {rows, experiment} = runSchema.parse(record);
    expect(experiment).toBe("chunks");
    expect(rows.map((row) => [row.variant, row.status, row.dispatchesPerToken, row.awaited ?? false])).toEqual([
      ["fused", "measured", 1, false],
      ["chunked-2", "measured", 2, false],
      ["chunked-32", "unsupported", 32, false],
      ["chunked-2-awaited", "measured", 2, true]
    ]);
    const row = (id: string) => page.locator(`${panel} [data-variant=${id}]`);
    expect(await row("chunked-32").innerText()).toContain("32 dispatches of whole layers need 32 layers");
    expect(await page.locator(".your-answer").innerText()).toMatch(
      /^On your device, .* Where the CPU waits for each of 2, it is /
    );
    expect(await liveDots(page, ".chunks-plot").count()).toBe(3);
    const plot = (i: number) => page.locator(".chunks-plot svg[role=img]").nth(i);
    expect(await plot(0).getAttribute("aria-label")).toMatch(/Apple M2 Pro, 16 tokens a dispatch: 0\.248\s/);
    expect(await plot(0).textContent()).toContain("1/16");
    expect(await plot(1).getAttribute("aria-label")).toMatch(/Apple M2 Pro, dispatches not stated: 4\.41\s/);
    const ways = page.getByRole("region", {name: "The original's ways to launch"});
    expect(await ways.locator("th[scope=col]").allInnerTexts()).toContainEqual(expect.stringContaining("Chromium"));
    expect(await ways.locator("tr", {hasText: "test-ultra"}).allInnerTexts()).toEqual([
      expect.stringMatching(/^fused\s.*32 layers[^]*1\.35\ss/),
      expect.stringMatching(/^chunked-4-submitted\s[^]*not on file/)
    ]);
    const wait = page.getByRole("region", {name: "What a wait costs"}).locator("tbody tr");
    expect(await wait.first().locator("td").allInnerTexts()).toEqual(
      Array.from({length: 4}, (_, i) => expect.stringMatching(i % 2 ? /^[\d,]+\sµs$/ : /^[\d.]+ \([\d.]+ to [\d.]+\)$/))
    );
    const eight = page.locator("[data-row='m2-pro-reported/int4-on-the-fly-8-layers'] ~ tr", {
      hasText: "Phi-3-mini, 8 layers"
    });
    expect(await eight.first().innerText()).toMatch(/H200[^]*\sverified/);
    for (const device of [0, 1]) {
      await page.locator(".chunks-diagram input").nth(device).check();
      expect(await page.locator(".chunks-diagram svg").getAttribute("aria-label")).toContain(
        `${[18, 131][device]} are idle`
      );
    }
    expect(await liveDots(page, ".weight-time-plot").count()).toBe(1);
    expect(await accessibilityViolations(page)).toEqual([]);
    await expectToFit(page, 360);
    expect(problems).toEqual([]);
  });
});
