import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import type {ResultRow} from "../lab/result-row.js";
import {strongOf} from "./answer-block.js";
import {formatCount, formatNumber, formatRate} from "./format.js";

/** Two measured rows of one run: one workgroup, and the staged design with the same features, arithmetic and weights. */
export interface Comparison {
  /** Tokens per second in one dispatch per token. */
  fused: number;
  /** Tokens per second in a dispatch for each stage. */
  staged: number;
  /** Dispatches per token of `staged`. */
  dispatches: number;
}

/** The fastest row of one workgroup that has such a staged one beside it, or null. */
export function compareFactorings({rows}: Pick<RunRecord, "rows">): Comparison | null {
  const measured = rows.filter((row) => row.status === "measured");
  const likeness = ({features, arithmetic, weightFormat = "int4"}: (typeof measured)[number]) =>
    JSON.stringify([features, arithmetic, weightFormat]);
  const pairs = measured
    .filter(({factoring, workgroups}) => factoring === "fused" && workgroups === 1)
    .flatMap((fused) => {
      const staged = measured.find((row) => row.factoring === "staged" && likeness(row) === likeness(fused));
      return staged
        ? [
            {
              fused: fused.tokensPerSecond.median,
              staged: staged.tokensPerSecond.median,
              dispatches: staged.dispatchesPerToken
            }
          ]
        : [];
    });
  return pairs.length > 0 ? pairs.reduce((a, b) => (b.fused > a.fused ? b : a)) : null;
}

/** How the staged design compares: "29 times as fast", or that the one dispatch wins. */
export function describeRatio({fused, staged}: Comparison): string {
  const ratio = Math.max(fused, staged) / Math.min(fused, staged);
  if (ratio < 1.02) return "within 2\u00a0% of each other";
  return `${staged > fused ? "" : "the one dispatch is "}${formatNumber(ratio)} times as fast`;
}

/** The rows that the answer is made of. */
export interface AnswerRows {
  fused: ResultRow;
  staged: ResultRow;
  /** One dispatch of all workgroups that are resident. */
  resident: ResultRow;
  /** The staged design with the same arithmetic, in the same run. */
  stagedBeside: ResultRow;
}

/** The answer to the page's question, from recorded rows, and what the reader's own run says to it. */
export function answer({fused, staged, resident, stagedBeside}: AnswerRows, yours: RunRecord | null): HTMLElement {
  const recorded = strongOf("recorded");
  return html`<div class="answer">
    <p>
      One dispatch loses because its one workgroup keeps one core of the GPU busy: an ${fused.device} decodes Phi-3-mini
      at ${recorded(formatRate(fused.tokensPerSecond!))} in one dispatch of one workgroup and at
      ${recorded(formatRate(staged.tokensPerSecond!))} in ${formatCount(staged.dispatchesPerToken!)} dispatches. It does
      not have to: with its best arithmetic, one dispatch of ${formatCount(resident.workgroups!)} workgroups that wait
      for each other reaches ${recorded(formatRate(resident.tokensPerSecond!))}, and
      ${formatCount(stagedBeside.dispatchesPerToken!)} dispatches with the same arithmetic
      ${recorded(formatRate(stagedBeside.tokensPerSecond!))}.
    </p>
    ${yours ? yourAnswer(yours) : null}
  </div>`;
}

/** How a sentence calls the reader's device. */
export function nameDevice({label, software}: Pick<RunRecord["device"], "label" | "software">): string {
  return software ? `${label} (a CPU standing in for a GPU)` : label;
}

function yourAnswer(record: RunRecord): HTMLElement {
  const {device, shape} = record;
  const name = nameDevice(device);
  const comparison = compareFactorings(record);
  if (!comparison) {
    return html`<p class="your-answer">
      Your run on ${name} did not measure both designs with the same features, so it does not compare them.
    </p>`;
  }
  const speed = (tokensPerSecond: number) => html`<strong class="yours">${formatRate(tokensPerSecond)}</strong>`;
  return html`<p class="your-answer">
    Your device, ${name}, decodes “${shape.label}” at ${speed(comparison.fused)} in one dispatch and at
    ${speed(comparison.staged)} in ${formatCount(comparison.dispatches)}: ${describeRatio(comparison)}.
  </p>`;
}
