import {describe, expect, test} from "vitest";
import {costSchema} from "./components/lab/cost-record.js";
import {exampleCost} from "./components/lab/lab-fakes.js";
import {testPage} from "./testing/page-tests.js";
import {
  accessibilityViolations,
  answerFigures,
  expectToFit,
  exportRecord,
  liveDots,
  liveRows,
  reach,
  records,
  useBrowser
} from "./testing/site.js";

const openPage = useBrowser();

testPage("/dispatch-cost", openPage);

describe("the panel of the experiment dispatch-cost", () => {
  const panel = "[data-experiment=dispatch-cost]";

  test("has no shape, takes the variants from the link, and starts nothing by itself", async () => {
    const {page} = await openPage("/dispatch-cost?variants=no-op,dispatches");
    await page.locator(".panel-device").waitFor(); // the adapter has been looked up
    expect(await page.locator(".cost-plot svg[role=img]").getAttribute("aria-label")).toMatch(
      /; Apple M2 Pro, reported: all but GPU time over 228 dispatches, [\d.]+\sµs\.$/
    );
    expect(await page.locator(".cost-plot figcaption").innerText()).toContain(
      "nobody has run this probe on an Apple M2 Pro"
    );
    expect(await page.locator("[name=shape]").count()).toBe(0);
    expect((await liveRows(page)).map(({variant}) => variant)).toEqual(["no-op", "dispatches"]);
    expect(await page.locator(panel).getAttribute("data-state")).toBe("idle");
    expect(await page.locator("[data-action=export]").innerText()).toBe("Export record");
    await page.uncheck("[type=checkbox][value=no-op]");
    expect(new URL(page.url()).search).toBe("?variants=dispatches");
  });

  test("runs some of the variants to done, and the page shows the reader's numbers", async () => {
    const {page, problems} = await openPage("/dispatch-cost?variants=no-op,dispatches,exchange-1");
    await page.click("[data-action=run]");
    await reach(page, "done");
    const [record] = await records(page);
    const measured = costSchema
      .parse(record)
      .rows.map((row) => (row.status === "measured" ? row.microsecondsPerOperation.median : NaN));
    const rows = await liveRows(page);
    expect(rows.map(({variant, status}) => [variant, status])).toEqual([
      ["no-op", "measured"],
      ["dispatches", "measured"],
      ["exchange-1", "measured"]
    ]);
    expect(rows.map(({microseconds}) => Number(microseconds))).toEqual(measured);
    const figures = await answerFigures(page);
    expect(figures.length).toBe(1); // one workgroup waits for nobody
    expect(figures[0]! / measured[1]!).toBeCloseTo(1, 1);
    expect(await liveDots(page, ".cost-plot").count()).toBe(3); // a wait, and the symbols of two lines
    expect(await page.locator('.cost-plot [data-marks=rule] line[stroke*="--colour-yours"]').count()).toBeGreaterThan(
      1
    );

    const exported = await exportRecord(page);
    expect(exported.record).toEqual(record);
    expect(exported.name).toMatch(/^\d{4}-\d\d-\d\d_dispatch-cost\.json$/);
    expect(await accessibilityViolations(page)).toEqual([]);
    await expectToFit(page, 360);
    await page.goto(new URL("/why", page.url()).href);
    const ratio = page.locator(".own-ratio p").first();
    await expect
      .poll(() => ratio.innerText())
      .toMatch(/a dispatch that needs the one before it costs [^,]* You ran it on/);
    expect(await ratio.innerText()).not.toContain("workgroup");

    const {cost, dispatches} = exampleCost();
    const [{median, p10, p90}, samples] = [dispatches.microsecondsPerOperation, dispatches.samples];
    const at = (times: number) => ({
      ...dispatches,
      samples: samples.map((sample) => ({...sample, milliseconds: times * sample.milliseconds})),
      microsecondsPerOperation: {median: times * median, p10: times * p10, p90: times * p90}
    });
    const exchange = (workgroups: number, times: number) => {
      return {...at(times), variant: `exchange-${workgroups}`, operation: "exchange", workgroups};
    };
    const waits = [exchange(1, 8), exchange(2, 6), exchange(128, 1), exchange(512, 4)];
    const stored = {...cost, rows: [at(2), ...waits]};
    await page.evaluate(
      ([key, runs]) => localStorage.setItem(key!, runs!),
      ["phi3-dispatch-notebook/runs/1", JSON.stringify({a: stored})]
    );
    await page.reload();
    await expect
      .poll(() => ratio.innerText())
      .toMatch(
        /costs 5\sµs, and to exchange all values costs 2\.5\sµs between 128 workgroups and 10\sµs between 512 workgroups: the dispatch costs 2 times and 0\.5 times as much\./
      );
    expect(problems).toEqual([]);
  });
});
