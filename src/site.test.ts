import {readdirSync} from "node:fs";
import axe from "axe-core";
import type {Browser, BrowserContextOptions, Page} from "playwright-core";
import {afterAll, beforeAll, describe, expect, inject, test} from "vitest";
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
  expect(pages).toContain("/method");
});

describe.each(pages)("%s", (path) => {
  test("opens with no error and asks only its own origin", async () => {
    const {page, problems} = await openPage(path);
    expect(problems).toEqual([]);
    expect(await page.locator(".observablehq--error").allInnerTexts()).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.lang)).toBe("en");
    expect(await page.locator("h1").count()).toBe(1);
    await page.context().close();
  });

  test("links to nothing that is not there", async () => {
    const {page} = await openPage(path);
    const links = await page
      .locator("a[href]")
      .evaluateAll((anchors) => anchors.map((a) => (a as HTMLAnchorElement).href));
    const internal = new Set(links.filter((href) => href.startsWith(origin)));
    expect(internal.size).toBeGreaterThan(0);
    for (const href of internal) {
      const response = await page.goto(href.replace(/#.*/, ""));
      expect(response?.status() ?? 200, href).toBeLessThan(400);
      const {hash} = new URL(href);
      if (hash) expect(await page.locator(`[id="${decodeURIComponent(hash.slice(1))}"]`).count(), href).toBe(1);
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
    await page.evaluate(axe.source);
    const violations = await page.evaluate(async () => {
      const {violations} = await (window as unknown as {axe: typeof axe}).axe.run({
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
      });
      return violations.map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).join(" ")}`);
    });
    expect(violations).toEqual([]);
    await page.context().close();
  });
});

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
