import {describe, expect, test} from "vitest";
import {recordedFigures} from "./components/views/recorded-figures.js";
import {readResults} from "./data/read-results.js";
import {testPage} from "./testing/page-tests.js";
import {expectToFit, useBrowser} from "./testing/site.js";

const openPage = useBrowser();

testPage("/provenance", openPage);

describe("the page on provenance", () => {
  test("lists every recorded figure with a verdict, a source and its section", async () => {
    const {page, problems} = await openPage("/provenance");
    const rows = page.locator(".provenance-table [data-figure]");
    const figures = recordedFigures(readResults());
    const shown = await rows.evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.figure!));
    expect([...shown].sort()).toEqual(figures.map(({id}) => id).sort());
    for (const text of await rows.locator("td").allInnerTexts()) expect(text.trim()).not.toBe("");
    const headings = await page.locator("main h2").allInnerTexts();
    for (const title of await page.locator(".provenance-table [scope=rowgroup]").allInnerTexts()) {
      expect(headings.map((heading) => heading.replace(/#$/, "").trim())).toContain(title);
    }
    const headline = rows.and(page.locator('[data-figure="m2-pro-reported/fused-headline"]'));
    expect(await headline.innerText()).toMatch(/2\.2\stok\/s[^]*not one dispatch[^]*1 dispatch \(claimed\)[^]*M2 Pro/);
    expect(problems).toEqual([]);
  });

  test("draws every series of the times of a layer at both widths", async () => {
    const {page} = await openPage("/provenance");
    for (const width of [1280, 360]) {
      await expectToFit(page, width);
      await expect
        .poll(() =>
          page.locator(".layer-time-plot [data-marks=dot] path, .layer-time-plot [data-marks=dot] circle").count()
        )
        .toBe(11);
    }
  });
});
