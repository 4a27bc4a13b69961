import {html} from "htl";
import {describeAdapter, NoGpuError, openGpu, requestAdapter} from "../gpu/device.js";
import type {DeviceDescription, Gpu, OpenOptions} from "../gpu/device.js";
import {abortable, systemClock, type Visibility} from "../lab/clock.js";
import {describeError, type AnyRecord, type RunOptions, type RunOutcome, type RunState} from "../lab/run-experiment.js";
import type {SweepRecord} from "../lab/sweep-record.js";
import {aloneOnGpu} from "./alone-on-gpu.js";
import {downloadJson} from "./download.js";
import {firstLine} from "./format.js";
import {ownRuns} from "./own-runs.js";
import {confirmIn} from "./panel-confirm.js";
import {consentAdvice, consentNote, waitsConsent} from "./panel-consent.js";
import {deviceLine, missing} from "./panel-device.js";
import {describeRuntime} from "./panel-runtime.js";
import type {LiveRow, ResultsTable} from "./results-table.js";

/** What a page may tell any panel that runs something. */
export interface RunPanelOptions<R> {
  /** Opens a device for each run of an experiment. */
  openGpu?(options?: OpenOptions): Promise<Gpu>;
  /** Describes the adapter without opening a device; rejects with what is missing. */
  describeDevice?(): Promise<DeviceDescription>;
  measureReadBandwidth?(gpu: Gpu, signal: AbortSignal): Promise<number>;
  /** Called with the record of every run that has one: what the rows of the panel show. */
  onRecord?(record: R): void;
  /** Settles when the panel's cell is run again or removed: ends the run and frees everything. */
  invalidation?: Promise<unknown>;
}

/** What a panel runs, and how the reader chooses it. */
export interface Runnable<R extends AnyRecord | SweepRecord> {
  id: string;
  label: string;
  noun: "run" | "sweep";
  /** What the link says that there is not. */
  notes: readonly string[];
  /** What the reader chooses with. */
  controls: readonly (Element | null)[];
  table: ResultsTable;
  /** The rows that Run would run now, and whether their workgroups wait for each other. */
  chosen(): {row: Omit<LiveRow, "status">; waits: boolean | undefined}[];
  /** What to do where nothing is chosen. */
  choiceAdvice: string;
  /** Called at the press of Run: what is on the screen has been chosen. */
  keepChoice(): void;
  /** Chooses the tiny shape, for a software adapter, where the reader has chosen none; whether it did. */
  chooseTiny(): boolean;
  run(options: RunnableOptions): Promise<RunOutcome<R>>;
  /** What a finished run is called in "The rows are of your …", in brackets on the export button, and as a file. */
  nameOf(record: R): {sentence: string; note?: string | undefined; file: string};
}

/** How to run it: with everything that is not chosen. */
export interface RunnableOptions extends Omit<RunOptions, "experiment" | "shape" | "variants" | "onEvent"> {
  onEvent(event: {state: RunState; label: string; fraction: number; rows: readonly LiveRow[]}): void;
}

export interface RunPanel {
  element: HTMLElement;
  /** Shows what Run would run now; the rows of a finished run stay until then. */
  showChoice(): void;
  /** Whether there is anything to choose whose workgroups wait for each other. */
  offerConsent(offered: boolean): void;
}

/**
 * The part of a panel that looks up the reader's device, runs, cancels and exports: `<section data-experiment
 * data-state>` with the actions run, cancel, export and allow-waits. When a run completes, it dispatches a bubbling
 * `experiment-record` event whose detail is the record. A run that ends without a record leaves the last one where it
 * was: in the rows, in the export and with `onRecord`.
 */
export function runPanel<R extends AnyRecord | SweepRecord>(
  runnable: Runnable<R>,
  {
    openGpu: open = openDevice,
    describeDevice = async () => describeAdapter(await requestAdapter(navigator.gpu), navigator.gpu),
    measureReadBandwidth,
    onRecord,
    invalidation
  }: RunPanelOptions<R>
): RunPanel {
  const {table} = runnable;
  let run: AbortController | undefined;
  let finished: {record: R; rows: readonly LiveRow[]} | undefined;
  let lookedUp: Promise<boolean> | undefined;
  /** What the last look-up found; undefined until one has answered. */
  let hasGpu: boolean | undefined;

  const device = html`<div></div>`;
  const consent = waitsConsent(runnable.id, showChoice);
  const choices = html`<fieldset class="panel-choices" aria-label="What to run">
    ${runnable.controls} ${consent.element}
  </fieldset>` as HTMLFieldSetElement;
  const runButton = button("run", "Run", () => void start());
  const cancelButton = button("cancel", "Cancel", () => run?.abort());
  const exportButton = button("export", "Export record", () => {
    if (finished) downloadJson(runnable.nameOf(finished.record).file, finished.record);
  });
  const progressLabel = html`<span></span>`;
  const progressBar = html`<progress max="1" value="0"></progress>` as HTMLProgressElement;
  const progress = html`<label class="panel-progress" hidden>${progressLabel} ${progressBar}</label>`;
  const status = html`<p class="panel-status" role="status"></p>`;
  const questions = html`<div></div>`;
  const element = html`<section class="panel" data-experiment="${runnable.id}" aria-label="${runnable.label}">
    ${device} ${runnable.notes.map(missing)} ${choices}
    <div class="panel-actions">${runButton} ${cancelButton} ${exportButton}</div>
    ${progress} ${status} ${questions} ${table.element}
  </section>`;

  /** Runs what is on the screen at the press. */
  async function start() {
    if (runButton.disabled) return;
    if (needsConsent()) return consent.focus();
    const {signal} = (run = new AbortController());
    runnable.keepChoice();
    let rows: readonly LiveRow[] = liveRows("waiting");
    table.update(rows);
    progressBar.value = 0;
    progressLabel.textContent = "Asking for the GPU";
    show("preparing", "Preparing …");
    const options: RunnableOptions = {
      allowWaits: consent.given,
      openGpu: open,
      measureReadBandwidth,
      runtime: describeRuntime(navigator),
      clock: systemClock,
      visibility: pageVisibility,
      confirm: confirmIn(questions),
      signal,
      onEvent({state, label, fraction, rows: progress}) {
        rows = progress;
        table.update(rows);
        progressLabel.textContent = label;
        progressBar.value = fraction;
        if (state in running) show(state, running[state as keyof typeof running]);
      }
    };
    let outcome: RunOutcome<R>;
    try {
      outcome = !(await abortable(lookUpDevice(), signal))
        ? {state: "unsupported", message: "", record: null}
        : await aloneOnGpu(signal, onWait, () => runnable.run(options));
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

  function end({state, message, record}: RunOutcome<R>, rows: readonly LiveRow[]) {
    run = undefined;
    // An adapter that has not answered by now may never do so: the next run asks again.
    if (!hasGpu) lookedUp = undefined;
    if (record) finished = {record, rows};
    table.update(finished?.rows ?? liveRows(state));
    show(state, record || !finished ? message : `${message} The rows are of your ${runnable.noun} before.`.trim());
    if (!record) return;
    for (const run of runsOf(record)) ownRuns().remember(run);
    if (state === "done") element.dispatchEvent(new CustomEvent("experiment-record", {bubbles: true, detail: record}));
    onRecord?.(record);
  }

  /** Asks for the adapter, and says what it is or what is missing; what is missing is asked for again. */
  function lookUpDevice(): Promise<boolean> {
    if (lookedUp) return lookedUp;
    const asked = describeDevice().then(
      (description) => {
        hasGpu = true;
        device.replaceChildren(deviceLine(description, description.software && runnable.chooseTiny()));
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
    element.dataset.state = state;
    if (status.textContent !== firstLine(sentence)) status.textContent = firstLine(sentence);
    status.title = sentence === firstLine(sentence) ? "" : sentence;
    progress.hidden = run === undefined;
    choices.disabled = run !== undefined;
    runButton.disabled = run !== undefined || !navigator.gpu || runnable.chosen().length === 0;
    cancelButton.disabled = run === undefined;
    exportButton.disabled = run !== undefined || finished === undefined;
    const note = finished && runnable.nameOf(finished.record).note;
    exportButton.textContent = note ? `Export record (${note})` : "Export record";
    // A button disabled under the keyboard would lose the reader's place.
    if (focused === runButton && run) cancelButton.focus();
    if (focused === cancelButton && !run) runButton.focus();
  }

  function showChoice() {
    const state = hasGpu === false ? "unsupported" : "idle";
    table.update(finished?.rows ?? liveRows(state));
    const rest = finished
      ? `The rows are of your ${runnable.nameOf(finished.record).sentence} until the next one.`
      : "";
    const none = runnable.chosen().length === 0;
    show(state, `${none ? runnable.choiceAdvice : needsConsent() ? consentAdvice : ""} ${rest}`.trim());
  }

  /** Every row chosen waits for the reader's word. */
  function needsConsent(): boolean {
    const chosen = runnable.chosen();
    return !consent.given && chosen.length > 0 && chosen.every(({waits}) => waits);
  }

  function liveRows(status: string): LiveRow[] {
    return runnable
      .chosen()
      .map(({row, waits}) =>
        waits && !consent.given && status !== "unsupported"
          ? {...row, status: "declined", message: consentNote}
          : {...row, status}
      );
  }

  const cancelLookUp = navigator.gpu ? whenIdle(() => void lookUpDevice()) : void lookUpDevice();
  void invalidation?.then(() => {
    cancelLookUp?.();
    run?.abort();
  });
  return {
    element,
    showChoice,
    offerConsent(offered) {
      consent.element.hidden = !offered;
    }
  };
}

/** What each state of a run is called while it lasts. */
const running = {
  preparing: "Preparing …",
  verifying: "Verifying …",
  warming: "Warming up …",
  measuring: "Measuring …"
} satisfies Partial<Record<RunState, string>>;

/** The runs in a record, which another page of the site shows. */
function runsOf(record: AnyRecord | SweepRecord): AnyRecord[] {
  return record.kind === "sweep" ? record.runs : [record];
}

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

/** Calls back once the page has loaded and is idle; returns what cancels that. */
function whenIdle(callback: () => void): () => void {
  if (!("requestIdleCallback" in window)) {
    const timer = setTimeout(callback, 500);
    return () => clearTimeout(timer);
  }
  const request = requestIdleCallback(callback, {timeout: 2000});
  return () => cancelIdleCallback(request);
}
