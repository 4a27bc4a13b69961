import {expect, test} from "vitest";
import {exampleRun} from "./components/lab/lab-fakes.js";
import {shapes} from "./components/model/shape.js";
import {useBrowser} from "./testing/site.js";

const openPage = useBrowser();

test("the picture of busy cores shows the device chosen, also when the window changes", async () => {
  const {page} = await openPage("/why");
  const picture = page.locator(".busy-cores svg");
  await expect.poll(() => picture.getAttribute("aria-label")).toMatch(/^Apple M2 Pro\. .*attention on 19 then 13/);
  await page.locator(".busy-cores label", {hasText: "H200"}).click();
  const h200 = /^NVIDIA H200\. one dispatch, one workgroup: 0\.758.%.*attention on 32/;
  await expect.poll(() => picture.getAttribute("aria-label")).toMatch(h200);
  const before = await picture.getAttribute("width");
  await page.setViewportSize({width: 600, height: 700});
  await expect.poll(() => picture.getAttribute("width")).not.toBe(before);
  expect(await picture.getAttribute("aria-label")).toMatch(h200);
  expect(await page.getByRole("radio", {name: /H200/}).isChecked()).toBe(true);
});

test("it ends with the ratio of a run that the reader made on another page, until they forget it", async () => {
  const {page} = await openPage("/why");
  const end = page.locator(".own-ratio");
  await expect.poll(() => end.innerText()).toMatch(/^You have not run anything yet/);
  expect(await end.locator("button").count()).toBe(0);
  const key = "phi3-dispatch-notebook/runs/1";
  const {run} = exampleRun();
  const newer = {...run, experiment: "toy", date: "2099-01-01T00:00:00.000Z", shape: shapes["toy-32"], roofline: null};
  const runs = JSON.stringify({a: newer, b: run});
  await page.evaluate(([key, runs]) => localStorage.setItem(key!, runs!), [key, runs]);
  await page.reload();
  await expect
    .poll(() => end.innerText())
    .toMatch(/ decodes “Phi-3-mini, 32 layers” at 8\stok\/s and 228 dispatches at 320\stok\/s: 40 times as fast\./);
  await end.locator("button").click();
  expect(await end.innerText()).toMatch(/^You have not run anything yet/);
  expect(await page.evaluate((key) => localStorage.getItem(key), key)).toBeNull();
});
