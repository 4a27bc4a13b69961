import {readFile} from "node:fs/promises";
import axe from "axe-core";
import type {Browser, BrowserContextOptions, Locator, Page} from "playwright-core";
import {afterAll, afterEach, beforeAll, expect, inject} from "vitest";
import {launchBrowser} from "./browser.js";

interface PageOptions extends BrowserContextOptions {
  /** A function that the page runs before its own scripts; it sees nothing outside itself. */
  script?: () => void;
}

/** Gives a page of the site, and all that went wrong since it was asked for: errors, failed requests, other origins. */
export type OpenPage = (path: string, options?: PageOptions) => Promise<{page: Page; problems: string[]}>;

/**
 * Launches a browser for the tests of a file and closes it after them. Returns what opens a page of the site in a
 * context of its own and waits until its cells have run. A page is closed when its test ends.
 */
export function useBrowser(): OpenPage {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
  afterAll(() => browser?.close());
  return async (path, {script, ...options} = {}) => {
    const origin = inject("siteOrigin");
    const context = await browser.newContext(options);
    await context.addInitScript(keepRecords);
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
  };
}

/** Waits for a state of a panel, the page's first by default; fails at once when the run ends in another one. */
export async function reach(page: Page, state: string, panel = "[data-experiment]"): Promise<void> {
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

interface RecordingWindow {
  records: unknown[];
}

/** In a page: keeps every record that a panel announces. */
function keepRecords(): void {
  const recording = window as unknown as RecordingWindow;
  recording.records = [];
  addEventListener("experiment-record", (event) => recording.records.push((event as CustomEvent).detail));
}

/** The records that the panels of a page have announced, as they are: a schema says whether they are any. */
export function records(page: Page): Promise<unknown[]> {
  return page.evaluate(() => (window as unknown as RecordingWindow).records);
}

/** Presses Export. */
export async function exportRecord(page: Page): Promise<{record: unknown; name: string}> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("[data-action=export]")]);
  return {record: JSON.parse(await readFile(await download.path(), "utf8")), name: download.suggestedFilename()};
}

/** The data attributes of the reader's rows, in a panel or on the whole page. */
export function liveRows(within: Page | Locator): Promise<DOMStringMap[]> {
  return within.locator("[data-variant]").evaluateAll((rows) => rows.map((row) => ({...(row as HTMLElement).dataset})));
}

/** The reader's own dots in a plot, by its selector. */
export function liveDots(page: Page, plot: string): Locator {
  return page.locator(`${plot} [data-marks=dot] path[fill*="--colour-yours"]`);
}

/** The figures that the sentence on the reader's run sets in bold, in the units it has. */
export async function answerFigures(page: Page): Promise<number[]> {
  const texts = await page.locator(".your-answer strong").allInnerTexts();
  return texts.map((text) => Number.parseFloat(text.replaceAll(",", "")));
}

/** Makes the window so wide, and waits until the page is no wider. */
export async function expectToFit(page: Page, width: number): Promise<void> {
  await page.setViewportSize({width, height: 740});
  await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
}

/** What axe's rules for WCAG 2 A and AA find. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const {violations} = await (window as unknown as {axe: typeof axe}).axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    });
    return violations.map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(" ")}`);
  });
}

/** A script for `openPage`: leaves the page as in a browser that has no WebGPU. */
export function removeWebGPU(): void {
  Object.defineProperty(Navigator.prototype, "gpu", {get: () => undefined, configurable: true});
}
