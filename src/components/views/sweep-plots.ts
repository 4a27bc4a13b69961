import {html} from "htl";
import {runRows, type ResultRow} from "../lab/result-row.js";
import type {SweepRecord} from "../lab/sweep-record.js";
import {ablationPlot} from "./ablation-plot.js";
import {byShape, newestSweeps} from "./sweep-rows.js";

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
      return html`<section aria-label="${shape.label}">
        <p class="plot-title"><strong>${shape.label}</strong></p>
        ${ablationPlot({labels, recorded: onFile, yours: run, width})}
      </section>`;
    })}
  </div>`;
}
