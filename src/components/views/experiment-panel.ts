import {html} from "htl";
import {describeAdapter, openGpu, requestAdapter, type Gpu} from "../gpu/device.js";
import {systemClock, type Visibility} from "../lab/clock.js";
import type {Experiment} from "../lab/experiment.js";
import type {DeviceDescription, RunRecord} from "../lab/record.js";
import type {ResultRow} from "../lab/result-row.js";
import {describeError, runExperiment, type RunOutcome, type RunState} from "../lab/run-experiment.js";
import {shapes, weightBytesPerToken, type ShapeId} from "../model/shape.js";
import {formatBytes} from "./format.js";
import {confirmIn} from "./panel-confirm.js";
import {deviceLine, missing} from "./panel-device.js";
import {describeRuntime} from "./panel-runtime.js";
import {readSettings, variantIds, writeSettings} from "./panel-settings.js";
import {resultsTable} from "./results-table.js";

export interface PanelOptions {
  experiment: Experiment;
  /** Recorded rows to show below the reader's own. */
  recordedRows: readonly ResultRow[];
  /** Opens a device for one run. */
  openGpu?(): Promise<Gpu>;
  /** Describes the adapter without opening a device; rejects with what is missing. */
  describeDevice?(): Promise<DeviceDescription>;
  measureReadBandwidth?(gpu: Gpu, signal: AbortSignal): Promise<number>;
  /** Called with the record of every completed run. */
  onRecord?(record: RunRecord): void;
  /** Settles when the panel's cell is run again or removed: ends the run and frees everything. */
  invalidation?: Promise<unknown>;
}

/**
 * A panel that runs an experiment on the reader's own GPU: `<section data-experiment data-state>` with the actions
 * run, cancel and export. Its shape and variants are the page's `?shape=…&variants=…`. When a run completes, it
 * dispatches a bubbling `experiment-record` event whose detail is the record.
 */
export function experimentPanel({
  experiment,
  recordedRows,
  openGpu: open = () => openGpu(navigator.gpu),
  describeDevice = async () => describeAdapter(await requestAdapter(navigator.gpu)),
  measureReadBandwidth,
  onRecord,
  invalidation
}: PanelOptions): HTMLElement {
  const link = readSettings(location.search, experiment);
  const {settings, notes} = link;
  let {shapeIsChosen} = link;
  let run: AbortController | undefined;
  let record: RunRecord | undefined;
  let lookedUp: Promise<boolean> | undefined;
  let hasGpu = true;

  const device = html`<div></div>`;
  const shapeSelect = html`<select name="shape" onchange=${chooseShape}>
    ${experiment.shapes.map((id) => html`<option value="${id}">${shapeLabel(id)}</option>`)}
  </select>` as HTMLSelectElement;
  const variantBoxes = html`<fieldset class="panel-variants" onchange=${chooseVariants}></fieldset>`;
  const choices = html`<fieldset class="panel-choices" aria-label="What to run">
    <label>Shape ${shapeSelect}</label> ${variantBoxes}
  </fieldset>` as HTMLFieldSetElement;
  const runButton = button("run", "Run", () => void start());
  const cancelButton = button("cancel", "Cancel", () => run?.abort());
  const exportButton = button("export", "Export record", () => record && download(record));
  const progressLabel = html`<span></span>`;
  const progressBar = html`<progress max="1" value="0"></progress>` as HTMLProgressElement;
  const progress = html`<label class="panel-progress" hidden>${progressLabel} ${progressBar}</label>`;
  const status = html`<p class="panel-status" role="status"></p>`;
  const questions = html`<div></div>`;
  const table = resultsTable({recorded: recordedRows, live: []});
  const panel = html`<section class="panel" data-experiment="${experiment.id}" aria-label="${experiment.question}">
    ${device} ${notes.map(missing)} ${choices}
    <div class="panel-actions">${runButton} ${cancelButton} ${exportButton}</div>
    ${progress} ${status} ${questions} ${table.element}
  </section>`;

  async function start() {
    if (runButton.disabled) return;
    run = new AbortController();
    record = undefined;
    progressBar.value = 0;
    progressLabel.textContent = "Asking for the GPU";
    show("preparing", "Preparing …");
    let outcome: RunOutcome;
    try {
      if (!(await lookUpDevice())) return;
      outcome = await runExperiment({
        experiment,
        shape: shapes[settings.shape],
        variants: settings.variants,
        openGpu: open,
        measureReadBandwidth,
        runtime: describeRuntime(navigator),
        clock: systemClock,
        visibility: pageVisibility,
        confirm: confirmIn(questions),
        signal: run.signal,
        onEvent({state, label, fraction, rows}) {
          table.update(rows);
          progressLabel.textContent = label;
          progressBar.value = fraction;
          if (state in running) show(state, running[state as keyof typeof running]);
        }
      });
    } catch (error) {
      outcome = {state: "failed", message: describeError(error), record: null};
    }
    run = undefined;
    record = outcome.record ?? undefined;
    show(outcome.state, outcome.message);
    if (outcome.state !== "done" || !record) return;
    panel.dispatchEvent(new CustomEvent("experiment-record", {bubbles: true, detail: record}));
    onRecord?.(record);
  }

  /** Asks for the adapter once, and says what it is or what is missing. */
  function lookUpDevice(): Promise<boolean> {
    return (lookedUp ??= describeDevice().then(
      (description) => {
        const startsTiny = description.software && !shapeIsChosen && experiment.shapes.includes("tiny");
        device.replaceChildren(deviceLine(description, startsTiny));
        if (startsTiny) settings.shape = "tiny";
        if (startsTiny) showSettings();
        return true;
      },
      (error: unknown) => {
        run = undefined;
        hasGpu = false;
        device.replaceChildren(missing(describeError(error)));
        table.update(liveRows("unsupported"));
        show("unsupported", "");
        return false;
      }
    ));
  }

  function show(state: RunState | "idle", sentence: string) {
    const focused = document.activeElement;
    panel.dataset.state = state;
    if (status.textContent !== sentence) status.textContent = sentence;
    progress.hidden = run === undefined;
    choices.disabled = run !== undefined;
    runButton.disabled = run !== undefined || !hasGpu || settings.variants.length === 0;
    cancelButton.disabled = run === undefined;
    exportButton.disabled = record === undefined;
    // A button disabled under the keyboard would lose the reader's place.
    if (focused === runButton && run) cancelButton.focus();
    if (focused === cancelButton && !run) runButton.focus();
  }

  function showSettings() {
    shapeSelect.value = settings.shape;
    variantBoxes.replaceChildren(
      html`<legend>Variants</legend>`,
      ...experiment.variants(shapes[settings.shape]).map(({identity: {variant, label}}) => {
        const checked = settings.variants.includes(variant);
        return html`<label><input type="checkbox" value="${variant}" checked=${checked} /> ${label}</label>`;
      })
    );
    table.update(liveRows("idle"));
  }

  function chooseShape() {
    shapeIsChosen = true;
    const left = variantIds(experiment, settings.shape).filter((id) => !settings.variants.includes(id));
    settings.shape = shapeSelect.value as ShapeId;
    settings.variants = variantIds(experiment, settings.shape).filter((id) => !left.includes(id));
    showSettings();
    changed();
  }

  function chooseVariants() {
    const boxes = [...variantBoxes.querySelectorAll<HTMLInputElement>("input:checked")];
    settings.variants = boxes.map(({value}) => value);
    table.update(liveRows("idle"));
    changed();
  }

  function changed() {
    history.replaceState(history.state, "", writeSettings(location.href, settings));
    if (hasGpu) show("idle", settings.variants.length === 0 ? "Choose at least one variant." : "");
  }

  function liveRows(status: string) {
    return experiment
      .variants(shapes[settings.shape])
      .filter(({identity}) => settings.variants.includes(identity.variant))
      .map(({identity}) => ({...identity, status}));
  }

  showSettings();
  show("idle", "");
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

function download(record: RunRecord) {
  const text = JSON.stringify(record, null, 2) + "\n";
  const href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  const {experiment, shape, date} = record;
  html`<a href="${href}" download="${`${date.slice(0, 10)}_${experiment}_${shape.id}.json`}"></a>`.click();
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
