import {html} from "htl";
import {describeAdapter, NoGpuError, openGpu, requestAdapter} from "../gpu/device.js";
import type {DeviceDescription, Gpu, OpenOptions} from "../gpu/device.js";
import {abortable, systemClock, type Visibility} from "../lab/clock.js";
import type {CostResultRow} from "../lab/cost-row.js";
import type {Experiment, Variant} from "../lab/experiment.js";
import type {ProfileResultRow} from "../lab/profile-row.js";
import type {ResultRow} from "../lab/result-row.js";
import {describeError, runExperiment, type AnyRecord, type RunOutcome, type RunState} from "../lab/run-experiment.js";
import {shapes, weightBytesPerToken, type Shape, type ShapeId} from "../model/shape.js";
import {firstLine, formatBytes} from "./format.js";
import {ownRuns} from "./own-runs.js";
import {aloneOnGpu} from "./alone-on-gpu.js";
import {confirmIn} from "./panel-confirm.js";
import {consentAdvice, consentNote, waitsConsent} from "./panel-consent.js";
import {deviceLine, missing} from "./panel-device.js";
import {describeRuntime} from "./panel-runtime.js";
import {readSettings, variantIds, writeSettings} from "./panel-settings.js";
import {costLayout} from "./cost-table.js";
import {profileLayout} from "./profile-table.js";
import {resultsTable, speedLayout, type LiveRow, type TableLayout} from "./results-table.js";

export interface PanelOptions {
  experiment: Experiment;
  /** Recorded rows to show below the reader's own: costs for an experiment without shapes, a profile's, else speeds. */
  recordedRows: readonly ResultRow[] | readonly CostResultRow[] | readonly ProfileResultRow[];
  /** How its table shows rows without a model: as costs by default. */
  layout?: TableLayout<CostResultRow>;
  /** What its part of the link's query starts with, on a page that has another panel: "ablation-". */
  queryPrefix?: string;
  /** Opens a device for one run. */
  openGpu?(options?: OpenOptions): Promise<Gpu>;
  /** Describes the adapter without opening a device; rejects with what is missing. */
  describeDevice?(): Promise<DeviceDescription>;
  measureReadBandwidth?(gpu: Gpu, signal: AbortSignal): Promise<number>;
  /** Called with the record of every run that has one: what the rows of the panel show. */
  onRecord?(record: AnyRecord): void;
  /** Settles when the panel's cell is run again or removed: ends the run and frees everything. */
  invalidation?: Promise<unknown>;
}

/**
 * A panel that runs an experiment on the reader's own GPU: `<section data-experiment data-state>` with the actions
 * run, cancel and export, and allow-waits where variants have workgroups that wait for each other. Its shape and variants are the page's `?shape=…&variants=…`. When a run completes, it
 * dispatches a bubbling `experiment-record` event whose detail is the record. A run that ends without a record, a
 * cancelled one for example, leaves the last one where it was: in the rows, in the export and with `onRecord`.
 */
export function experimentPanel({
  experiment,
  recordedRows,
  layout = costLayout,
  queryPrefix,
  openGpu: open = openDevice,
  describeDevice = async () => describeAdapter(await requestAdapter(navigator.gpu), navigator.gpu),
  measureReadBandwidth,
  onRecord,
  invalidation
}: PanelOptions): HTMLElement {
  const link = readSettings(location.search, experiment, queryPrefix);
  const {settings, notes} = link;
  let {shapeIsChosen} = link;
  let run: AbortController | undefined;
  let finished: {record: AnyRecord; rows: readonly LiveRow[]} | undefined;
  let lookedUp: Promise<boolean> | undefined;
  /** What the last look-up found; undefined until one has answered. */
  let hasGpu: boolean | undefined;

  const device = html`<div></div>`;
  const shapeSelect = html`<select name="shape" onchange=${chooseShape}>
    ${experiment.shapes.map((id) => html`<option value="${id}">${shapeLabel(id)}</option>`)}
  </select>` as HTMLSelectElement;
  const variantBoxes = html`<fieldset class="panel-variants" onchange=${chooseVariants}></fieldset>`;
  const consent = waitsConsent(experiment.id, showChoice);
  const choices = html`<fieldset class="panel-choices" aria-label="What to run">
    ${experiment.shapes.length > 0 ? html`<label>Shape ${shapeSelect}</label>` : null} ${variantBoxes}
    ${consent.element}
  </fieldset>` as HTMLFieldSetElement;
  const runButton = button("run", "Run", () => void start());
  const cancelButton = button("cancel", "Cancel", () => run?.abort());
  const exportButton = button("export", "Export record", () => finished && download(finished.record));
  const progressLabel = html`<span></span>`;
  const progressBar = html`<progress max="1" value="0"></progress>` as HTMLProgressElement;
  const progress = html`<label class="panel-progress" hidden>${progressLabel} ${progressBar}</label>`;
  const status = html`<p class="panel-status" role="status"></p>`;
  const questions = html`<div></div>`;
  const table = experiment.position
    ? resultsTable({layout: profileLayout, recorded: recordedRows as readonly ProfileResultRow[], live: []})
    : experiment.shapes.length > 0
      ? resultsTable({layout: speedLayout, recorded: recordedRows as readonly ResultRow[], live: []})
      : resultsTable({layout, recorded: recordedRows as readonly CostResultRow[], live: []});
  const panel = html`<section class="panel" data-experiment="${experiment.id}" aria-label="${experiment.question}">
    ${device} ${notes.map(missing)} ${choices}
    <div class="panel-actions">${runButton} ${cancelButton} ${exportButton}</div>
    ${progress} ${status} ${questions} ${table.element}
  </section>`;

  /** Runs the shape and the variants that are on the screen at the press. */
  async function start() {
    if (runButton.disabled) return;
    if (needsConsent()) return consent.focus();
    const {signal} = (run = new AbortController());
    shapeIsChosen = true;
    let rows = liveRows("waiting");
    table.update(rows);
    progressBar.value = 0;
    progressLabel.textContent = "Asking for the GPU";
    show("preparing", "Preparing …");
    let outcome: RunOutcome;
    try {
      outcome = !(await abortable(lookUpDevice(), signal))
        ? {state: "unsupported", message: "", record: null}
        : await aloneOnGpu(signal, onWait, () =>
            runExperiment({
              experiment,
              shape: chosenShape(),
              variants: settings.variants,
              allowWaits: consent.given,
              openGpu: open,
              measureReadBandwidth,
              runtime: describeRuntime(navigator),
              clock: systemClock,
              visibility: pageVisibility,
              confirm: confirmIn(questions),
              signal,
              onEvent({state, label, fraction, rows: progress}) {
                rows = progress.map((row) => ({...row, shape: chosenShape()?.label}));
                table.update(rows);
                progressLabel.textContent = label;
                progressBar.value = fraction;
                if (state in running) show(state, running[state as keyof typeof running]);
              }
            })
          );
    } catch (error) {
      outcome = signal.aborted
        ? {state: "cancelled", message: "Cancelled.", record: null}
        : {state: "failed", message: describeError(error), record: null};
    }
    end(outcome, rows);
  }

  function onWait() {
    progressLabel.textContent = "Waiting for another run to end";
    show("preparing", "Another panel, or another tab of this site, is running: two runs would slow each other.");
  }

  function end({state, message, record}: RunOutcome, rows: readonly LiveRow[]) {
    run = undefined;
    // An adapter that has not answered by now may never do so: the next run asks again.
    if (!hasGpu) lookedUp = undefined;
    if (record) finished = {record, rows};
    table.update(finished?.rows ?? liveRows(state));
    show(state, record || !finished ? message : `${message} The rows are of your run before.`.trim());
    if (!record) return;
    if (record.kind === "run") ownRuns().remember(record);
    if (state === "done") panel.dispatchEvent(new CustomEvent("experiment-record", {bubbles: true, detail: record}));
    onRecord?.(record);
  }

  /** Asks for the adapter, and says what it is or what is missing; what is missing is asked for again. */
  function lookUpDevice(): Promise<boolean> {
    if (lookedUp) return lookedUp;
    const asked = describeDevice().then(
      (description) => {
        const startsTiny = description.software && !shapeIsChosen && experiment.shapes.includes("tiny");
        hasGpu = true;
        device.replaceChildren(deviceLine(description, startsTiny));
        if (startsTiny) settings.shape = "tiny";
        if (startsTiny) showSettings();
        return true;
      },
      (error: unknown) => {
        if (lookedUp !== asked) return false; // given up, and perhaps asked for again
        lookedUp = undefined;
        hasGpu = false;
        device.replaceChildren(missing(describeError(error)));
        if (!run) showChoice();
        return false;
      }
    );
    return (lookedUp = asked);
  }

  function show(state: RunState | "idle", sentence: string) {
    const focused = document.activeElement;
    panel.dataset.state = state;
    if (status.textContent !== firstLine(sentence)) status.textContent = firstLine(sentence);
    status.title = sentence === firstLine(sentence) ? "" : sentence;
    progress.hidden = run === undefined;
    choices.disabled = run !== undefined;
    runButton.disabled = run !== undefined || !navigator.gpu || settings.variants.length === 0;
    cancelButton.disabled = run === undefined;
    exportButton.disabled = run !== undefined || finished === undefined;
    exportButton.textContent = ["Export record", finishedShape() && `(${finishedShape()})`].filter(Boolean).join(" ");
    // A button disabled under the keyboard would lose the reader's place.
    if (focused === runButton && run) cancelButton.focus();
    if (focused === cancelButton && !run) runButton.focus();
  }

  function showSettings() {
    if (settings.shape) shapeSelect.value = settings.shape;
    const variants = experiment.variants(chosenShape());
    consent.element.hidden = !variants.some(({waits}) => waits);
    variantBoxes.replaceChildren(
      html`<legend>Variants</legend>`,
      ...variants.map(({identity: {variant, label}}) => {
        const checked = settings.variants.includes(variant);
        return html`<label><input type="checkbox" value="${variant}" checked=${checked} /> ${label}</label>`;
      })
    );
    showChoice();
  }

  function chooseShape() {
    shapeIsChosen = true;
    const left = variantIds(experiment, settings.shape).filter((id) => !settings.variants.includes(id));
    settings.shape = shapeSelect.value as ShapeId;
    settings.variants = variantIds(experiment, settings.shape).filter((id) => !left.includes(id));
    history.replaceState(history.state, "", writeSettings(location.href, settings, queryPrefix));
    showSettings();
  }

  function chooseVariants() {
    const boxes = [...variantBoxes.querySelectorAll<HTMLInputElement>("input:checked")];
    settings.variants = boxes.map(({value}) => value);
    history.replaceState(history.state, "", writeSettings(location.href, settings, queryPrefix));
    showChoice();
  }

  /** What Run would run now; the rows of a finished run stay until then. */
  function showChoice() {
    const state = hasGpu === false ? "unsupported" : "idle";
    table.update(finished?.rows ?? liveRows(state));
    const what = finishedShape() && ` of “${finishedShape()}”`;
    const rest = finished ? `The rows are of your run${what ?? ""} until the next one.` : "";
    const advice =
      settings.variants.length === 0 ? "Choose at least one variant." : needsConsent() ? consentAdvice : "";
    show(state, `${advice} ${rest}`.trim());
  }

  function chosenVariants(): Variant[] {
    return experiment.variants(chosenShape()).filter(({identity}) => settings.variants.includes(identity.variant));
  }

  /** Every variant chosen waits for the reader's word. */
  function needsConsent(): boolean {
    return !consent.given && settings.variants.length > 0 && chosenVariants().every(({waits}) => waits);
  }

  function liveRows(status: string): LiveRow[] {
    const shape = chosenShape()?.label;
    return chosenVariants().map(({identity, waits}) =>
      waits && !consent.given && status !== "unsupported"
        ? {...identity, shape, status: "declined", message: consentNote}
        : {...identity, shape, status}
    );
  }

  function chosenShape(): Shape | null {
    return settings.shape && shapes[settings.shape];
  }

  function finishedShape(): string | undefined {
    return finished && "shape" in finished.record ? finished.record.shape.label : undefined;
  }

  showSettings();
  const cancelLookUp = navigator.gpu ? whenIdle(() => void lookUpDevice()) : void lookUpDevice();
  void invalidation?.then(() => {
    cancelLookUp?.();
    run?.abort();
  });
  return panel;
}

/** What each state of a run is called while it lasts. */
const running = {
  preparing: "Preparing …",
  verifying: "Verifying …",
  warming: "Warming up …",
  measuring: "Measuring …"
} satisfies Partial<Record<RunState, string>>;

/** @throws {NoGpuError} when there is no adapter; {Error} that says what to do when its device does not open. */
async function openDevice(options?: OpenOptions): Promise<Gpu> {
  try {
    return await openGpu(navigator.gpu, options);
  } catch (error) {
    if (error instanceof NoGpuError) throw error;
    const advice = "Close what else uses the GPU and press Run again, or restart the browser.";
    throw new Error(`The GPU was found, but its device did not open. ${advice}\n${describeError(error)}`, {
      cause: error
    });
  }
}

const pageVisibility: Visibility = {
  get hidden() {
    return document.visibilityState === "hidden";
  },
  subscribe(listener) {
    document.addEventListener("visibilitychange", listener);
    return () => document.removeEventListener("visibilitychange", listener);
  }
};

function button(action: string, label: string, press: () => void): HTMLButtonElement {
  return html`<button type="button" data-action="${action}" onclick=${press}>${label}</button>` as HTMLButtonElement;
}

/** "Phi-3-mini, 32 layers (2.09 GB a token)": what a token reads is what a run costs. */
function shapeLabel(id: ShapeId): string {
  return `${shapes[id].label} (${formatBytes(weightBytesPerToken(shapes[id]))} of weights a token)`;
}

function download(record: AnyRecord) {
  const text = JSON.stringify(record, null, 2) + "\n";
  const href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  const {experiment, date} = record;
  const name = [date.slice(0, 10), experiment, ...("shape" in record ? [record.shape.id] : [])].join("_");
  html`<a href="${href}" download="${`${name}.json`}"></a>`.click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

/** Calls back once the page has loaded and is idle; returns what cancels that. */
function whenIdle(callback: () => void): () => void {
  if (!("requestIdleCallback" in window)) {
    const timer = setTimeout(callback, 500);
    return () => clearTimeout(timer);
  }
  const request = requestIdleCallback(callback, {timeout: 2000});
  return () => cancelIdleCallback(request);
}
