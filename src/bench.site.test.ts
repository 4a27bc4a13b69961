import {expect, test} from "vitest";
import {sweepSchema} from "./components/lab/sweep-record.js";
import {testPage} from "./testing/page-tests.js";
import {
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

testPage("/bench", openPage);

test("the queue follows from the boxes and the link, each row can be struck, and nothing starts by itself", async () => {
  const {page} = await openPage("/bench?shapes=tiny&arithmetic=float32,magic&workgroups=1&sizes=default,64");
  await page.locator(".panel-device").waitFor();
  expect(await page.locator(".panel-missing").allInnerTexts()).toContainEqual(expect.stringContaining("“magic”"));
  const ids = ["tiny/fused-1-float32-subgroups", "tiny/fused-1-float32-subgroups-64", "tiny/staged-float32-subgroups"];
  expect((await liveRows(page)).map(({variant}) => variant)).toEqual(expect.arrayContaining(ids));
  const count = (await liveRows(page)).length;

  await page.uncheck(`.queue-rows [value="${ids[1]}"]`);
  expect((await liveRows(page)).length).toBe(count - 1);
  expect(await page.locator(".queue-summary").innerText()).toMatch(
    new RegExp(`^Queue: ${count - 1} rows at 1 shape, 1 struck`)
  );
  expect(new URL(page.url()).searchParams.get("without")).toBe(ids[1]);
  await page.uncheck("[data-axis=factorings] [value=fused]");
  expect(new URL(page.url()).searchParams.has("without")).toBe(false); // it has gone from the queue by itself
  expect((await liveRows(page)).map(({variant}) => variant)).not.toContain(ids[0]);

  await page.reload();
  await page.locator(".panel-device").waitFor();
  expect((await liveRows(page)).map(({variant}) => variant)).toContain(ids[2]);
  expect((await liveRows(page)).map(({variant}) => variant)).not.toContain(ids[0]);
  expect((await liveRows(page)).every(({status}) => status === "idle")).toBe(true);
  expect(await page.locator("[data-experiment=bench]").getAttribute("data-state")).toBe("idle");
  const variants = async () => (await liveRows(page)).map(({variant}) => variant);
  const chunked = "tiny/chunked-2-float32-subgroups";
  expect(await variants()).toContain(chunked);
  for (const {axis, value, checked} of [
    {axis: "dispatches", value: "32", checked: true}, // more than it has layers
    {axis: "dispatches", value: "2", checked: false}
  ]) {
    await page.setChecked(`[data-axis=${axis}] [value="${value}"]`, checked);
  }
  expect((await variants()).filter((id) => id!.includes("chunked"))).toEqual([]);
  await page.check("[data-axis=factorings] [value=fused]");
  await page.check('[data-axis=workgroups] [value="4"]');
  await page.check("[data-axis=activations] [value=registers]");
  expect(await variants()).toContain("tiny/fused-4-float32-subgroups-64-registers");
  await page.check("[data-axis=tokens] [value='16']");
  await page.reload();
  await page.locator(".panel-device").waitFor();
  expect(await variants()).toContain("tiny/fused-4-float32-subgroups-64-registers");
  expect(await variants()).toContain("tiny/fused-1-float32-subgroups-64-16-tokens");
  expect(await variants()).not.toContain(chunked);
  await page.uncheck("[data-axis=shapes] [value=tiny]");
  expect(await page.locator("[data-action=run]").isDisabled()).toBe(true);
  expect(await page.locator(".panel-status").innerText()).toContain("queue is empty");
});

test("a link that names no shape there is leaves the choice of it to the adapter, and is said not to be understood", async () => {
  const {page} = await openPage("/bench?shapes=nonsense&variants=staged&factorings=chunked&dispatches=32");
  await page.locator(".panel-device").waitFor();
  const chosen = page.locator("[data-axis=shapes] input:checked");
  await expect
    .poll(() => chosen.evaluateAll((boxes) => boxes.map((box) => (box as HTMLInputElement).value)))
    .toEqual(["tiny"]);
  expect((await page.locator(".panel-missing").allInnerTexts()).join()).toMatch(
    /link was not understood\. “variants” is a name of the other pages.*“nonsense”/
  );
  await expect
    .poll(() => page.locator(".panel-status").innerText())
    .toBe("The queue is empty. The layers of “Tiny, 2 layers of 192” do not make 32 groups of equal size.");
  expect(await page.locator("[data-action=run]").isDisabled()).toBe(true);
  expect(await page.locator(".sweep-found tbody tr").count()).toBe(4);

  await page.locator("a", {hasText: "This queue"}).click();
  await page.locator(".panel-device").waitFor();
  const rows = (await liveRows(page)).map(({variant}) => variant);
  expect(rows.length).toBe(6);
  expect(rows).toContain("width-1792/fused-1-float32-float32-weights-subgroups-64-64-tokens");
});

test("a sweep of two factorings runs to done, and the page shows its rows, its finding and its record", async () => {
  const chosen = "shapes=tiny&factorings=fused,staged&arithmetic=float32&workgroups=1&tokens=4";
  const {page} = await openPage(`/bench?${chosen}`);
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
  expect(await liveRows(page)).toMatchObject([
    {variant: "tiny/fused-1-float32-subgroups-4-tokens", status: "measured", tokensPerSecond: String(measured[0])},
    {variant: "tiny/staged-float32-subgroups", status: "measured", tokensPerSecond: String(measured[1])}
  ]);
  expect(await liveDots(page, ".sweep-plots").count()).toBe(2);
  const figures = await answerFigures(page);
  expect(figures.length).toBe(2);
  expect(figures[0]! / Math.max(...measured)).toBeCloseTo(1, 1);
  expect(figures[1]! / Math.min(...measured)).toBeCloseTo(1, 1);
  const exported = await exportRecord(page);
  expect(exported.record).toEqual(record);
  expect(exported.name).toMatch(/^\d{4}-\d\d-\d\d_sweep\.json$/);
  await expectToFit(page, 360);
});

test("a sweep that is cancelled keeps the shape that had ended, to see and to export", async () => {
  const {page} = await openPage("/bench?shapes=tiny,phi3-mini-1-layer&factorings=staged&arithmetic=float32");
  await page.click("[data-action=run]");
  await page.locator('[data-variant="phi3-mini-1-layer/staged-float32-subgroups"][data-status=preparing]').waitFor();
  const progress = await page.locator("progress").evaluate((bar) => (bar as HTMLProgressElement).value);
  expect(progress).toBeGreaterThanOrEqual(0.5);
  await page.click("[data-action=cancel]");
  await reach(page, "cancelled");
  expect(await page.locator(".panel-status").innerText()).toContain("1 shape of 2 had ended");
  expect((await liveRows(page)).map(({status}) => status)).toEqual(["measured", "cancelled"]);
  expect(await page.locator(".your-answer").innerText()).toContain("cancelled before “Phi-3-mini, 1 layer”");
  expect(await records(page)).toEqual([]);
  expect(sweepSchema.parse((await exportRecord(page)).record)).toMatchObject({
    cancelled: true,
    runs: [{shape: {id: "tiny"}}],
    left: [{shape: "phi3-mini-1-layer", variants: ["staged-float32-subgroups"], message: "Cancelled."}]
  });
});
