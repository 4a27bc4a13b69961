import {describe, expect, test} from "vitest";
import {listExperiments} from "../components/lab/experiments.js";
import {readKernels} from "../data/read-kernels.js";
import {accessibilityViolations, removeWebGPU, type OpenPage} from "./site.js";

const experiments = listExperiments({kernels: readKernels()});

/** What every page of the site must do, beside the tests of what it does alone. `path` is as in a link: "/why". */
export function testPage(path: string, openPage: OpenPage): void {
  describe(`the page ${path}`, () => {
    test("opens with no error, asks only its own origin and passes axe's WCAG 2 A and AA rules in both themes", async () => {
      const {page, problems} = await openPage(path, {colorScheme: "light"});
      expect(await page.locator(".observablehq--error").allInnerTexts()).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.lang)).toBe("en");
      expect(await page.locator("h1").count()).toBe(1);
      // A note of the record says what a page checked: "neither zero nor NaN".
      expect(await page.locator("main").innerText()).not.toMatch(/(?<!nor )\b(NaN|undefined|Infinity)\b|\[object/);
      for (const {id} of experiments.filter(({page}) => page === path)) {
        await page.locator(`[data-experiment=${id}]`).waitFor({state: "attached"});
      }
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({colorScheme});
        expect(await accessibilityViolations(page), colorScheme).toEqual([]);
      }
      expect(problems).toEqual([]);
    });

    test("fits a screen of 360 px, and reads whole there without WebGPU", async () => {
      const narrow = {viewport: {width: 360, height: 740}};
      const headings = "main :is(h1, h2, h3)";
      const {page} = await openPage(path, narrow);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
      const without = await openPage(path, {...narrow, script: removeWebGPU});
      expect(without.problems).toEqual([]);
      expect(await without.page.locator(headings).allInnerTexts()).toEqual(
        await page.locator(headings).allInnerTexts()
      );
      for (const panel of await without.page.locator("[data-experiment]").all()) {
        expect(await panel.getAttribute("data-state")).toBe("unsupported");
      }
    });
  });
}
