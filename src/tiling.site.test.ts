import {describe, expect, test} from "vitest";
import {runSchema} from "./components/lab/record.js";
import {testPage} from "./testing/page-tests.js";
import {accessibilityViolations, expectToFit, liveDots, reach, records, useBrowser} from "./testing/site.js";

const openPage = useBrowser();

testPage("/tiling", openPage);

describe("the page on one workgroup", () => {
  test("runs rungs at tiny to done, and shows the reader's own climb", async () => {
    const {page, problems} = await openPage("/tiling?shape=tiny&variants=record-64,teams");
    await page.locator(".panel-device").waitFor();
    const run = page.locator("[data-action=run]");
    await run.click();
    await page.locator("[data-action=cancel]").click();
    await reach(page, "cancelled");
    await run.click();
    await reach(page, "done");
    const [record] = await records(page);
    const {rows, experiment} = runSchema.parse(record);
    expect(experiment).toBe("tiling");
    expect(rows.map(({variant, status, workgroupSize}) => [variant, status, workgroupSize])).toEqual([
      ["record-64", "measured", 64],
      ["teams", "measured", 256]
    ]);
    expect(rows.map(({kernel}) => [kernel!.lanes, kernel!.teamRows, kernel!.options])).toEqual([
      [4, 4, {alone: "each weight, column by column"}],
      [32, 2, {loads: 1}]
    ]);
    expect(rows[0]!.wgsl).toMatch(/^[0-9a-f]{16}$/);
    expect(rows[1]!.wgsl).not.toBe(rows[0]!.wgsl);
    expect(await page.locator(".your-answer").innerText()).toMatch(
      /^On your device, .*\stok\/s .*( times as many|, and no later rung measured is faster)/
    );
    expect(await liveDots(page, ".ablation-plot").count()).toBe(2);
    const climb = page.locator(".ladder-table").first();
    expect(await climb.locator("tbody tr").first().innerText()).toMatch(
      /^1\. The recorded style, 64 invocations\s+[\d.,]+/
    );
    expect(await climb.locator("tbody tr", {hasText: "The recorded style"}).innerText()).toMatch(
      /\t8\.\d+\s+very likely this rung/
    );
    expect(await page.locator(".no-gains li").first().innerText()).toMatch(/^In your run, 2 layers: /);
    expect(await accessibilityViolations(page)).toEqual([]);
    await expectToFit(page, 360);
    expect(problems).toEqual([]);
  });
});
