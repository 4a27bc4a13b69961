import {html} from "htl";
import type {DecodeEnvironment} from "../lab/decode-variant.js";
import type {ResultRow} from "../lab/result-row.js";
import {runSweep} from "../lab/run-sweep.js";
import type {SweepRecord} from "../lab/sweep-record.js";
import {readSweep, writeSweep} from "../lab/sweep-settings.js";
import {axes, axisNames, planSweep, queueId, queueIds, sweepExperiment, whyEmpty} from "../lab/sweep.js";
import {shapes} from "../model/shape.js";
import {resultsTable, speedLayout, withShape} from "./results-table.js";
import {runPanel, type RunPanelOptions} from "./run-panel.js";
import {axisBoxes, queueBoxes} from "./sweep-choices.js";

export interface SweepPanelOptions extends RunPanelOptions<SweepRecord> {
  environment: DecodeEnvironment;
  /** Rows of sweeps on record, to show below the reader's own. */
  recordedRows: readonly ResultRow[];
}

/**
 * A panel that runs a sweep, as `runPanel` does: boxes for each axis, and the queue that follows from them, of which
 * each row can be struck. Its choice is the page's query. A cancelled sweep keeps the shapes that had ended, to see and
 * to export.
 */
export function sweepPanel({environment, recordedRows, ...options}: SweepPanelOptions): HTMLElement {
  const {settings, named, notes} = readSweep((name) => new URLSearchParams(location.search).get(name));
  let {choice, without} = settings;
  let shapesAreChosen = named.includes("shapes");

  const boxes = html`<div class="sweep-axes"></div>`;
  const queue = html`<div></div>`;
  const panel = runPanel(
    {
      id: "bench",
      label: "A sweep on this device",
      noun: "sweep",
      notes: notes.map((note) => `The link was not understood. ${note}`),
      controls: [boxes, queue],
      table: resultsTable({
        layout: speedLayout,
        recorded: recordedRows.map(withShape),
        live: [],
        caption: "The queue on this device, and sweeps on record"
      }),
      get choiceAdvice() {
        return `The queue is empty. ${whyEmpty(choice) ?? "All of its rows are struck: tick one."}`;
      },
      chosen: () =>
        planSweep(choice, without).flatMap((step) => {
          const shape = shapes[step.shape];
          return sweepExperiment(environment, step)
            .variants(shape)
            .map(({identity, waits}) => ({
              row: {...identity, variant: queueId(step.shape, identity.variant), shape: shape.label},
              waits
            }));
        }),
      keepChoice() {
        shapesAreChosen = true;
      },
      chooseTiny() {
        if (shapesAreChosen) return false;
        choice = {...choice, shapes: ["tiny"]};
        showChoice();
        return true;
      },
      run: (options) =>
        runSweep({
          ...options,
          steps: planSweep(choice, without),
          experiment: (step) => sweepExperiment(environment, step)
        }),
      nameOf: ({date, cancelled}) => ({
        sentence: "last sweep",
        note: cancelled ? "cancelled" : undefined,
        file: `${date.slice(0, 10)}_sweep`
      })
    },
    options
  );

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

  function showQueue() {
    const steps = planSweep(choice);
    panel.offerConsent(steps.some((step) => step.rows.some(({workgroups = 1}) => workgroups !== 1)));
    queue.replaceChildren(
      queueBoxes(steps, without, (struck) => {
        without = struck;
        keepInLink();
        panel.showChoice();
      })
    );
    panel.showChoice();
  }

  function keepInLink() {
    history.replaceState(history.state, "", writeSweep(location.href, {choice, without}));
  }

  showChoice();
  return panel.element;
}
