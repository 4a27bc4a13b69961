import {readdirSync} from "node:fs";
import {readFile} from "node:fs/promises";
import axe from "axe-core";
import type {Browser, BrowserContextOptions, Page} from "playwright-core";
import {afterAll, beforeAll, describe, expect, inject, test} from "vitest";
import type {Gpu} from "./components/gpu/device.js";
import {costSchema} from "./components/lab/cost-record.js";
import {profileSchema} from "./components/lab/profile-record.js";
import {runSchema, type RunRecord} from "./components/lab/record.js";
import {recordedFigures} from "./components/views/recorded-figures.js";
import {readResults} from "./data/read-results.js";
import {listExperiments} from "./components/lab/experiments.js";
import {readKernels} from "./data/read-kernels.js";
import {launchBrowser} from "./testing/browser.js";

const origin = inject("siteOrigin");
const pages = readdirSync("dist", {recursive: true, encoding: "utf8"})
  .filter((file) => file.endsWith(".html"))
  .map((file) => `/${file.replaceAll("\\", "/").replace(/(^|\/)index\.html$|\.html$/, "$1")}`)
  .sort();

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

test("the site has pages", () => {
  expect(pages).toContain("/");
  expect(pages).toContain("/bench");
  expect(pages).toContain("/dispatch-cost");
  expect(pages).toContain("/fused");
  expect(pages).toContain("/geometry");
  expect(pages).toContain("/int4");
  expect(pages).toContain("/limits");
  expect(pages).toContain("/method");
  expect(pages).toContain("/provenance");
  expect(pages).toContain("/staged");
  expect(pages).toContain("/tiling");
  expect(pages).toContain("/toy");
  expect(pages).toContain("/why");
});

const experiments = listExperiments({kernels: readKernels()});

test.each(experiments.map(({id, page}) => [id, page]))("the panel of %s is on %s", async (id, path) => {
  const {page} = await openPage(path);
  await page.locator(`[data-experiment=${id}]`).waitFor({state: "attached"});
  await page.context().close();
});

describe.each(pages)("%s", (path) => {
  test("opens with no error and asks only its own origin", async () => {
    const {page, problems} = await openPage(path);
    expect(problems).toEqual([]);
    expect(await page.locator(".observablehq--error").allInnerTexts()).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("en");
    expect(await page.locator("h1").count()).toBe(1);
    // A note of the record says what a page checked: "neither zero nor NaN".
    expect(await page.locator("main").innerText()).not.toMatch(/(?<!nor )\b(NaN|undefined|Infinity)\b|\[object/);
    await page.context().close();
  });

  test("links to nothing that is not there", async () => {
    const {page} = await openPage(path);
    const links = await page
      .locator("a[href]")
      .evaluateAll((anchors) => anchors.map((a) => (a as HTMLAnchorElement).href));
    const internal = links.filter((href) => href.startsWith(origin)).map((href) => new URL(href));
    expect(internal.length).toBeGreaterThan(0);
    for (const path of new Set(internal.map(({pathname}) => pathname))) {
      const response = await page.goto(new URL(path, origin).href);
      expect(response?.status(), path).toBeLessThan(400);
      const hashes = internal.filter(({pathname, hash}) => pathname === path && hash).map(({hash}) => hash.slice(1));
      const missing = async () => {
        const ids = new Set(await page.locator("[id]").evaluateAll((elements) => elements.map(({id}) => id)));
        return hashes.filter((hash) => !ids.has(decodeURIComponent(hash)));
      };
      await expect.poll(missing, {timeout: 10_000}).toEqual([]); // a page may still be putting itself together
    }
    await page.context().close();
  });

  test("reads whole without WebGPU", async () => {
    const withWebGPU = await openPage(path);
    const headings = await withWebGPU.page.locator("main :is(h1, h2, h3)").allInnerTexts();
    await withWebGPU.page.context().close();
    const {page, problems} = await openPage(path, {}, removeWebGPU);
    expect(problems).toEqual([]);
    expect(await page.locator("main :is(h1, h2, h3)").allInnerTexts()).toEqual(headings);
    for (const panel of await page.locator("[data-experiment]").all()) {
      expect(await panel.getAttribute("data-state")).toBe("unsupported");
    }
    await page.context().close();
  });

  test("fits a screen of 360 px", async () => {
    const {page} = await openPage(path, {viewport: {width: 360, height: 740}});
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.context().close();
  });

  test.each(["light", "dark"] as const)("passes axe's WCAG 2 A and AA rules in the %s theme", async (colorScheme) => {
    const {page} = await openPage(path, {colorScheme});
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.context().close();
  });
});

describe("the panel of the experiment spectrum", () => {
  test("runs the tiny shape to done, and the page shows the reader's numbers", async () => {
    const {page, problems} = await openPage("/?shape=tiny&variants=fused,staged", {}, keepRecords);
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
    expect(runSchema.parse(record).shape.id).toBe("tiny");
    expect(workers, "workers that compute the reference").toBeGreaterThan(0);
    const rows = await page
      .locator("[data-variant]")
      .evaluateAll((rows) => rows.map((row) => ({...(row as HTMLElement).dataset})));
    expect(rows.map(({variant, status}) => [variant, status])).toEqual([
      ["fused", "measured"],
      ["staged", "measured"]
    ]);
    for (const {tokensPerSecond} of rows) expect(Number(tokensPerSecond)).toBeGreaterThan(0);
    expect(await page.locator(liveMarks).count()).toBe(2);
    const measured = record!.rows.map((row) => (row.status === "measured" ? row.tokensPerSecond.median : NaN));
    const figures = (await page.locator(".your-answer strong").allInnerTexts()).map((text) =>
      Number.parseFloat(text.replaceAll(",", ""))
    );
    figures.forEach((figure, i) => expect(figure / measured[i]!).toBeCloseTo(1, 1));
    expect(figures.length).toBe(2);

    const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-action=export]")]);
    expect(JSON.parse(await readFile(await download.path(), "utf8"))).toEqual(record);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("cancels at any moment, runs again after it, and keeps the finished run until the next one ends", async () => {
    const {page, problems} = await openPage("/?shape=tiny&variants=staged", {}, keepRecords);
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
    expect(await page.locator(liveMarks).count()).toBe(0);
    await page.click("[data-action=run]");
    await reach(page, "done");

    const [record] = await records(page); // a finished run stays while the reader chooses, and after a cancelled one
    const shown = async () => ({
      rows: await page.locator("[data-variant]").allInnerTexts(),
      marks: await page.locator(liveMarks).count(),
      answer: await page.locator(".your-answer").innerText(),
      button: await page.locator("[data-action=export]").innerText()
    });
    const finished = await shown();
    expect(finished.marks).toBe(1);
    expect(finished.rows.join()).toContain(record!.shape.label);
    expect(finished.button).toContain(record!.shape.label);

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
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-action=export]")]);
    expect(JSON.parse(await readFile(await download.path(), "utf8"))).toEqual(record);
    expect((await records(page)).length).toBe(1);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("takes shape and variants from the link, and starts nothing by itself", async () => {
    const {page} = await openPage("/?shape=phi3-mini-8-layers&variants=staged");
    expect(await page.locator("[name=shape]").inputValue()).toBe("phi3-mini-8-layers");
    await page.locator(".panel-device").waitFor(); // the adapter has been looked up
    expect(await page.locator("[name=shape]").inputValue()).toBe("phi3-mini-8-layers");
    expect(await variants(page)).toEqual(["staged"]);
    expect(await panelState(page)).toBe("idle");
    await page.context().close();
  });

  test("falls back on what it has where the link names something else, and says so", async () => {
    const {page} = await openPage("/?shape=phi5&variants=magic");
    await page.locator(".panel-device").waitFor();
    expect(await page.locator("[name=shape]").inputValue()).toBe("tiny");
    expect(await variants(page)).toEqual(["fused", "staged", "fused-portable", "staged-portable"]);
    const notes = (await page.locator(".panel-missing").allInnerTexts()).join();
    expect(notes).toContain("phi5");
    expect(notes).toContain("magic");
    expect(notes).not.toContain("phi3-mini-1-layer"); // what this adapter does not start with
    await page.context().close();
  });

  test("cancels while the adapter does not answer, and asks for it again at the next run", async () => {
    const {page} = await openPage("/?shape=tiny&variants=staged", {}, holdAdapter);
    await page.click("[data-action=run]");
    await reach(page, "preparing");
    await page.click("[data-action=cancel]");
    await reach(page, "cancelled");
    await page.evaluate(() => (window as unknown as HoldingWindow).answer(null)); // the first is left waiting
    await page.click("[data-action=run]");
    await reach(page, "warming");
    await page.context().close();
  });

  test("asks again for an adapter that was not there", async () => {
    const {page} = await openPage("/?shape=tiny&variants=staged", {}, holdAdapter);
    await page.click("[data-action=run]");
    await page.evaluate(() => (window as unknown as HoldingWindow).answer("none"));
    await reach(page, "unsupported");
    expect(await page.locator(".panel-missing").innerText()).toContain("no adapter");
    expect(await page.locator("[data-variant=staged]").getAttribute("data-status")).toBe("unsupported");
    await page.click("[data-action=run]");
    await reach(page, "warming");
    await page.context().close();
  });

  test("runs the shape on the screen at the press, whatever the adapter turns out to be", async () => {
    const {page} = await openPage("/?variants=staged", {}, holdAdapter);
    expect(await page.locator("[name=shape]").inputValue()).toBe("phi3-mini-1-layer");
    await page.click("[data-action=run]");
    await page.evaluate(() => (window as unknown as HoldingWindow).answer("adapter"));
    await page.locator("[data-variant=staged][data-status=preparing]").waitFor();
    expect(await page.locator("[data-variant=staged]").innerText()).toMatch(/1 layer\b[^]*\b11\b/); // dispatches
    expect(await page.locator("[name=shape]").inputValue()).toBe("phi3-mini-1-layer");
    await page.click("[data-action=cancel]");
    await reach(page, "cancelled");
    await page.context().close();
  });

  test("says in one line what to do when the device does not open, and the rest on hovering", async () => {
    const {page} = await openPage("/?shape=tiny&variants=staged", {}, () => {
      GPUAdapter.prototype.requestDevice = () => Promise.reject(new Error("Invalid limit.\n - While validating"));
    });
    await page.click("[data-action=run]");
    await reach(page, "failed");
    const status = page.locator(".panel-status");
    expect(await status.innerText()).toMatch(/did not open.*press Run again/);
    expect(await status.innerText()).not.toContain("Invalid limit");
    expect(await status.getAttribute("title")).toContain("Invalid limit.\n - While validating");
    await page.context().close();
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
    await page.context().close();
  });

  test("is unsupported without WebGPU, and the page says what is missing", async () => {
    const {page} = await openPage("/?shape=tiny", {}, removeWebGPU);
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
    await page.context().close();
  });
});

describe("a panel with variants whose workgroups wait for each other", () => {
  test("asks for the reader's word, which it does not remember, before it runs them", async () => {
    const {page, problems} = await openPage("/", {}, mountWaitingPanel);
    const panel = page.locator("[data-experiment=fake]");
    const box = panel.locator("[data-action=allow-waits]");
    const row = panel.locator("[data-variant=waiting]");
    const run = panel.locator("[data-action=run]");
    const prepared = () => page.evaluate(() => (window as unknown as WaitingWindow).prepared);
    await panel.locator(".panel-device").waitFor();
    expect(await box.isChecked()).toBe(false);
    expect(
      await box.evaluate((box) => document.getElementById(box.getAttribute("aria-describedby")!)!.innerText)
    ).toMatch(/WebGPU does not promise/);
    expect(await row.getAttribute("data-status")).toBe("declined");
    expect(await row.innerText()).toMatch(/wait for each other: tick the box/);
    await panel.locator("summary").click();
    expect(await panel.locator("details a").count()).toBeGreaterThan(0);
    expect(await accessibilityViolations(page)).toEqual([]);

    await run.click(); // the other variant runs without it
    await page.waitForFunction(() => document.querySelector("[data-experiment=fake][data-state=failed]"));
    expect(await row.getAttribute("data-status")).toBe("declined");
    expect(await prepared()).toEqual(["alone"]);

    await panel.locator("[type=checkbox][value=alone]").uncheck();
    expect(await panel.locator(".panel-status").innerText()).toContain("tick the box that allows it");
    await run.click(); // nothing to run: the keyboard goes to the box
    expect(await box.evaluate((box) => box === document.activeElement)).toBe(true);
    expect(await prepared()).toEqual(["alone"]);

    const address = page.url();
    await page.keyboard.press("Space");
    expect(await panel.locator(".panel-status").innerText()).not.toContain("tick the box");
    expect(page.url()).toBe(address);
    await run.click();
    await row.and(page.locator("[data-status=preparing]")).waitFor();
    expect(await box.isDisabled()).toBe(true);
    await panel.locator("[data-action=cancel]").click();
    await page.waitForFunction(() => document.querySelector("[data-experiment=fake][data-state=cancelled]"));
    expect(await prepared()).toEqual(["alone", "waiting"]);
    expect(await box.isDisabled()).toBe(false);

    await page.reload();
    await panel.locator(".panel-device").waitFor();
    expect(await box.isChecked()).toBe(false);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("is the only one with the box", async () => {
    const {page} = await openPage("/");
    expect(await page.locator("[data-experiment=spectrum] [data-action=allow-waits]").isVisible()).toBe(false);
    await page.context().close();
  });
});

describe("the panel of the experiment dispatch-cost", () => {
  const panel = "[data-experiment=dispatch-cost]";

  test("has no shape, takes the variants from the link, and starts nothing by itself", async () => {
    const {page} = await openPage("/dispatch-cost?variants=no-op,dispatches");
    await page.locator(".panel-device").waitFor(); // the adapter has been looked up
    expect(await page.locator("[name=shape]").count()).toBe(0);
    expect(await variants(page)).toEqual(["no-op", "dispatches"]);
    expect(await page.locator(panel).getAttribute("data-state")).toBe("idle");
    expect(await page.locator("[data-action=export]").innerText()).toBe("Export record");
    await page.uncheck("[type=checkbox][value=no-op]");
    expect(new URL(page.url()).search).toBe("?variants=dispatches");
    await page.context().close();
  });

  test("runs some of the variants to done, and the page shows the reader's numbers", async () => {
    const {page, problems} = await openPage("/dispatch-cost?variants=no-op,dispatches,exchange-1", {}, keepRecords);
    await page.click("[data-action=run]");
    await reach(page, "done");
    const [record] = (await records(page)) as unknown[];
    const measured = costSchema
      .parse(record)
      .rows.map((row) => (row.status === "measured" ? row.microsecondsPerOperation.median : NaN));
    const rows = await page
      .locator("[data-variant]")
      .evaluateAll((rows) => rows.map((row) => ({...(row as HTMLElement).dataset})));
    expect(rows.map(({variant, status}) => [variant, status])).toEqual([
      ["no-op", "measured"],
      ["dispatches", "measured"],
      ["exchange-1", "measured"]
    ]);
    expect(rows.map(({microseconds}) => Number(microseconds))).toEqual(measured);
    const figures = (await page.locator(".your-answer strong").allInnerTexts()).map((text) =>
      Number.parseFloat(text.replaceAll(",", ""))
    );
    expect(figures.length).toBe(2);
    figures.forEach((figure, i) => expect(figure / measured[i + 1]!).toBeCloseTo(1, 1));
    expect(await page.locator('.cost-plot [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(1);
    expect(await page.locator('.cost-plot [data-marks=rule] line[stroke*="--colour-yours"]').count()).toBeGreaterThan(
      1
    );

    const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-action=export]")]);
    expect(JSON.parse(await readFile(await download.path(), "utf8"))).toEqual(record);
    expect(download.suggestedFilename()).toMatch(/^\d{4}-\d\d-\d\d_dispatch-cost\.json$/);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

describe("the page on limits", () => {
  test("runs some of the reads to done, and the page shows what one workgroup reaches", async () => {
    const {page, problems} = await openPage("/limits?variants=read-4,read-1-of-64,resident-64", {}, keepRecords);
    const panel = page.locator("[data-experiment=limits]");
    await panel.locator(".panel-device").waitFor();
    expect(await panel.locator("[data-variant=resident-64]").getAttribute("data-status")).toBe("declined");
    await panel.locator("[data-action=run]").click();
    await reach(page, "done");
    const [record] = (await records(page)) as unknown[];
    const {rows} = costSchema.parse(record);
    expect(rows).toMatchObject([
      {variant: "read-4", status: "measured", workgroups: 4},
      {variant: "read-1-of-64", status: "measured", workgroupSize: 64},
      {variant: "resident-64", status: "declined", workgroups: null}
    ]);
    const rates = rows.map((row) =>
      row.status === "measured" ? row.bytesPerOperation! / row.microsecondsPerOperation.median / 1000 : 0
    );
    const figures = (await page.locator(".your-answer strong").allInnerTexts()).map(
      (text) => Number.parseFloat(text) / (text.includes("MB/s") ? 1000 : 1)
    );
    expect(figures[0]! / rates[1]!).toBeCloseTo(1, 1); // in GB/s
    if (rates[0]! > rates[1]!) expect(figures[1]! / rates[0]!).toBeCloseTo(1, 1);
    expect(await panel.locator("[data-variant=read-4]").innerText()).toMatch(/[GM]B\/s/);
    expect(await page.locator('.bandwidth-plot [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(2);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("has the reader's own limits beside the defaults, and says what fits as the size changes", async () => {
    const {page, problems} = await openPage("/limits");
    await page.locator('.device-limits th:has-text("Yours")').waitFor();
    const limit = page.locator("[data-limit=maxComputeInvocationsPerWorkgroup] td");
    const invocations = await page.evaluate(
      async () => (await navigator.gpu.requestAdapter())!.limits.maxComputeInvocationsPerWorkgroup
    );
    expect(await limit.first().innerText()).toBe("256");
    expect((await limit.last().innerText()).replace(",", "")).toBe(String(invocations));

    const form = page.locator(".shape-form");
    const byDefault = page.locator(".fit-report [data-design=fused]").first();
    const text = () => byDefault.innerText();
    await expect.poll(text).toMatch(/no\s+16\s+6\s/); // 16 bindings; 6 layers would fit
    await form.locator("[name=layers]").fill("6");
    await expect.poll(text).toMatch(/yes\s+3\s+6\s/);
    await form.locator("[name=hidden]").fill("3000");
    await expect.poll(() => form.locator("[role=status]").innerText()).toMatch(/3000 is no multiple of 96/);
    await expect.poll(() => page.locator(".fit-report").count()).toBe(0);
    await form.locator("[name=preset]").selectOption("llama-1b");
    await expect.poll(text).toMatch(/no\s+–\s+none\s+768\s/); // the vocabulary is too large for a binding
    expect(await form.locator("[name=layers]").inputValue()).toBe("16");
    await form.locator("[name=vocabulary]").fill("32000");
    await expect.poll(text).toMatch(/no\s+6\s+9\s/);
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("without WebGPU still has the defaults, the recorded devices and the calculator", async () => {
    const {page} = await openPage("/limits", {}, removeWebGPU);
    const headers = await page.locator(".device-limits thead th").allInnerTexts();
    expect(headers.join()).toContain("WebGPU’s defaults");
    expect(headers.join()).toContain("NVIDIA H200 in Node");
    expect(headers.join()).not.toContain("Yours");
    expect(await page.locator(".fit-report [data-fits]").count()).toBeGreaterThan(3);
    await page.context().close();
  });
});

describe("the panel of the experiment chunks", () => {
  const panel = "[data-experiment=chunks]";

  test("runs one workgroup in one dispatch and in two, with and without waits, to done", async () => {
    const ids = ["fused", "chunked-2", "chunked-2-awaited", "chunked-32"];
    const {page, problems} = await openPage(`/fused?shape=tiny&variants=${ids.join()}`, {}, keepRecords);
    await page.click("[data-action=run]");
    await reach(page, "done", panel);
    const [record] = await records(page);
    const {rows, experiment} = runSchema.parse(record);
    expect(experiment).toBe("chunks");
    expect(rows.map((row) => [row.variant, row.status, row.dispatchesPerToken, row.awaited ?? false])).toEqual([
      ["fused", "measured", 1, false],
      ["chunked-2", "measured", 2, false],
      ["chunked-32", "unsupported", 32, false],
      ["chunked-2-awaited", "measured", 2, true]
    ]);
    const row = (id: string) => page.locator(`${panel} [data-variant=${id}]`);
    expect(await row("chunked-32").innerText()).toContain("32 dispatches of whole layers need 32 layers");
    expect(await page.locator(".your-answer").innerText()).toMatch(
      /^On your device, .* Where the CPU waits for each of 2, it is /
    );
    expect(await page.locator('.chunks-plot [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(3);
    expect(await page.locator('.weight-time-plot [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(1);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

describe("the panels of the page on one dispatch with many workgroups", () => {
  const workgroups = "[data-experiment=workgroups]";
  const geometry = "[data-experiment=geometry]";

  test("have shapes and variants of their own in the link, and start nothing by themselves", async () => {
    const {page, problems} = await openPage(
      "/geometry?shape=tiny&variants=staged,fused-2&ablation-shape=phi3-mini&ablation-variants=single-64"
    );
    await page.locator(`${workgroups} .panel-device`).waitFor();
    await page.locator(`${geometry} .panel-device`).waitFor();
    const chosen = (panel: string) =>
      page
        .locator(`${panel} [data-variant]`)
        .evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.variant));
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
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("runs workgroups that wait only where the reader allowed it, to done", async () => {
    const {page, problems} = await openPage("/geometry?shape=tiny&variants=staged,fused-1,fused-2", {}, keepRecords);
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
    expect(await page.locator('.workgroups-plot [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(points);
    expect(await page.locator(".your-answer").first().innerText()).toMatch(/^On your device, .*\stok\/s/);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("run one after the other, and show the reader's own ablations in their plot", async () => {
    const {page, problems} = await openPage(
      "/geometry?shape=tiny&variants=staged&ablation-shape=tiny&ablation-variants=single-64",
      {},
      keepRecords
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
    expect(await page.locator('.ablation-plot [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(1);
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

describe("the page on one workgroup", () => {
  test("runs rungs at tiny to done, and shows the reader's own climb", async () => {
    const {page, problems} = await openPage("/tiling?shape=tiny&variants=record-64,teams", {}, keepRecords);
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
    expect(await page.locator(".your-answer").innerText()).toMatch(
      /^On your device, .*\stok\/s .*( times as many|, and no later rung measured is faster)/
    );
    expect(await page.locator('.ablation-plot [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(2);
    const climb = page.locator(".ladder-table").first();
    expect(await climb.locator("tbody tr").first().innerText()).toMatch(
      /^1\. The recorded style, 64 invocations\s+[\d.,]+/
    );
    expect(await page.locator(".no-gains li").first().innerText()).toMatch(/^In your run, 2 layers: /);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

describe("the panel of the experiment stages", () => {
  test("times a stage of the tiny shape to done, and the page shows the reader's numbers", async () => {
    const {page, problems} = await openPage("/staged?shape=tiny&variants=o_proj", {}, keepRecords);
    await page.click("[data-action=run]");
    await reach(page, "done");
    const [record] = (await records(page)) as unknown[];
    const {rows, position} = profileSchema.parse(record);
    expect(position).toBe(128);
    expect(rows).toMatchObject([{part: "o_proj", instrumented: true, status: "measured", calls: 2}]);
    const [row] = rows;
    const shown = await page.locator("[data-variant=o_proj]").getAttribute("data-milliseconds");
    expect(Number(shown)).toBe(row!.status === "measured" && row!.millisecondsPerToken.median);
    expect(await page.locator("[data-variant=o_proj]").innerText()).toContain(row!.status === "measured" && row!.by);
    const live = '.profile-plot [data-marks=dot] path[fill*="--colour-yours"]';
    expect(await page.locator(live).count()).toBe(2); // in time, and in bandwidth
    expect(await page.locator(".profile-totals .yours").innerText()).toContain("Tiny");
    expect(await page.locator(".your-answer").innerText()).toContain("has no time for some of the stages");

    const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-action=export]")]);
    expect(JSON.parse(await readFile(await download.path(), "utf8"))).toEqual(record);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("leads from a stage to its kernel", async () => {
    const {page} = await openPage("/staged");
    for (const name of ["down", "lm_head"]) {
      await page.locator("table a", {hasText: name}).click();
      expect(await page.locator("[role=tabpanel]:visible a").first().innerText()).toBe(`kernels/stages/${name}.wgsl`);
    }
    await page.context().close();
  });
});

describe("the panel of the experiment int4", () => {
  test("runs the tiny shape to done in two formats, and the page compares them", async () => {
    const formats = "staged-int4,staged-float16";
    const {page, problems} = await openPage(`/int4?shape=tiny&variants=${formats}`, {}, keepRecords);
    expect(await page.locator(".answer").innerText()).toMatch(/no record of this experiment yet|tok\/s/);
    await page.click("[data-action=run]");
    await reach(page, "done");
    const [record] = await records(page);
    const {rows} = runSchema.parse(record);
    expect(rows.map(({weightFormat, status}) => [weightFormat, status])).toEqual([
      ["int4", "measured"],
      ["float16", "measured"]
    ]);
    expect(await page.locator('.weight-format-plot [data-marks=dot] path[fill*="--colour-yours"]').count()).toBe(2);
    expect(await page.locator(".your-answer").innerText()).toMatch(/with all cores\. 18 dispatches .* from float16: /);
    expect(await accessibilityViolations(page)).toEqual([]);
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

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
    await page.context().close();
  });

  test("draws every series of the times of a layer at both widths", async () => {
    const {page} = await openPage("/provenance");
    for (const width of [1280, 360]) {
      await page.setViewportSize({width, height: 740});
      await expect
        .poll(() =>
          page.locator(".layer-time-plot [data-marks=dot] path, .layer-time-plot [data-marks=dot] circle").count()
        )
        .toBe(11);
      await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
    await page.context().close();
  });
});

describe("the panel of the experiment toy", () => {
  test("runs to done at one size and then at another, and the page keeps both", async () => {
    const {page, problems} = await openPage("/toy?shape=toy-32&variants=unfused,fused-64", {}, keepRecords);
    await page.locator(".panel-device").waitFor();
    const marks = page.locator('.toy-plot [data-marks=dot] path[fill*="--colour-yours"]');
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
    await page.setViewportSize({width: 360, height: 740});
    await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});

/** The reader's own marks in the plot. */
const liveMarks = '.spectrum-plot [data-marks=dot] path[fill*="--colour-yours"]';

function panelState(page: Page): Promise<string | null> {
  return page.locator("[data-experiment=spectrum]").getAttribute("data-state");
}

/** Waits for a state of a panel, the page's first by default; fails at once when the run ends in another one. */
async function reach(page: Page, state: string, panel = "[data-experiment]"): Promise<void> {
  const reached = await page.waitForFunction(
    ([selector, wanted]) => {
      const state = document.querySelector<HTMLElement>(selector!)!.dataset.state!;
      return [wanted, "done", "failed", "unsupported"].includes(state) && state;
    },
    [panel, state],
    {timeout: 100_000}
  );
  const status = page.locator(panel).first().locator(".panel-status");
  expect(await reached.jsonValue(), await status.innerText()).toBe(state);
}

function variants(page: Page): Promise<(string | undefined)[]> {
  return page.locator("[data-variant]").evaluateAll((rows) => rows.map((row) => (row as HTMLElement).dataset.variant));
}

function areDisabled(buttons: Element[]): boolean[] {
  return buttons.map((button) => (button as HTMLButtonElement).disabled);
}

interface WaitingWindow {
  /** Ids of the variants that were prepared, in order. */
  prepared: string[];
}

type PanelModule = typeof import("./components/views/experiment-panel.js");

/** Adds a panel of the site's own module whose variants never touch a GPU: `alone` fails, `waiting` never ends. */
function mountWaitingPanel(): void {
  const prepared: string[] = ((window as unknown as WaitingWindow).prepared = []);
  const variant = (id: string, prepare: () => Promise<never>) => ({
    identity: {
      variant: id,
      label: id,
      factoring: "fused" as const,
      arithmetic: "float32" as const,
      dispatchesPerToken: 1,
      tokensPerDispatch: 1,
      workgroups: id === "alone" ? 1 : 132,
      workgroupSize: 256,
      features: []
    },
    waits: id !== "alone",
    unsupported: () => null,
    prepare: () => (prepared.push(id), prepare())
  });
  const variants = [
    variant("alone", () => Promise.reject(new Error("is not to run"))),
    variant("waiting", () => new Promise(() => {}))
  ];
  const description = {
    label: "Fake GPU",
    vendor: "fake",
    architecture: "",
    description: "",
    software: false,
    features: [],
    limits: {}
  };
  const gpu = {description, lost: new Promise(() => {}), onError: () => () => {}, destroy() {}} as unknown as Gpu;
  addEventListener("load", async () => {
    const find = () =>
      performance.getEntriesByType("resource").find(({name}) => name.includes("/views/experiment-panel."))?.name;
    while (!find()) await new Promise((resolve) => setTimeout(resolve, 20));
    // As text, because the test runner would replace an import with its own.
    const load = new Function("name", "return import(name)") as (name: string) => Promise<PanelModule>;
    const {experimentPanel} = await load(find()!);
    const panel = experimentPanel({
      experiment: {
        id: "fake",
        question: "Does it wait?",
        shapes: ["tiny"],
        defaultShape: "tiny",
        page: "/",
        variants: () => variants
      },
      recordedRows: [],
      describeDevice: async () => description,
      openGpu: async () => gpu
    });
    document.querySelector("main")!.prepend(panel);
  });
}

interface RecordingWindow {
  records: RunRecord[];
}

/** Keeps every record that a panel announces. */
function keepRecords(): void {
  const recording = window as unknown as RecordingWindow;
  recording.records = [];
  addEventListener("experiment-record", (event) => recording.records.push((event as CustomEvent<RunRecord>).detail));
}

function records(page: Page): Promise<RunRecord[]> {
  return page.evaluate(() => (window as unknown as RecordingWindow).records);
}

/** What axe's rules for WCAG 2 A and AA find. */
async function accessibilityViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const {violations} = await (window as unknown as {axe: typeof axe}).axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    });
    return violations.map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(" ")}`);
  });
}

/** Opens a page of the site in a context of its own and waits until its cells have run. */
async function openPage(
  path: string,
  options: BrowserContextOptions = {},
  script?: () => void
): Promise<{page: Page; problems: string[]}> {
  const context = await browser.newContext(options);
  if (script) await context.addInitScript(script);
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`page: ${error.message}`));
  page.on("requestfailed", (request) => problems.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (/^https?:|^wss?:/.test(url.protocol) && url.origin !== origin) problems.push(`another origin: ${url.href}`);
  });
  await page.goto(new URL(path, origin).href, {waitUntil: "networkidle"});
  await page.waitForFunction(() => !document.querySelector("observablehq-loading"));
  return {page, problems};
}

/** Leaves a browser's page as one that has no WebGPU would be. */
function removeWebGPU(): void {
  Object.defineProperty(Navigator.prototype, "gpu", {get: () => undefined, configurable: true});
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
