import {describe, expect, test} from "vitest";
import {runSchema} from "./components/lab/record.js";
import {testPage} from "./testing/page-tests.js";
import {accessibilityViolations, expectToFit, liveDots, reach, records, useBrowser} from "./testing/site.js";

const openPage = useBrowser();

testPage("/int4", openPage);

describe("the panel of the experiment int4", () => {
  test("runs the tiny shape to done in two formats, and the page compares them", async () => {
    const formats = "staged-int4,staged-float16";
    const {page, problems} = await openPage(`/int4?shape=tiny&variants=${formats}`);
    expect(await page.locator(".answer").innerText()).toMatch(/no record of this experiment yet|times as fast/);
    for (const id of ["2026-03-31_int4/qwen2-0.5b-24-layers", "replication-h200/headless-int4-qwen2-1-layer"]) {
      expect(await page.locator(`.weight-format-records [data-figure="${id}"]`).innerText()).toMatch(
        /Qwen2-sized, [^]*\sµs/
      );
    }
    await page.click("[data-action=run]");
    await reach(page, "done");
    const [record] = await records(page);
    const {rows} = runSchema.parse(record);
    expect(rows.map(({weightFormat, status}) => [weightFormat, status])).toEqual([
      ["int4", "measured"],
      ["float16", "measured"]
    ]);
    expect(await liveDots(page, ".weight-format-plot").count()).toBe(2);
    expect(await page.locator(".your-answer").innerText()).toMatch(
      /In float32 arithmetic, with all cores (it is faster|two formats are level).*: .*\. 18 dispatches .* from float16\./
    );
    expect(await accessibilityViolations(page)).toEqual([]);
    await expectToFit(page, 360);
    expect(problems).toEqual([]);
  });
});
