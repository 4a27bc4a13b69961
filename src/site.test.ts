import {readdirSync, readFileSync} from "node:fs";
import {describe, expect, inject, test} from "vitest";
import {listExperiments} from "./components/lab/experiments.js";
import {readKernels} from "./data/read-kernels.js";
import {accessibilityViolations, removeWebGPU, useBrowser} from "./testing/site.js";

const openPage = useBrowser();
const origin = inject("siteOrigin");
const pages = readdirSync("dist", {recursive: true, encoding: "utf8"})
  .filter((file) => file.endsWith(".html"))
  .map((file) => `/${file.replaceAll("\\", "/").replace(/(^|\/)index\.html$|\.html$/, "$1")}`)
  .sort();

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
});

test("a recorded row links the file that it is from, which is that of the folder results", async () => {
  const {page} = await openPage("/geometry");
  const link = page.locator('[data-experiment=workgroups] a[href$="results/h200-workgroups.json"]').first();
  await link.waitFor({state: "attached"});
  const file = await page.request.get(await link.evaluate((anchor: HTMLAnchorElement) => anchor.href));
  expect(await file.json()).toEqual(JSON.parse(readFileSync("results/h200-workgroups.json", "utf8")));
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
  });

  test("reads whole without WebGPU", async () => {
    const withWebGPU = await openPage(path);
    const headings = await withWebGPU.page.locator("main :is(h1, h2, h3)").allInnerTexts();
    const {page, problems} = await openPage(path, {script: removeWebGPU});
    expect(problems).toEqual([]);
    expect(await page.locator("main :is(h1, h2, h3)").allInnerTexts()).toEqual(headings);
    for (const panel of await page.locator("[data-experiment]").all()) {
      expect(await panel.getAttribute("data-state")).toBe("unsupported");
    }
  });

  test("fits a screen of 360 px", async () => {
    const {page} = await openPage(path, {viewport: {width: 360, height: 740}});
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
  });

  test.each(["light", "dark"] as const)("passes axe's WCAG 2 A and AA rules in the %s theme", async (colorScheme) => {
    const {page} = await openPage(path, {colorScheme});
    expect(await accessibilityViolations(page)).toEqual([]);
  });
});
