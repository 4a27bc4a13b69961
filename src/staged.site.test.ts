import {describe, expect, test} from "vitest";
import {profileSchema} from "./components/lab/profile-record.js";
import {testPage} from "./testing/page-tests.js";
import {
  accessibilityViolations,
  expectToFit,
  exportRecord,
  liveDots,
  reach,
  records,
  useBrowser
} from "./testing/site.js";

const openPage = useBrowser();

testPage("/staged", openPage);

describe("the panel of the experiment stages", () => {
  test("times a stage of the tiny shape to done, and the page shows the reader's numbers", async () => {
    const {page, problems} = await openPage("/staged?shape=tiny&variants=o_proj");
    await page.click("[data-action=run]");
    await reach(page, "done");
    const [record] = await records(page);
    const {rows, position} = profileSchema.parse(record);
    expect(position).toBe(128);
    expect(rows).toMatchObject([{part: "o_proj", instrumented: true, status: "measured", calls: 2}]);
    const [row] = rows;
    const shown = await page.locator("[data-variant=o_proj]").getAttribute("data-milliseconds");
    expect(Number(shown)).toBe(row!.status === "measured" && row!.millisecondsPerToken.median);
    expect(await page.locator("[data-variant=o_proj]").innerText()).toContain(row!.status === "measured" && row!.by);
    expect(await liveDots(page, ".profile-plot").count()).toBe(2); // in time, and in bandwidth
    const hollow = page.locator('.profile-plot [data-marks=dot] path[fill*="--theme-background"]');
    expect(await hollow.count(), "what a report has unverified").toBeGreaterThan(0);
    expect(await page.locator(".profile-totals .yours").innerText()).toContain("Tiny");
    expect(await page.locator(".your-answer").innerText()).toContain("has no time for some of the stages");

    expect((await exportRecord(page)).record).toEqual(record);
    expect(await accessibilityViolations(page)).toEqual([]);
    await expectToFit(page, 360);
    expect(await page.locator(".norms tbody tr").first().innerText()).toMatch(/addNorm1/);
    await page.goto(new URL("/why", page.url()).href);
    const ratio = page.locator(".own-ratio p").first();
    await expect.poll(() => ratio.innerText()).toMatch(/: the stage o_proj takes .* of a token/);
    expect(problems).toEqual([]);
  });

  test("leads from a stage to its kernel, and begins with the arithmetic of the answer", async () => {
    const {page} = await openPage("/staged");
    const chosen = page.locator(".profile-plot label", {has: page.locator("input:checked")});
    await expect.poll(() => chosen.count()).toBe(2);
    const answer = await page.locator(".answer p", {hasText: "H200"}).innerText();
    for (const arithmetic of await chosen.allInnerTexts()) expect(answer).toContain(`in ${arithmetic.trim()}, and`);
    for (const name of ["down", "lm_head"]) {
      await page.locator("table a", {hasText: name}).click();
      const shown = page.locator("[role=tabpanel]:visible a").first();
      await expect.poll(() => shown.innerText()).toBe(`kernels/stages/${name}.wgsl`);
    }
  });
});
