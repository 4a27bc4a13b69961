import {html} from "htl";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {SweepRecord} from "../lab/sweep-record.js";
import {ablationPlot} from "./ablation-plot.js";
import {byShape, newestSweeps} from "./sweep-rows.js";

/** Lines of a plot that a reader takes in at once; more are folded away. */
const mostAtOnce = 16;

/**
 * A plot of speed by row for each shape of the newest sweeps on record and of the reader's own, the fastest row on top.
 * @param recorded rows of sweeps, newest first
 * @param width in pixels
 */
export function sweepPlots({
  recorded,
  yours,
  width = 640
}: {
  recorded: readonly ResultRow[];
  yours: SweepRecord | null;
  width?: number;
}): HTMLElement {
  const own = (yours?.runs ?? []).flatMap((run) => runRows(run, null));
  const swept = byShape([...own, ...recorded]);
  if (swept.length === 0) {
    return html`<div class="sweep-plots">
      <p>Here a plot of every shape follows from a sweep, the fastest row on top.</p>
    </div>`;
  }
  return html`<div class="sweep-plots">
    ${swept.map(({shape}) => {
      const onFile = newestSweeps(recorded.filter(({shapeId}) => shapeId === shape.id));
      const run = yours?.runs.find((run) => run.shape.id === shape.id) ?? null;
      const shown = [...onFile, ...own.filter(({shapeId}) => shapeId === shape.id)];
      const labels = [...new Set(byShape(shown)[0]!.rows.map(({label}) => label))];
      const plot = (labels: string[]) => ablationPlot({labels, recorded: onFile, yours: run, width});
      return html`<section aria-label="${shape.label}">
        <p class="plot-title"><strong>${shape.label}</strong></p>
        ${labels.length <= mostAtOnce ? plot(labels) : foldedPlot(labels, plot)}
      </section>`;
    })}
  </div>`;
}

/** The fastest lines and the slowest, and all of them for who unfolds them: drawn then. */
function foldedPlot(labels: readonly string[], plot: (labels: string[]) => HTMLElement): HTMLElement {
  const some = [...labels.slice(0, mostAtOnce - 3), ...labels.slice(-3)];
  const details = html`<details class="sweep-all">
    <summary>All ${labels.length} ways</summary>
  </details>`;
  details.addEventListener("toggle", () => details.append(plot([...labels])), {once: true});
  return html`<div>
    <p class="plot-note">The ${mostAtOnce - 3} fastest of ${labels.length} ways, and the 3 slowest.</p>
    ${plot(some)} ${details}
  </div>`;
}
