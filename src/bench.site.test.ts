import {readFile} from "node:fs/promises";
import type {Browser, Page} from "playwright-core";
import {afterAll, beforeAll, expect, inject, test} from "vitest";
import {sweepSchema, type SweepRecord} from "./components/lab/sweep-record.js";
import {launchBrowser} from "./testing/browser.js";

interface RecordingWindow {
  records: SweepRecord[];
}

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

test("the queue follows from the boxes and the link, each row can be struck, and nothing starts by itself", async () => {
  const page = await open("/bench?shapes=tiny&arithmetic=float32,magic&workgroups=1&sizes=default,64");
  await page.locator(".panel-device").waitFor();
  expect(await page.locator(".panel-missing").allInnerTexts()).toContainEqual(expect.stringContaining("“magic”"));
  const ids = ["tiny/fused-1-float32-subgroups", "tiny/fused-1-float32-subgroups-64", "tiny/staged-float32-subgroups"];
  expect((await rows(page)).map(({variant}) => variant)).toEqual(expect.arrayContaining(ids));
  const count = (await rows(page)).length;

  await page.uncheck(`.queue-rows [value="${ids[1]}"]`);
  expect((await rows(page)).length).toBe(count - 1);
  expect(await page.locator(".queue-summary").innerText()).toMatch(
    new RegExp(`^Queue: ${count - 1} rows at 1 shape, 1 struck`)
  );
  expect(new URL(page.url()).searchParams.get("without")).toBe(ids[1]);
  await page.uncheck("[data-axis=factorings] [value=fused]");
  expect(new URL(page.url()).searchParams.has("without")).toBe(false); // it has gone from the queue by itself
  expect((await rows(page)).map(({variant}) => variant)).not.toContain(ids[0]);

  await page.reload();
  await page.locator(".panel-device").waitFor();
  expect((await rows(page)).map(({variant}) => variant)).toContain(ids[2]);
  expect((await rows(page)).map(({variant}) => variant)).not.toContain(ids[0]);
  expect((await rows(page)).every(({status}) => status === "idle")).toBe(true);
  expect(await page.locator("[data-experiment=bench]").getAttribute("data-state")).toBe("idle");
  await page.uncheck("[data-axis=shapes] [value=tiny]");
  expect(await page.locator("[data-action=run]").isDisabled()).toBe(true);
  expect(await page.locator(".panel-status").innerText()).toContain("queue is empty");
  await page.close();
});

test("a sweep of two factorings runs to done, and the page shows its rows, its finding and its record", async () => {
  const page = await open("/bench?shapes=tiny&factorings=fused,staged&arithmetic=float32&workgroups=1");
  await page.evaluate(() => {
    const run = document.querySelector<HTMLButtonElement>("[data-action=run]")!;
    run.click();
    run.click();
  });
  await reach(page, "done");
  const [record, ...others] = await records(page);
  expect(others).toEqual([]);
  const {runs, cancelled} = sweepSchema.parse(record);
  expect(cancelled).toBe(false);
  expect(runs.map(({shape}) => shape.id)).toEqual(["tiny"]);
  const measured = runs[0]!.rows.map((row) => (row.status === "measured" ? row.tokensPerSecond.median : NaN));
  expect(await rows(page)).toMatchObject([
    {variant: "tiny/fused-1-float32-subgroups", status: "measured", tokensPerSecond: String(measured[0])},
    {variant: "tiny/staged-float32-subgroups", status: "measured", tokensPerSecond: String(measured[1])}
  ]);
  expect(await page.locator('.sweep-plots [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(2);
  const figures = (await page.locator(".your-answer strong").allInnerTexts()).map((text) =>
    Number.parseFloat(text.replaceAll(",", ""))
  );
  expect(figures.length).toBe(2);
  expect(figures[0]! / Math.max(...measured)).toBeCloseTo(1, 1);
  expect(figures[1]! / Math.min(...measured)).toBeCloseTo(1, 1);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-action=export]")]);
  expect(JSON.parse(await readFile(await download.path(), "utf8"))).toEqual(record);
  expect(download.suggestedFilename()).toMatch(/^\d{4}-\d\d-\d\d_sweep\.json$/);
  await page.setViewportSize({width: 360, height: 740});
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  await page.close();
});

test("a sweep that is cancelled keeps the shape that had ended, to see and to export", async () => {
  const page = await open("/bench?shapes=tiny,phi3-mini-1-layer&factorings=staged&arithmetic=float32");
  await page.click("[data-action=run]");
  await page.locator('[data-variant="phi3-mini-1-layer/staged-float32-subgroups"][data-status=preparing]').waitFor();
  const progress = await page.locator("progress").evaluate((bar) => (bar as HTMLProgressElement).value);
  expect(progress).toBeGreaterThanOrEqual(0.5);
  await page.click("[data-action=cancel]");
  await reach(page, "cancelled");
  expect(await page.locator(".panel-status").innerText()).toContain("1 shape of 2 had ended");
  expect((await rows(page)).map(({status}) => status)).toEqual(["measured", "cancelled"]);
  expect(await page.locator(".your-answer").innerText()).toContain("cancelled before “Phi-3-mini, 1 layer”");
  expect(await records(page)).toEqual([]);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-action=export]")]);
  expect(sweepSchema.parse(JSON.parse(await readFile(await download.path(), "utf8")))).toMatchObject({
    cancelled: true,
    runs: [{shape: {id: "tiny"}}],
    left: [{shape: "phi3-mini-1-layer", variants: ["staged-float32-subgroups"], message: "Cancelled."}]
  });
  await page.close();
});

async function open(path: string): Promise<Page> {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    const recording = window as unknown as RecordingWindow;
    recording.records = [];
    addEventListener("experiment-record", (event) =>
      recording.records.push((event as CustomEvent<SweepRecord>).detail)
    );
  });
  const page = await context.newPage();
  await page.goto(new URL(path, inject("siteOrigin")).href);
  await page.locator("[data-experiment=bench]").waitFor();
  return page;
}

/** Waits for a state of the panel; fails at once when the sweep ends in another one. */
async function reach(page: Page, state: string): Promise<void> {
  const reached = await page.waitForFunction(
    (wanted) => {
      const state = document.querySelector<HTMLElement>("[data-experiment=bench]")!.dataset.state!;
      return [wanted, "done", "failed", "unsupported"].includes(state) && state;
    },
    state,
    {timeout: 100_000}
  );
  expect(await reached.jsonValue(), await page.locator(".panel-status").innerText()).toBe(state);
}

function rows(page: Page): Promise<DOMStringMap[]> {
  return page.locator("[data-variant]").evaluateAll((rows) => rows.map((row) => ({...(row as HTMLElement).dataset})));
}

function records(page: Page): Promise<SweepRecord[]> {
  return page.evaluate(() => (window as unknown as RecordingWindow).records);
}
