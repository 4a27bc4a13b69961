import {describe, expect, test} from "vitest";
import type {Gpu} from "../gpu/device.js";
import {accessibilityViolations, useBrowser} from "../../testing/site.js";

const openPage = useBrowser();

describe("a panel with variants whose workgroups wait for each other", () => {
  test("asks for the reader's word, which it does not remember, before it runs them", async () => {
    const {page, problems} = await openPage("/", {script: mountWaitingPanel});
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
  });

  test("is the only one with the box", async () => {
    const {page} = await openPage("/");
    expect(await page.locator("[data-experiment=spectrum] [data-action=allow-waits]").isVisible()).toBe(false);
  });
});

interface WaitingWindow {
  /** Ids of the variants that were prepared, in order. */
  prepared: string[];
}

type PanelModule = typeof import("./experiment-panel.js");

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
