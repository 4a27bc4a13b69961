import {html} from "htl";
import {ablated} from "../lab/tiling.js";
import {formatNumber} from "./format.js";
import {ablate, anyRow, climb, idleRungs, leastGain, type LadderRun} from "./ladder.js";
import {ranOn} from "./recorded.js";

/** What gave nothing or less, run by run: rungs that are no faster than the one before, and ablations that are faster. */
export function ladderNoGains(runs: readonly LadderRun[]): HTMLElement {
  if (runs.length === 0)
    return html`<p>No record of the ladder is on file yet. Run it, and this says it of your GPU.</p>`;
  return html`<ul class="no-gains">
    ${runs.map((run) => html`<li>${describeNoGains(run)}</li>`)}
  </ul>`;
}

/** "On NVIDIA H200, 1 layer: no faster than the rung before: “…” (−20 %). Every ablation … was slower …" */
export function describeNoGains(run: LadderRun): string {
  const {layers} = anyRow(run);
  const where = `${run.origin === "yours" ? "In your run" : `On the ${ranOn(anyRow(run))}`}, ${layers === 1 ? "1 layer" : `${layers} layers`}`;
  const idle = idleRungs(run).map(({label, overBefore}) => `“${label}” (${formatChange(overBefore!)})`);
  const rungs =
    idle.length > 0
      ? `no faster than the rung before: ${list(idle)}.`
      : climb(run).some(({overBefore}) => overBefore !== null)
        ? "every rung measured was faster than the one before it."
        : "no rung was measured together with the one before it.";
  const measured = ablate(run).filter(({overAblated}) => overAblated !== null);
  if (measured.length === 0) return `${where}: ${rungs}`;
  const faster = measured.filter(({overAblated}) => overAblated! >= leastGain);
  const same = measured.filter(({overAblated}) => overAblated! < leastGain && overAblated! > 1 / leastGain);
  const base = `“${ablated.label}”`;
  const names = (of: typeof measured) =>
    list(of.map(({label, overAblated}) => `“${label}” (${formatChange(overAblated!)})`));
  return [
    `${where}: ${rungs}`,
    faster.length > 0 && `Faster than ${base}, which they change: ${names(faster)}.`,
    same.length > 0 && `As fast as ${base}, either way: ${names(same)}.`,
    faster.length + same.length === 0 && `Every ablation measured was slower than ${base}, which it changes.`
  ]
    .filter(Boolean)
    .join(" ");
}

function list(items: readonly string[]): string {
  return new Intl.ListFormat("en-GB").format(items);
}

/** "−20 %", "+5 %", "±0 %": by how much a speed changed. */
function formatChange(ratio: number): string {
  const percent = Math.round(1000 * (ratio - 1)) / 10;
  const sign = percent === 0 ? "±" : percent < 0 ? "−" : "+";
  return `${sign}${formatNumber(Math.abs(percent))}\u00a0%`;
}
