import {existsSync} from "node:fs";
import {readFile} from "node:fs/promises";
import {fileURLToPath} from "node:url";
import type {Locator, Page} from "playwright-core";
import type {Experiment} from "../components/lab/experiment.js";
import {parseResultFile} from "../components/lab/results-table.js";
import type {AnyRecord, RunEvent, RunOutcome, RunState} from "../components/lab/run-experiment.js";
import type {ShapeId} from "../components/model/shape.js";
import {launchBrowser} from "../testing/browser.js";
import {serveFolder} from "../testing/serve-folder.js";

export interface BrowserRunOptions {
  /** The experiment, and the page whose panel runs it. */
  experiment: Pick<Experiment, "id" | "page">;
  /** Null for an experiment that has none. */
  shape: ShapeId | null;
  /** Ids of the variants to run. */
  variants: readonly string[];
  /** Ticks the box that lets workgroups wait for each other. */
  allowWaits: boolean;
  /** The file for a picture of the page as it was at the end, however it ended. */
  screenshot?: string;
  /** Cancels the run. */
  signal: AbortSignal;
  onEvent(event: PanelEvent): void;
}

/** What a panel shows of its run. */
export type PanelEvent = Pick<RunEvent, "label" | "fraction"> & {rows: readonly {variant: string; status: string}[]};

const site = fileURLToPath(new URL("../../dist", import.meta.url));

/**
 * Runs an experiment in the panel of the built site, in a browser, as a reader would: chooses, presses Run, continues
 * where the panel asks before long calls, and exports the record.
 * @throws {Error} when the site is not built, or the page does not get as far as a result; with what the panel says.
 */
export async function runInBrowser({screenshot, ...options}: BrowserRunOptions): Promise<RunOutcome> {
  if (!existsSync(site))
    throw new Error("The site is not built, and a browser runs it: npm run build writes it to dist.");
  const server = await serveFolder(site);
  try {
    // The signal is the caller's, who cancels the run: the browser has to outlive that.
    const browser = await launchBrowser({handleSIGINT: false, handleSIGTERM: false});
    try {
      const page = await browser.newPage({viewport: {width: 1280, height: 900}});
      page.on("pageerror", (error) => console.error(`page: ${error.message}`));
      try {
        return await runOnPage(page, server.origin, options);
      } finally {
        // A page that has crashed has no picture, and why it crashed is the error to tell.
        if (screenshot) await page.screenshot({path: screenshot, fullPage: true}).catch(console.error);
      }
    } finally {
      await browser.close();
    }
  } finally {
    server.close();
  }
}

async function runOnPage(
  page: Page,
  origin: string,
  {experiment, shape, variants, allowWaits, signal, onEvent}: Omit<BrowserRunOptions, "screenshot">
): Promise<RunOutcome> {
  await page.goto(new URL(experiment.page, origin).href);
  const panel = page.locator(`[data-experiment=${experiment.id}]`);
  const action = (name: string) => panel.locator(`[data-action=${name}]`);
  try {
    const device = await panel.locator(".panel-device, .panel-missing").first().innerText();
    console.log(`Browser ${page.context().browser()!.version()}: ${device}`);
    if (!(await panel.locator(".panel-device").count())) return {state: "unsupported", message: device, record: null};
    if (shape) await panel.locator("[name=shape]").selectOption(shape);
    const left = new Set(variants);
    for (const box of await panel.locator(".panel-variants input").all()) {
      await box.setChecked(left.delete(await box.inputValue()));
    }
    if (left.size > 0)
      throw new Error(`The site in dist has no ${[...left].join(", ")}: npm run build brings it up to date.`);
    if (allowWaits && (await action("allow-waits").isVisible())) await action("allow-waits").check();

    await page.exposeFunction("reportPanel", onEvent);
    const ended = panel.evaluate(watch);
    signal.throwIfAborted();
    signal.addEventListener("abort", () => void action("cancel").click().catch(console.error));
    await action("run").click();
    const state = await ended;
    const status = panel.locator(".panel-status");
    const message = (await status.getAttribute("title")) || (await status.innerText());
    const record = (await action("export").isEnabled()) ? await exportRecord(page, action("export")) : null;
    return {state, message, record};
  } catch (error) {
    const text = await panel.innerText({timeout: 1000}).catch(() => "nothing: it is not there");
    throw new Error(`${(error as Error).message}\n\nThe panel says:\n${text}`, {cause: error});
  }
}

/**
 * In the page: tells of every change in a panel and continues where it asks, until its run has ended; resolves how. It
 * asks for nothing between changes, so that samples are not disturbed.
 */
function watch(panel: HTMLElement | SVGElement): Promise<RunOutcome["state"]> {
  // No function here has a name: a bundler would keep it with a helper that the page does not have.
  return new Promise((resolve) =>
    new MutationObserver((_, observer) => {
      const state = panel.dataset.state as RunState;
      panel.querySelector<HTMLElement>("[data-action=continue]")?.click();
      (window as unknown as {reportPanel(event: PanelEvent): void}).reportPanel({
        label: panel.querySelector(".panel-progress span")!.textContent,
        fraction: panel.querySelector("progress")!.value,
        rows: Array.from(panel.querySelectorAll<HTMLElement>("[data-variant]"), ({dataset}) => ({
          variant: dataset.variant!,
          status: dataset.status!
        }))
      });
      if (state !== "done" && state !== "failed" && state !== "cancelled" && state !== "unsupported") return;
      observer.disconnect();
      resolve(state);
    }).observe(panel, {attributes: true, childList: true, subtree: true})
  );
}

async function exportRecord(page: Page, button: Locator): Promise<AnyRecord> {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  const file = parseResultFile(download.suggestedFilename(), await readFile(await download.path(), "utf8"));
  if (file.kind !== "run" && file.kind !== "cost" && file.kind !== "profile")
    throw new Error(`the panel exported a ${file.kind}`);
  return file.content;
}
