import {html} from "htl";
import {formatNumber} from "./format.js";
import {ablate, anyRow, idleRungs, leastGain, type LadderRun} from "./ladder.js";
import {ranOn} from "./recorded.js";

/** What gave nothing or less, run by run: rungs that are no faster than the one before, and ablations that are faster. */
export function noGains(runs: readonly LadderRun[]): HTMLElement {
  if (runs.length === 0)
    return html`<p>No record of the ladder is on file yet. Run it, and this says it of your GPU.</p>`;
  return html`<ul class="no-gains">
    ${runs.map((run) => html`<li>${describeNoGains(run)}</li>`)}
  </ul>`;
}

/** "On NVIDIA H200, 1 layer: … was 0.8 times as fast as the rung before. Every ablation … was slower." */
export function describeNoGains(run: LadderRun): string {
  const {layers} = anyRow(run);
  const where = `${run.origin === "yours" ? "In your run" : `On ${ranOn(anyRow(run))}`}, ${layers === 1 ? "1 layer" : `${layers} layers`}`;
  const idle = idleRungs(run).map(({label, overBefore}) => `“${label}” (${formatNumber(overBefore!)} times)`);
  const rungs =
    idle.length > 0
      ? `as fast as the rung before, or slower: ${list(idle)}.`
      : "every rung measured was faster than the one before it.";
  const measured = ablate(run).filter(({overBest}) => overBest !== null);
  if (measured.length === 0) return `${where}: ${rungs}`;
  const faster = measured.filter(({overBest}) => overBest! >= leastGain);
  const same = measured.filter(({overBest}) => overBest! < leastGain && overBest! > 1 / leastGain);
  const names = (of: typeof measured) =>
    list(of.map(({label, overBest}) => `“${label}” (${formatNumber(overBest!)} times)`));
  return [
    `${where}: ${rungs}`,
    faster.length > 0 && `Faster than the choice that is made by default: ${names(faster)}.`,
    same.length > 0 && `As fast, whichever way: ${names(same)}.`,
    faster.length + same.length === 0 && "Every ablation measured was slower than one workgroup at its best."
  ]
    .filter(Boolean)
    .join(" ");
}

function list(items: readonly string[]): string {
  return new Intl.ListFormat("en-GB").format(items);
}
