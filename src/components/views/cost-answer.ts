import {group} from "d3";
import {html} from "htl";
import type {CostRecord} from "../lab/cost-record.js";
import {costRows, type CostResultRow} from "../lab/cost-row.js";
import {nameDevice} from "./answer.js";
import {formatCount, formatMicroseconds, formatMilliseconds, formatQuantity} from "./format.js";
import {ranOn} from "./recorded.js";

/** The ways to launch a stage as a dispatch of its own. */
const launchVariants = ["dispatches", "passes", "submits", "awaited-submits"];

/** How often a token of Phi-3-mini would pay for an operation. */
export interface TokenCounts {
  /** Dispatches of the staged design. */
  dispatches: number;
  /** Times that the workgroups of a single dispatch would wait for each other. */
  waits: number;
}

/**
 * The answer to the page's question, from the first record of these rows and from the reader's own run.
 * @param recorded rows of records on file
 */
export function costAnswer(recorded: readonly CostResultRow[], yours: CostRecord | null): HTMLElement {
  const live = yours ? costRows(yours, null) : [];
  const [first = []] = group(recorded, ({sourceFile}) => sourceFile).values();
  const measured = (rows: readonly CostResultRow[]) => rows.some(({microseconds}) => microseconds !== null);
  return html`<div class="answer">
    ${measured(first) ? html`<p>${sentence(first, "recorded")}</p>` : null}
    ${measured(live) ? html`<p class="your-answer">${sentence(live, "yours")}</p>` : null}
    ${
      measured(first) || measured(live)
        ? null
        : html`<p>No record of this experiment is on file yet: run it below, and the answer is your device's own.</p>`
    }
  </div>`;
}

function sentence(rows: readonly CostResultRow[], meaning: "recorded" | "yours"): Node {
  const figure = (row: CostResultRow) =>
    html`<strong class="${meaning}">${formatMicroseconds(row.microseconds!)}</strong>`;
  const find = (variant: string) => rows.find((row) => row.variant === variant && row.microseconds !== null);
  const [dispatch, submit, awaited] = ["dispatches", "submits", "awaited-submits"].map(find);
  const exchanges = largestWaits(rows, "exchange");
  const many = (row: CostResultRow) =>
    html`<span>${figure(row)} with ${formatQuantity(row.workgroups!, "workgroup")}</span>`;
  const parts = [
    dispatch && html`<span>a dispatch that needs the one before it costs ${figure(dispatch)}</span>`,
    submit && html`<span>a submit of its own for each costs ${figure(submit)}</span>`,
    awaited && html`<span>to wait for each on the CPU costs ${figure(awaited)}</span>`,
    exchanges.length > 0 &&
      html`<span
        >to exchange all values inside a dispatch instead costs
        ${exchanges.flatMap((row, i) => (i === 0 ? [many(row)] : [" and ", many(row)]))}</span
      >`
  ].filter(Boolean) as Node[];
  const name = nameDevice({label: ranOn(rows[0]!), software: rows[0]!.software});
  if (parts.length === 0)
    return html`<span>The run on ${name} measured none of the variants that are compared here.</span>`;
  const joined = parts.flatMap((part, i) => (i === 0 ? [part] : [i === parts.length - 1 ? ", and " : ", ", part]));
  return html`<span
    >On ${meaning === "yours" ? "your device, " : "an "}${name}${meaning === "yours" ? ", " : " "}${joined}.</span
  >`;
}

/**
 * The waits of this kind ("barrier", "exchange", "barrier-exchange") that were measured with the most workgroups: two,
 * the larger last, because the cost can rise steeply where workgroups share a core. One workgroup waits for nobody.
 */
export function largestWaits(rows: readonly CostResultRow[], kind: string): CostResultRow[] {
  return rows
    .filter(({variant, microseconds}) => variant.replace(/-\d+$/, "") === kind && microseconds !== null)
    .filter(({workgroups}) => workgroups! > 1)
    .sort((a, b) => a.workgroups! - b.workgroups!)
    .slice(-2);
}

/**
 * What a token of the model would pay: figure × count, for each way to launch its dispatches, and each way to wait inside
 * one with the two largest numbers of workgroups that were measured.
 * These are the prices of empty operations. A real one costs less where work hides it, and more where it moves more.
 */
export function tokenCosts(
  recorded: readonly CostResultRow[],
  yours: CostRecord | null,
  counts: TokenCounts
): HTMLElement {
  const live = yours ? costRows(yours, null) : [];
  const records = group(recorded, ({sourceFile}) => sourceFile).values();
  const rows = [live, ...records].flatMap((run) => {
    const launches = launchVariants.map((variant) => run.find((row) => row.variant === variant));
    const waits = ["barrier", "exchange", "barrier-exchange"].flatMap((kind) => largestWaits(run, kind));
    return [
      ...launches.map((row) => ({row, count: counts.dispatches})),
      ...waits.map((row) => ({row, count: counts.waits}))
    ].flatMap(({row, count}) =>
      row && row.microseconds !== null ? [{row, microseconds: row.microseconds, count}] : []
    );
  });
  if (rows.length === 0) return html`<p>The table is made of your figures once you have run the experiment.</p>`;
  return html`<div class="scrolls" role="region" aria-label="What a token would pay" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Variant</th>
          <th scope="col" class="number">Times a token</th>
          <th scope="col" class="number">Each</th>
          <th scope="col" class="number">A token</th>
          <th scope="col" style="min-width: 7em;">Device</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({row, microseconds, count}) =>
            html`<tr>
              <th scope="row">${row.label}</th>
              <td class="number">${formatCount(count)}</td>
              <td class="number">${formatMicroseconds(microseconds)}</td>
              <td class="number">${formatMilliseconds((count * microseconds) / 1000)}</td>
              <td class="${row.sourceFile === null ? "yours" : "recorded"}">${ranOn(row)}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
