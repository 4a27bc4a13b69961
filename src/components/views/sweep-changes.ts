import {group} from "d3";
import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {sweepExperimentId} from "../lab/result-row.js";
import {axes} from "../lab/sweep.js";
import type {WeightFormat} from "../model/shape.js";
import {formatPercent, formatQuantity, formatRate} from "./format.js";
import {cite, ranOn, shapeLabel} from "./recorded.js";

/** Two rows of one run that differ in one choice. */
export interface Change {
  /** What the second has and the first has not: "16-bit integers". */
  what: string;
  before: ResultRow & {tokensPerSecond: number};
  after: ResultRow & {tokensPerSecond: number};
}

/** A choice, and how the id of the row that makes it follows from that of the row that does not; null where it does not. */
const choices: readonly {what: string; change(variant: string): string | null}[] = [
  {what: "16-bit integers, not float32", change: replace(/-float32(?=-(subgroups|portable))/, "-int16")},
  {what: "No subgroups", change: replace(/-subgroups/, "-portable")},
  ...(["float16", "float32"] satisfies WeightFormat[]).map((format) => ({
    what: `Weights expanded to ${format}`,
    change: replace(/(?<=^[a-z]+(-\w+)?-float32)(?=-(subgroups|portable))/, `-${format}-weights`)
  })),
  {what: "A dispatch for each operation, not for each stage", change: replace(/^staged/, "unfused")},
  ...axes.dispatches.values.map((count) => ({
    what: "One workgroup in several dispatches, not in one",
    change: (variant: string) => (/-\d+$/.test(variant) ? null : replace(/^fused-1(?=-)/, `chunked-${count}`)(variant))
  })),
  ...axes.sizes.values
    .filter((size) => size !== "default")
    .map((size) => ({
      what: `Workgroups of ${size}, not of the kernel’s own size`,
      change: replace(/^(fused-.*-(?:subgroups|portable))(?=$|-\d+-tokens$)/, `$1-${size}`)
    })),
  {
    what: "Activations in registers",
    change: replace(/^(fused-(?!1-).*-subgroups(?:-\d+)?)(?=$|-\d+-tokens$)/, "$1-registers")
  },
  ...axes.tokens.values
    .filter((tokens) => tokens !== "1")
    .map((tokens) => ({
      what: `${tokens} tokens in a dispatch, not one`,
      change: replace(/^(fused-.*)(?<!-tokens)$/, `$1-${tokens}-tokens`)
    }))
];

/** Every pair of rows of a sweep that differ in one choice, choice after choice. */
export function sweepChanges(rows: readonly ResultRow[]): Change[] {
  const swept = rows.filter((row): row is Change["before"] => row.experiment === sweepExperimentId && hasFigure(row));
  const known = new Map(swept.map((row) => [row.id, row]));
  return choices.flatMap(({what, change}) =>
    swept.flatMap((before) => {
      const changed = change(before.variant!);
      const after = changed === null ? undefined : known.get(before.id.replace(/[^/]+$/, changed));
      return after ? [{what, before, after}] : [];
    })
  );
}

/**
 * Choices that made no row faster, the worst first.
 * @param equal figures that differ by less than this part count as equal: rows of one kernel may
 */
export function findGainless(changes: readonly Change[], equal: number): Change[][] {
  const gain = ({before, after}: Change) => after.tokensPerSecond / before.tokensPerSecond;
  return [...group(changes, ({what}) => what).values()]
    .filter((pairs) => pairs.every((pair) => gain(pair) < 1 + equal))
    .map((pairs) => [...pairs].sort((a, b) => gain(a) - gain(b)))
    .sort((a, b) => gain(a[0]!) - gain(b[0]!));
}

/** A line for each choice that made no row faster, with the pair of rows that lost the most by it. */
export function noGainsList(changes: readonly Change[], equal: number): HTMLElement {
  const lines = findGainless(changes, equal);
  if (lines.length === 0) return html`<p class="no-gains">Every choice on record made some row faster.</p>`;
  return html`<ul class="no-gains">
    ${lines.map((pairs) => {
      const [{what, before, after}] = pairs as [Change];
      const ratio = after.tokensPerSecond / before.tokensPerSecond;
      const loss = ratio > 1 - equal ? "no difference" : `${formatPercent(1 - ratio)} less`;
      const worst = pairs.length > 1 ? `, the worst of ${formatQuantity(pairs.length, "pair")} of rows` : "";
      return html`<li>
        <strong>${what}.</strong> At “${shapeLabel(before)}” on the ${ranOn(before)}, “${before.label}” has
        ${formatRate(before.tokensPerSecond)} and “${after.label}” has ${formatRate(after.tokensPerSecond)}:
        ${loss}${worst} ${cite(after)}.
      </li>`;
    })}
  </ul>`;
}

function hasFigure(row: ResultRow): row is Change["before"] {
  return row.tokensPerSecond !== null;
}

function replace(pattern: RegExp, by: string): (variant: string) => string | null {
  return (variant) => (pattern.test(variant) ? variant.replace(pattern, by) : null);
}
