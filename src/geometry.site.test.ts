import {describe, expect, test} from "vitest";
import {runSchema} from "./components/lab/record.js";
import {testPage} from "./testing/page-tests.js";
import {accessibilityViolations, expectToFit, liveDots, liveRows, reach, records, useBrowser} from "./testing/site.js";

const openPage = useBrowser();

testPage("/geometry", openPage);

describe("the panels of the page on one dispatch with many workgroups", () => {
  const workgroups = "[data-experiment=workgroups]";
  const geometry = "[data-experiment=geometry]";

  test("have shapes and variants of their own in the link, and start nothing by themselves", async () => {
    const {page, problems} = await openPage(
      "/geometry?shape=tiny&variants=staged,fused-2&ablation-shape=phi3-mini&ablation-variants=single-64"
    );
    await page.locator(`${workgroups} .panel-device`).waitFor();
    await page.locator(`${geometry} .panel-device`).waitFor();
    const chosen = async (panel: string) => (await liveRows(page.locator(panel))).map(({variant}) => variant);
    expect(await chosen(workgroups)).toEqual(["staged", "fused-2"]);
    expect(await chosen(geometry)).toEqual(["single-64"]);
    expect(await page.locator(`${workgroups} [name=shape]`).inputValue()).toBe("tiny");
    expect(await page.locator(`${geometry} [name=shape]`).inputValue()).toBe("phi3-mini");
    await page.locator(`${geometry} [type=checkbox][value=single-128]`).check();
    expect(new URL(page.url()).search).toBe(
      "?shape=tiny&variants=staged,fused-2&ablation-shape=phi3-mini&ablation-variants=single-64,single-128"
    );
    for (const panel of [workgroups, geometry]) {
      expect(await page.locator(panel).getAttribute("data-state")).toBe("idle");
    }
    const ids = await page.locator("[id]").evaluateAll((elements) => elements.map(({id}) => id));
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
    expect(await page.locator(".tuning-table tbody tr").count()).toBeGreaterThan(30);
    expect(await page.locator(".tuning-table thead tr th:first-child").allInnerTexts()).toEqual([
      "What helped",
      "What made it slower",
      "No difference"
    ]);
    expect(await page.locator(".workgroup-size-plot svg[role=img]").getAttribute("aria-label")).toMatch(
      /Apple M2 Pro, 64: [\d.]+\u00a0tok\/s; .*Apple M2 Pro, 256: [\d.]+\u00a0tok\/s/
    );
    const places = await page
      .locator(".workgroups-plot [data-marks=dot] path")
      .evaluateAll((dots) =>
        dots.map((dot) => /translate\((.*?),(.*?)\)/.exec(dot.getAttribute("transform")!)!.slice(1))
      );
    const apart = places.flatMap((a, i) =>
      places.slice(i + 1).map((b) => Math.hypot(...a.map((value, axis) => Number(value) - Number(b[axis]))))
    );
    expect(Math.min(...apart), "pixels between two marks").toBeGreaterThan(3);
    expect(await page.locator("main").innerText()).not.toContain("${");
    expect(problems).toEqual([]);
  });

  test("runs workgroups that wait only where the reader allowed it, to done", async () => {
    const {page, problems} = await openPage("/geometry?shape=tiny&variants=staged,fused-1,fused-2");
    const panel = page.locator(workgroups);
    const run = panel.locator("[data-action=run]");
    const row = (id: string) => panel.locator(`[data-variant=${id}]`);
    await panel.locator(".panel-device").waitFor();
    expect(await row("fused-2").getAttribute("data-status")).toBe("declined");
    expect(await row("staged").innerText()).toContain("in 16-bit integers");

    await panel.locator("[data-action=allow-waits]").check();
    expect(await row("fused-2").getAttribute("data-status")).toBe("idle");
    await run.click();
    await reach(page, "done");
    const [record] = await records(page);
    const {rows, experiment} = runSchema.parse(record);
    expect(experiment).toBe("workgroups");
    expect(rows.map(({variant, workgroups, arithmetic}) => [variant, workgroups, arithmetic])).toEqual([
      ["staged", null, "int16"],
      ["fused-1", 1, "int16"],
      ["fused-2", 2, "int16"]
    ]);
    for (const {variant, status} of rows) {
      // A machine that is busy may have no core for the second workgroup: then the row is discarded, and says so.
      expect(variant === "fused-2" ? ["measured", "discarded"] : ["measured"], variant).toContain(status);
      expect(await row(variant).getAttribute("data-status")).toBe(status);
    }
    const measured = rows.filter(({status}) => status === "measured");
    const points = measured.filter(({factoring}) => factoring === "fused").length;
    expect(await liveDots(page, ".workgroups-plot").count()).toBe(points);
    expect(await page.locator(".your-answer").first().innerText()).toMatch(/^On your device, .*\stok\/s/);
    expect(await accessibilityViolations(page)).toEqual([]);
    await expectToFit(page, 360);
    expect(problems).toEqual([]);
  });

  test("run one after the other, and show the reader's own ablations in their plot", async () => {
    const {page, problems} = await openPage(
      "/geometry?shape=tiny&variants=staged&ablation-shape=tiny&ablation-variants=single-64"
    );
    const panel = page.locator(geometry);
    const status = panel.locator(".panel-status");
    await page.locator(`${workgroups} [data-action=run]`).click();
    await reach(page, "verifying", workgroups);
    for (const again of [true, false]) {
      await panel.locator("[data-action=run]").click();
      await expect.poll(() => status.innerText()).toMatch(/^Another panel, or another tab of this site, is running/);
      if (!again) continue;
      await panel.locator("[data-action=cancel]").click();
      await expect.poll(() => panel.getAttribute("data-state")).toBe("cancelled");
    }
    await reach(page, "done", geometry);
    expect(await status.innerText()).toBe("Measured 1 of 1 variant.");
    const [first, record] = await records(page);
    expect(runSchema.parse(first).experiment).toBe("workgroups");
    expect(runSchema.parse(record).rows[0]).toMatchObject({status: "measured", workgroups: 1, workgroupSize: 64});
    expect(await liveDots(page, ".workgroup-size-plot").count()).toBe(1);
    expect(await page.locator(".ablation-plot figcaption").innerText()).toContain(
      "Your run has no figure of “As it is"
    );
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
});
