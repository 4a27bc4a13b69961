import type {Page} from "playwright-core";
import {describe, expect, test} from "vitest";
import {runSchema} from "./components/lab/record.js";
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
  removeWebGPU,
  useBrowser
} from "./testing/site.js";

const openPage = useBrowser();

testPage("/", openPage);

describe("the panel of the experiment spectrum", () => {
  test("runs the tiny shape to done, and the page shows the reader's numbers", async () => {
    const {page, problems} = await openPage("/?shape=tiny&variants=fused,staged");
    let workers = 0;
    page.on("worker", () => ++workers);
    await page.evaluate(() => {
      const run = document.querySelector<HTMLButtonElement>("[data-action=run]")!;
      run.click();
      run.click();
    });
    await reach(page, "done");
    const [record, ...others] = await records(page);
    expect(others).toEqual([]);
    const {shape, rows: recorded} = runSchema.parse(record);
    expect(shape.id).toBe("tiny");
    expect(workers, "workers that compute the reference").toBeGreaterThan(0);
    const rows = await liveRows(page);
    expect(rows.map(({variant, status}) => [variant, status])).toEqual([
      ["fused", "measured"],
      ["staged", "measured"]
    ]);
    for (const {tokensPerSecond} of rows) expect(Number(tokensPerSecond)).toBeGreaterThan(0);
    expect(await liveDots(page, ".spectrum-plot").count()).toBe(2);
    const plot = page.locator(".spectrum-plot svg[role=img]");
    expect(await plot.textContent()).toMatch(/1\/16.*Fused, int4, 16 tokens a dispatch, 0\.248\s/s);
    const measured = recorded.map((row) => (row.status === "measured" ? row.tokensPerSecond.median : NaN));
    const figures = await answerFigures(page);
    figures.forEach((figure, i) => expect(figure / measured[i]!).toBeCloseTo(1, 1));
    expect(figures.length).toBe(2);

    expect((await exportRecord(page)).record).toEqual(record);
    expect(await accessibilityViolations(page)).toEqual([]);
    const unlabelled = page.locator(".spectrum-plot .unlabelled li");
    expect(await unlabelled.count(), "of a plot with room for tooltips").toBe(0);
    await expectToFit(page, 360);
    await expect
      .poll(() => unlabelled.allInnerTexts())
      .toContainEqual(expect.stringMatching(/^Chunked, .*: 2:\s.*, 4:/));
    expect(problems).toEqual([]);
  });

  test("cancels at any moment, runs again after it, and keeps the finished run until the next one ends", async () => {
    const {page, problems} = await openPage("/?shape=tiny&variants=staged");
    for (const state of ["preparing", "measuring"]) {
      await page.click("[data-action=run]");
      await reach(page, state);
      await page.click("[data-action=cancel]");
      await reach(page, "cancelled");
    }
    expect(await page.locator("[data-variant=staged]").getAttribute("data-tokens-per-second")).toBeNull();
    expect(await page.locator("[data-action=cancel], [data-action=export]").evaluateAll(areDisabled)).toEqual([
      true,
      true
    ]);
    expect(await records(page)).toEqual([]);
    expect(await liveDots(page, ".spectrum-plot").count()).toBe(0);
    await page.click("[data-action=run]");
    await reach(page, "done");

    const [record] = await records(page); // a finished run stays while the reader chooses, and after a cancelled one
    const shown = async () => ({
      rows: await page.locator("[data-variant]").allInnerTexts(),
      marks: await liveDots(page, ".spectrum-plot").count(),
      answer: await page.locator(".your-answer").innerText(),
      button: await page.locator("[data-action=export]").innerText()
    });
    const {shape} = runSchema.parse(record);
    const finished = await shown();
    expect(finished.marks).toBe(1);
    expect(finished.rows.join()).toContain(shape.label);
    expect(finished.button).toContain(shape.label);

    await page.selectOption("[name=shape]", "phi3-mini-1-layer");
    await page.check("[type=checkbox][value=fused]");
    expect(await panelState(page)).toBe("idle");
    expect(await shown()).toEqual(finished);

    await page.click("[data-action=run]");
    await page.locator("[data-variant=fused]").waitFor();
    expect(await page.locator("[data-action=export]").isDisabled()).toBe(true);
    await page.click("[data-action=cancel]");
    await reach(page, "cancelled");
    expect(await shown()).toEqual(finished);
    expect((await exportRecord(page)).record).toEqual(record);
    expect((await records(page)).length).toBe(1);
    expect(problems).toEqual([]);
  });

  test("takes shape and variants from the link, and starts nothing by itself", async () => {
    const {page} = await openPage("/?shape=phi3-mini-8-layers&variants=staged");
    expect(await page.locator("[name=shape]").inputValue()).toBe("phi3-mini-8-layers");
    await page.locator(".panel-device").waitFor(); // the adapter has been looked up
    expect(await page.locator("[name=shape]").inputValue()).toBe("phi3-mini-8-layers");
    expect((await liveRows(page)).map(({variant}) => variant)).toEqual(["staged"]);
    expect(await panelState(page)).toBe("idle");
  });

  test("falls back on what it has where the link names something else, and says so", async () => {
    const {page} = await openPage("/?shape=phi5&variants=magic");
    await page.locator(".panel-device").waitFor();
    expect(await page.locator("[name=shape]").inputValue()).toBe("tiny");
    const variants = (await liveRows(page)).map(({variant}) => variant);
    expect(variants).toEqual(["fused", "staged", "fused-portable", "staged-portable"]);
    const notes = (await page.locator(".panel-missing").allInnerTexts()).join();
    expect(notes).toContain("phi5");
    expect(notes).toContain("magic");
    expect(notes).not.toContain("phi3-mini-1-layer"); // what this adapter does not start with
  });

  test("cancels while the adapter does not answer, and asks for it again at the next run", async () => {
    const {page} = await openPage("/?shape=tiny&variants=staged", {script: holdAdapter});
    await page.click("[data-action=run]");
    await reach(page, "preparing");
    await page.click("[data-action=cancel]");
    await reach(page, "cancelled");
    await page.evaluate(() => (window as unknown as HoldingWindow).answer(null)); // the first is left waiting
    await page.click("[data-action=run]");
    await reach(page, "warming");
  });

  test("asks again for an adapter that was not there", async () => {
    const {page} = await openPage("/?shape=tiny&variants=staged", {script: holdAdapter});
    await page.click("[data-action=run]");
    await page.evaluate(() => (window as unknown as HoldingWindow).answer("none"));
    await reach(page, "unsupported");
    expect(await page.locator(".panel-missing").innerText()).toContain("no adapter");
    expect(await page.locator("[data-variant=staged]").getAttribute("data-status")).toBe("unsupported");
    await page.click("[data-action=run]");
    await reach(page, "warming");
  });

  test("runs the shape on the screen at the press, whatever the adapter turns out to be", async () => {
    const {page} = await openPage("/?variants=staged", {script: holdAdapter});
    expect(await page.locator("[name=shape]").inputValue()).toBe("phi3-mini-1-layer");
    await page.click("[data-action=run]");
    await page.evaluate(() => (window as unknown as HoldingWindow).answer("adapter"));
    await page.locator("[data-variant=staged][data-status=preparing]").waitFor();
    expect(await page.locator("[data-variant=staged]").innerText()).toMatch(/1 layer\b[^]*\b11\b/); // dispatches
    expect(await page.locator("[name=shape]").inputValue()).toBe("phi3-mini-1-layer");
    await page.click("[data-action=cancel]");
    await reach(page, "cancelled");
  });

  test("says in one line what to do when the device does not open, and the rest on hovering", async () => {
    const {page} = await openPage("/?shape=tiny&variants=staged", {script: failToOpen});
    await page.click("[data-action=run]");
    await reach(page, "failed");
    const status = page.locator(".panel-status");
    expect(await status.innerText()).toMatch(/did not open.*press Run again/);
    expect(await status.innerText()).not.toContain("Invalid limit");
    expect(await status.getAttribute("title")).toContain("Invalid limit.\n - While validating");
  });

  test("ticks no variant where none was ticked before a reload", async () => {
    const {page} = await openPage("/?shape=tiny&variants=staged");
    await page.uncheck("[type=checkbox][value=staged]");
    expect(await page.locator("[data-action=run]").isDisabled()).toBe(true);
    await page.reload();
    await page.locator("[data-experiment]").waitFor();
    expect(await page.locator("[type=checkbox]:checked").count()).toBe(0);
    expect(await page.locator("[data-action=run]").isDisabled()).toBe(true);
    expect(await page.locator(".panel-status").innerText()).toContain("at least one variant");
  });

  test("is unsupported without WebGPU, and the page says what is missing", async () => {
    const {page} = await openPage("/?shape=tiny", {script: removeWebGPU});
    expect(await panelState(page)).toBe("unsupported");
    expect(await page.locator(".panel-missing").innerText()).toContain("navigator.gpu");
    expect(await page.locator("[data-action=run]").isDisabled()).toBe(true);
    await page.selectOption("[name=shape]", "phi3-mini-8-layers");
    expect(await panelState(page)).toBe("unsupported");
    for (const row of await page.locator("[data-variant]").all()) {
      expect(await row.getAttribute("data-status")).toBe("unsupported");
    }
    expect(await page.locator(".spectrum-plot svg").count()).toBeGreaterThan(0);
    expect(await page.locator("[role=tabpanel]:visible pre").innerText()).toContain("fn main(");
  });
});

function panelState(page: Page): Promise<string | null> {
  return page.locator("[data-experiment=spectrum]").getAttribute("data-state");
}

function areDisabled(buttons: Element[]): boolean[] {
  return buttons.map((button) => (button as HTMLButtonElement).disabled);
}

/** Leaves a browser's devices closed. */
function failToOpen(): void {
  GPUAdapter.prototype.requestDevice = () => Promise.reject(new Error("Invalid limit.\n - While validating"));
}

interface HoldingWindow {
  /** Answers every request for an adapter so far, or none of them; later ones are not held. */
  answer(answer: "adapter" | "none" | null): void;
}

/** Leaves requests for an adapter without an answer until the page is told otherwise. */
function holdAdapter(): void {
  const request = GPU.prototype.requestAdapter;
  const answered = new Promise<string>((resolve) => {
    (window as unknown as HoldingWindow).answer = (answer) => {
      GPU.prototype.requestAdapter = request;
      if (answer) resolve(answer);
    };
  });
  GPU.prototype.requestAdapter = async function (options) {
    return (await answered) === "adapter" ? request.call(this, options) : null;
  };
}
