import {html} from "htl";
import type {CostResultRow} from "../lab/cost-row.js";
import type {Experiment} from "../lab/experiment.js";
import type {ProfileResultRow} from "../lab/profile-row.js";
import type {ResultRow} from "../lab/result-row.js";
import {runExperiment, type AnyRecord} from "../lab/run-experiment.js";
import {shapes, weightBytesPerToken, type Shape, type ShapeId} from "../model/shape.js";
import {costLayout} from "./cost-table.js";
import {formatBytes} from "./format.js";
import {readSettings, variantIds, writeSettings} from "./panel-settings.js";
import {profileLayout} from "./profile-table.js";
import {resultsTable, speedLayout, type TableLayout} from "./results-table.js";
import {runPanel, type RunPanelOptions} from "./run-panel.js";

export interface PanelOptions extends RunPanelOptions<AnyRecord> {
  experiment: Experiment;
  /** Recorded rows to show below the reader's own: costs for an experiment without shapes, a profile's, else speeds. */
  recordedRows: readonly ResultRow[] | readonly CostResultRow[] | readonly ProfileResultRow[];
  /** How its table shows rows without a model: as costs by default. */
  layout?: TableLayout<CostResultRow>;
  /** What its part of the link's query starts with, on a page that has another panel: "ablation-". */
  queryPrefix?: string;
}

/**
 * A panel that runs an experiment on the reader's own GPU, as `runPanel` does. Its shape and variants are the page's
 * `?shape=…&variants=…`.
 */
export function experimentPanel({
  experiment,
  recordedRows,
  layout = costLayout,
  queryPrefix,
  ...options
}: PanelOptions): HTMLElement {
  const link = readSettings(location.search, experiment, queryPrefix);
  const {settings, notes} = link;
  let {shapeIsChosen} = link;

  const shapeSelect = html`<select name="shape" onchange=${chooseShape}>
    ${experiment.shapes.map((id) => html`<option value="${id}">${shapeLabel(id)}</option>`)}
  </select>` as HTMLSelectElement;
  const variantBoxes = html`<fieldset class="panel-variants" onchange=${chooseVariants}></fieldset>`;
  const panel = runPanel(
    {
      id: experiment.id,
      label: experiment.question,
      noun: "run",
      notes,
      controls: [experiment.shapes.length > 0 ? html`<label>Shape ${shapeSelect}</label>` : null, variantBoxes],
      table: experiment.position
        ? resultsTable({layout: profileLayout, recorded: recordedRows as readonly ProfileResultRow[], live: []})
        : experiment.shapes.length > 0
          ? resultsTable({layout: speedLayout, recorded: recordedRows as readonly ResultRow[], live: []})
          : resultsTable({layout, recorded: recordedRows as readonly CostResultRow[], live: []}),
      choiceAdvice: "Choose at least one variant.",
      chosen() {
        const variants = experiment.variants(chosenShape());
        return variants
          .filter(({identity}) => settings.variants.includes(identity.variant))
          .map(({identity, waits}) => ({row: {...identity, shape: chosenShape()?.label}, waits}));
      },
      keepChoice() {
        shapeIsChosen = true;
      },
      chooseTiny() {
        if (shapeIsChosen || !experiment.shapes.includes("tiny")) return false;
        settings.shape = "tiny";
        showSettings();
        return true;
      },
      run: ({onEvent, ...options}) =>
        runExperiment({
          ...options,
          experiment,
          shape: chosenShape(),
          variants: settings.variants,
          onEvent: ({rows, ...event}) =>
            onEvent({...event, rows: rows.map((row) => ({...row, shape: chosenShape()?.label}))})
        }),
      nameOf(record) {
        const shape = "shape" in record ? record.shape : undefined;
        const file = [record.date.slice(0, 10), record.experiment, ...(shape ? [shape.id] : [])].join("_");
        return {sentence: shape ? `run of “${shape.label}”` : "run", note: shape?.label, file};
      }
    },
    options
  );

  function showSettings() {
    if (settings.shape) shapeSelect.value = settings.shape;
    const variants = experiment.variants(chosenShape());
    panel.offerConsent(variants.some(({waits}) => waits));
    variantBoxes.replaceChildren(
      html`<legend>Variants</legend>`,
      ...variants.map(({identity: {variant, label}}) => {
        const checked = settings.variants.includes(variant);
        return html`<label><input type="checkbox" value="${variant}" checked=${checked} /> ${label}</label>`;
      })
    );
    panel.showChoice();
  }

  function chooseShape() {
    shapeIsChosen = true;
    const left = variantIds(experiment, settings.shape).filter((id) => !settings.variants.includes(id));
    settings.shape = shapeSelect.value as ShapeId;
    settings.variants = variantIds(experiment, settings.shape).filter((id) => !left.includes(id));
    keepInLink();
    showSettings();
  }

  function chooseVariants() {
    const boxes = [...variantBoxes.querySelectorAll<HTMLInputElement>("input:checked")];
    settings.variants = boxes.map(({value}) => value);
    keepInLink();
    panel.showChoice();
  }

  function keepInLink() {
    history.replaceState(history.state, "", writeSettings(location.href, settings, queryPrefix));
  }

  function chosenShape(): Shape | null {
    return settings.shape && shapes[settings.shape];
  }

  showSettings();
  return panel.element;
}

/** "Phi-3-mini, 32 layers (2.09 GB a token)": what a token reads is what a run costs. */
function shapeLabel(id: ShapeId): string {
  return `${shapes[id].label} (${formatBytes(weightBytesPerToken(shapes[id]))} of weights a token)`;
}
