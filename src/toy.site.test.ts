import {describe, expect, test} from "vitest";
import {runSchema} from "./components/lab/record.js";
import {testPage} from "./testing/page-tests.js";
import {accessibilityViolations, expectToFit, liveDots, reach, records, useBrowser} from "./testing/site.js";

const openPage = useBrowser();

testPage("/toy", openPage);

describe("the panel of the experiment toy", () => {
  test("runs to done at one size and then at another, and the page keeps both", async () => {
    const {page, problems} = await openPage("/toy?shape=toy-32&variants=unfused,fused-64");
    await page.locator(".panel-device").waitFor();
    const marks = liveDots(page, ".toy-plot");
    await page.click("[data-action=run]");
    await reach(page, "done");
    expect(await marks.count()).toBe(2);
    expect(await page.locator(".your-answer").innerText()).toMatch(/^On your device, .* hidden size 32\b/);

    await page.selectOption("[name=shape]", "toy-64");
    await page.uncheck("[type=checkbox][value=unfused]");
    await page.click("[data-action=run]");
    await reach(page, "done");
    const made = (await records(page)).map((record) => runSchema.parse(record));
    expect(made.map(({shape, rows}) => [shape.id, ...rows.map(({variant, status}) => `${variant} ${status}`)])).toEqual(
      [
        ["toy-32", "unfused measured", "fused-64 measured"],
        ["toy-64", "fused-64 measured"]
      ]
    );
    expect(await page.locator("[data-variant=fused-64]").innerText()).toContain("64 wide");
    expect(await marks.count()).toBe(3);
    expect(await accessibilityViolations(page)).toEqual([]);
    await expectToFit(page, 360);
    expect(await page.locator(".toy-ratio-plot").count()).toBe(1);
    await page.goto(new URL("/why", page.url()).href);
    const ratio = page.locator(".own-ratio p").first();
    await expect.poll(() => ratio.innerText()).toMatch(/” decodes “Toy, 2 layers of (32|64)” at .*tok\/s/);
    expect(problems).toEqual([]);
  });
});
