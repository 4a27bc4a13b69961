import {html} from "htl";
import {describeAdapter, requestAdapter, type DeviceDescription, type Gpu} from "../gpu/device.js";
import {abortable, systemClock} from "../lab/clock.js";
import type {DecodeEnvironment} from "../lab/decode-variant.js";
import type {ResultRow} from "../lab/result-row.js";
import {describeError, type RunOutcome, type RunState} from "../lab/run-experiment.js";
import {runSweep} from "../lab/run-sweep.js";
import type {SweepRecord} from "../lab/sweep-record.js";
import {readSweep, writeSweep} from "../lab/sweep-settings.js";
import {axes, axisNames, planSweep, queueId, queueIds, sweepExperiment} from "../lab/sweep.js";
import {shapes} from "../model/shape.js";
import {aloneOnGpu} from "./alone-on-gpu.js";
import {downloadJson} from "./download.js";
import {button, openDevice, pageVisibility, running, whenIdle} from "./experiment-panel.js";
import {firstLine} from "./format.js";
import {ownRuns} from "./own-runs.js";
import {confirmIn} from "./panel-confirm.js";
import {consentAdvice, consentNote, waitsConsent} from "./panel-consent.js";
import {deviceLine, missing} from "./panel-device.js";
import {describeRuntime} from "./panel-runtime.js";
import {resultsTable, speedLayout, withShape, type LiveRow} from "./results-table.js";
import {axisBoxes, queueBoxes} from "./sweep-choices.js";

export interface SweepPanelOptions {
  environment: DecodeEnvironment;
  /** Rows of sweeps on record, to show below the reader's own. */
  recordedRows: readonly ResultRow[];
  /** Opens a device for each shape. */
  openGpu?(): Promise<Gpu>;
  /** Describes the adapter without opening a device; rejects with what is missing. */
  describeDevice?(): Promise<DeviceDescription>;
  measureReadBandwidth?(gpu: Gpu, signal: AbortSignal): Promise<number>;
  /** Called with the record of every sweep that has one, a cancelled one too. */
  onRecord?(record: SweepRecord): void;
  /** Settles when the panel's cell is run again or removed: ends the sweep and frees everything. */
  invalidation?: Promise<unknown>;
}

/**
 * A panel that runs a sweep: boxes for each axis, the queue that follows from them, of which each row can be struck, and
 * what an experiment's panel has: `<section data-experiment="bench" data-state>` with the actions run, cancel, export and
 * allow-waits. Its choice is the page's query. When a sweep completes, it dispatches a bubbling `experiment-record` event
 * whose detail is the record. A cancelled one keeps the shapes that had ended, to see and to export.
 */
export function sweepPanel({
  environment,
  recordedRows,
  openGpu: open = openDevice,
  describeDevice = async () => describeAdapter(await requestAdapter(navigator.gpu), navigator.gpu),
  measureReadBandwidth,
  onRecord,
  invalidation
}: SweepPanelOptions): HTMLElement {
  const {settings, named, notes} = readSweep((name) => new URLSearchParams(location.search).get(name));
  let {choice, without} = settings;
  let shapesAreChosen = named.includes("shapes");
  let run: AbortController | undefined;
  let finished: {record: SweepRecord; rows: readonly LiveRow[]} | undefined;
  let lookedUp: Promise<boolean> | undefined;
  /** What the last look-up found; undefined until one has answered. */
  let hasGpu: boolean | undefined;

  const device = html`<div></div>`;
  const boxes = html`<div class="sweep-axes"></div>`;
  const queue = html`<div></div>`;
  const consent = waitsConsent("bench", showStart);
  const choices = html`<fieldset class="panel-choices" aria-label="What to run">
    ${boxes} ${queue} ${consent.element}
  </fieldset>` as HTMLFieldSetElement;
  const runButton = button("run", "Run", () => void start());
  const cancelButton = button("cancel", "Cancel", () => run?.abort());
  const exportButton = button("export", "Export record", () => {
    if (finished) downloadJson(`${finished.record.date.slice(0, 10)}_sweep`, finished.record);
  });
  const progressLabel = html`<span></span>`;
  const progressBar = html`<progress max="1" value="0"></progress>` as HTMLProgressElement;
  const progress = html`<label class="panel-progress" hidden>${progressLabel} ${progressBar}</label>`;
  const status = html`<p class="panel-status" role="status"></p>`;
  const questions = html`<div></div>`;
  const table = resultsTable({
    layout: speedLayout,
    recorded: recordedRows.map(withShape),
    live: [],
    caption: "The queue on this device, and sweeps on record"
  });
  const panel = html`<section class="panel" data-experiment="bench" aria-label="A sweep on this device">
    ${device} ${notes.map(missing)} ${choices}
    <div class="panel-actions">${runButton} ${cancelButton} ${exportButton}</div>
    ${progress} ${status} ${questions} ${table.element}
  </section>`;

  /** Runs the queue that is on the screen at the press. */
  async function start() {
    if (runButton.disabled) return;
    if (needsConsent()) return consent.focus();
    const {signal} = (run = new AbortController());
    shapesAreChosen = true;
    let rows: readonly LiveRow[] = liveRows("waiting");
    table.update(rows);
    progressBar.value = 0;
    progressLabel.textContent = "Asking for the GPU";
    show("preparing", "Preparing …");
    let outcome: RunOutcome<SweepRecord>;
    try {
      outcome = !(await abortable(lookUpDevice(), signal))
        ? {state: "unsupported", message: "", record: null}
        : await aloneOnGpu(signal, onWait, () =>
            runSweep({
              steps: planSweep(choice, without),
              experiment: (step) => sweepExperiment(environment, step),
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

  function end({state, message, record}: RunOutcome<SweepRecord>, rows: readonly LiveRow[]) {
    run = undefined;
    // An adapter that has not answered by now may never do so: the next run asks again.
    if (!hasGpu) lookedUp = undefined;
    if (record) finished = {record, rows};
    table.update(finished?.rows ?? liveRows(state));
    show(state, record || !finished ? message : `${message} The rows are of your sweep before.`.trim());
    if (!record) return;
    for (const run of record.runs) ownRuns().remember(run);
    if (state === "done") panel.dispatchEvent(new CustomEvent("experiment-record", {bubbles: true, detail: record}));
    onRecord?.(record);
  }

  /** Asks for the adapter, and says what it is or what is missing; what is missing is asked for again. */
  function lookUpDevice(): Promise<boolean> {
    if (lookedUp) return lookedUp;
    const asked = describeDevice().then(
      (description) => {
        const startsTiny = description.software && !shapesAreChosen;
        hasGpu = true;
        device.replaceChildren(deviceLine(description, startsTiny));
        if (startsTiny) choice = {...choice, shapes: ["tiny"]};
        if (startsTiny) showChoice();
        return true;
      },
      (error: unknown) => {
        if (lookedUp !== asked) return false; // given up, and perhaps asked for again
        lookedUp = undefined;
        hasGpu = false;
        device.replaceChildren(missing(describeError(error)));
        if (!run) showStart();
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
    runButton.disabled = run !== undefined || !navigator.gpu || planSweep(choice, without).length === 0;
    cancelButton.disabled = run === undefined;
    exportButton.disabled = run !== undefined || finished === undefined;
    exportButton.textContent = finished?.record.cancelled ? "Export record (cancelled)" : "Export record";
    // A button disabled under the keyboard would lose the reader's place.
    if (focused === runButton && run) cancelButton.focus();
    if (focused === cancelButton && !run) runButton.focus();
  }

  /** The boxes of every axis, and the queue. */
  function showChoice() {
    boxes.replaceChildren(
      ...axisNames.map((name) =>
        axisBoxes(axes[name], name, choice[name], (values) => {
          if (name === "shapes") shapesAreChosen = true;
          choice = {...choice, [name]: values};
          const ids = queueIds(planSweep(choice));
          without = without.filter((id) => ids.includes(id));
          keepInLink();
          showQueue();
        })
      )
    );
    showQueue();
  }

  /** What Run would run now; the rows of a finished sweep stay until then. */
  function showQueue() {
    const steps = planSweep(choice);
    consent.element.hidden = !steps.some((step) => step.rows.some(({workgroups = 1}) => workgroups !== 1));
    queue.replaceChildren(
      queueBoxes(steps, without, (struck) => {
        without = struck;
        keepInLink();
        showStart();
      })
    );
    showStart();
  }

  function showStart() {
    table.update(finished?.rows ?? liveRows(hasGpu === false ? "unsupported" : "idle"));
    const rest = finished ? "The rows are of your last sweep until the next one." : "";
    const empty = planSweep(choice, without).length === 0;
    const advice = empty ? "The queue is empty: choose something of every kind." : needsConsent() ? consentAdvice : "";
    show(hasGpu === false ? "unsupported" : "idle", `${advice} ${rest}`.trim());
  }

  function keepInLink() {
    history.replaceState(history.state, "", writeSweep(location.href, {choice, without}));
  }

  /** Every row of the queue waits for the reader's word. */
  function needsConsent(): boolean {
    const rows = planSweep(choice, without).flatMap(({rows}) => rows);
    return !consent.given && rows.length > 0 && rows.every(({workgroups = 1}) => workgroups !== 1);
  }

  function liveRows(status: string): LiveRow[] {
    return planSweep(choice, without).flatMap((step) =>
      sweepExperiment(environment, step)
        .variants(shapes[step.shape])
        .map(({identity, waits}) => ({
          ...identity,
          variant: queueId(step.shape, identity.variant),
          shape: shapes[step.shape].label,
          ...(waits && !consent.given && status !== "unsupported"
            ? {status: "declined", message: consentNote}
            : {status})
        }))
    );
  }

  showChoice();
  const cancelLookUp = navigator.gpu ? whenIdle(() => void lookUpDevice()) : void lookUpDevice();
  void invalidation?.then(() => {
    cancelLookUp?.();
    run?.abort();
  });
  return panel;
}
