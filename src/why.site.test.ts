import {expect, test} from "vitest";
import {exampleCost, exampleRun} from "./components/lab/lab-fakes.js";
import {shapes} from "./components/model/shape.js";
import {readResults} from "./data/read-results.js";
import {testPage} from "./testing/page-tests.js";
import {expectToFit, useBrowser} from "./testing/site.js";

const openPage = useBrowser();

testPage("/why", openPage);

test("the picture of busy cores shows the device chosen, also when the window changes", async () => {
  const {page} = await openPage("/why");
  const picture = page.locator(".busy-cores svg");
  await expect.poll(() => picture.getAttribute("aria-label")).toMatch(/^NVIDIA H200\. /);
  await page.locator(".busy-cores label", {hasText: "M2 Pro"}).click();
  await expect.poll(() => picture.getAttribute("aria-label")).toMatch(/^Apple M2 Pro\. .*attention on 19 then 13/);
  for (const factoring of ["fused", "chunked", "staged", "unfused"])
    expect(await picture.textContent()).toContain(`${factoring}: `);
  const widest = () => picture.locator("rect.idle").evaluateAll((cells) => cells.length);
  const cut = await widest();
  expect(await picture.textContent()).toMatch(/busy, \d[\d.]* times as long as shown/);
  expect(await picture.textContent()).toContain("Time (% of the layer by one workgroup)");
  await page.getByRole("radio", {name: "each its own"}).check();
  expect(await picture.textContent()).not.toContain("as long as shown");
  expect(await widest()).toBeGreaterThan(cut); // all stages of one workgroup, too
  expect(await picture.textContent()).toContain("100\u00a0%");
  const names = await picture.locator("text[transform]").allTextContents();
  expect(names.filter((name) => /^rms_norm/.test(name))).toHaveLength(5 * 2);
  expect(names).toContain("rms_norm 19"); // each workgroup norms for itself
  expect(await page.locator(".busy-cores figcaption").innerText()).toContain("limits that are assumed");
  await page.locator(".busy-cores label", {hasText: "H200"}).click();
  const h200 = /^NVIDIA H200\. fused: one dispatch, one workgroup: 0\.758.%.*attention on 32/;
  await expect.poll(() => picture.getAttribute("aria-label")).toMatch(h200);
  expect(await page.locator(".busy-cores figcaption").innerText()).toContain("on record");
  const before = await picture.getAttribute("width");
  await page.setViewportSize({width: 600, height: 700});
  await expect.poll(() => picture.getAttribute("width")).not.toBe(before);
  expect(await picture.getAttribute("aria-label")).toMatch(h200);
  expect(await page.getByRole("radio", {name: /H200/}).isChecked()).toBe(true);
  expect(await page.getByRole("radio", {name: "each its own"}).isChecked()).toBe(true);
  await page.getByRole("radio", {name: "the same for all"}).check();
  await expect.poll(() => picture.textContent()).toContain("as long as shown");
  await expectToFit(page, 360);
});

test("the reader's device is drawn with as many cores as they say, busy in no colour of the palette, to any eye", async () => {
  const {page} = await openPage("/why");
  await page.locator(".busy-cores [name=busy-cores-cores]").fill("40");
  const picture = page.locator(".busy-cores svg");
  await expect.poll(() => picture.getAttribute("aria-label")).toMatch(/^Yours: .*fused: one dispatch, 40 workgroups: /);
  expect(await page.getByRole("radio", {name: /^Yours/}).isChecked()).toBe(true);
  const field = page.locator(".busy-cores [name=busy-cores-cores]");
  const wrong = page.locator("#busy-cores-cores-wrong");
  for (const cores of ["0", "-3", "2.5", "", "1e9", "100000"]) {
    await field.fill("40");
    expect(await wrong.innerText()).toBe("");
    await field.fill(cores); // no such GPU
    expect(await wrong.innerText(), cores).toMatch(/A whole number from 1 to 512, please; the picture stays at 40/);
    expect(await picture.getAttribute("aria-label")).toContain("40 workgroups");
  }

  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({colorScheme});
    const [busy, ...others] = await page.evaluate(coloursOfCores);
    for (const [eye, matrix] of Object.entries(eyes)) {
      for (const [i, other] of others.entries())
        expect(distance(busy!, other, matrix), `${colorScheme}, ${eye}, ${i}`).toBeGreaterThan(0.12);
    }
  }
});

/** Of busy cores, of idle ones, and of three meanings, as red, green and blue. */
function coloursOfCores(): number[][] {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true})!;
  const sample = document.body.appendChild(document.createElement("span"));
  const colours = [
    ...["busy", "idle"].map((name) => getComputedStyle(document.querySelector(`.busy-cores .${name}`)!).fill),
    ...["yours", "recorded", "predicted"].map((name) => {
      sample.className = name;
      return getComputedStyle(sample).color;
    })
  ];
  sample.remove();
  return colours.map((colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  });
}

test("it ends with the ratio of a run that the reader made on another page, until they forget it", async () => {
  const {page} = await openPage("/why");
  const end = page.locator(".own-ratio");
  expect(await page.locator(".stage-cost tbody tr").count()).toBe(9);
  expect(await page.locator(".predictions tbody tr").count()).toBe(10);
  const bars = await page.locator(".workgroup-cost-plot svg").getAttribute("aria-label");
  expect(bars).toMatch(/^NVIDIA H200\. .*132: [\d.,]+\s.s a token, .* ms of all, made of .* waits for each other\.$/);
  expect(await page.locator(".stage-cost-plot svg").getAttribute("aria-label")).toMatch(/lm_head: at least /);
  expect(await page.locator(".budgets thead").innerText()).toContain("612");
  expect(await page.locator("#observablehq-main h2").last().innerText()).toBe("Your own ratio");
  expect(await page.locator(".kernel-tabs [role=tab]").allInnerTexts()).toContain("fused_grid.wgsl");
  await expect.poll(() => end.innerText()).toMatch(/^You have not run anything yet/);
  expect(await end.locator("button").count()).toBe(0);
  const key = "phi3-dispatch-notebook/runs/1";
  const {run} = exampleRun();
  const {cost} = exampleCost();
  const newer = {...run, experiment: "toy", date: "2099-01-01T00:00:00.000Z", shape: shapes["toy-32"], roofline: null};
  const runs = JSON.stringify({a: newer, b: run, c: cost});
  await page.evaluate(([key, runs]) => localStorage.setItem(key!, runs!), [key, runs]);
  await page.reload();
  await expect
    .poll(() => end.innerText())
    .toMatch(
      / decodes “Phi-3-mini, 32 layers” at 8\stok\/s and 228 dispatches at 320\stok\/s\. The 228 dispatches are 40 times as fast\. You ran it on /
    );
  expect(await end.innerText()).toMatch(/a dispatch that needs the one before it costs /);
  await end.locator("button").click();
  expect(await end.innerText()).toMatch(/^You have not run anything yet/);
  expect(await page.evaluate((key) => localStorage.getItem(key), key)).toBeNull();
});

test("a run with many counts of workgroups says what a wait costs there, and what that predicts", async () => {
  const {page} = await openPage("/why");
  const run = readResults().find(({name}) => name === "h200-workgroups.json")!.content;
  await page.evaluate(
    ([key, runs]) => localStorage.setItem(key!, runs!),
    ["phi3-dispatch-notebook/runs/1", JSON.stringify({a: run})]
  );
  await page.reload();
  const end = page.locator(".own-ratio");
  await expect
    .poll(() => end.innerText())
    .toMatch(
      /takes 1\.\d+ times the least, and a wait 2\.\d+\s.s, by 2 to 32 workgroups of .*For 132 these two numbers predict [\d,]+\stok\/s; you measured [\d,]+\stok\/s \([−+]\d.*%\)/
    );
  expect(await end.locator(".workgroup-cost-plot svg").getAttribute("aria-label")).toMatch(/^Yours, NVIDIA H200\. /);
  await expectToFit(page, 360);
});

/** Red, green and blue as such an eye sees them: Machado, Oliveira and Fernandes 2009, at full severity. */
const eyes: Record<string, number[][]> = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1]
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998]
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881]
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039]
  ]
};

/** How far two colours are apart in Oklab, where black and white are 1 apart. */
function distance(a: number[], b: number[], eye: number[][]): number {
  const [one, other] = [oklab(a, eye), oklab(b, eye)];
  return Math.hypot(...one.map((value, i) => value - other[i]!));
}

function oklab(colour: number[], eye: number[][]): number[] {
  const linear = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const times = (matrix: number[][], vector: number[]) =>
    matrix.map((row) => row.reduce((sum, value, i) => sum + value * vector[i]!, 0));
  const cones = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005]
    ],
    times(eye, linear).map((value) => Math.min(1, Math.max(0, value)))
  ).map(Math.cbrt);
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766]
    ],
    cones
  );
}
