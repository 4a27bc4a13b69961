import {html} from "htl";
import type {RunRecord} from "../lab/record.js";
import {weightBytesPerToken} from "../model/shape.js";
import {compareFactorings, describeRatio, nameDevice} from "./answer.js";
import {formatCount, formatRate} from "./format.js";
import {yourFinding} from "./geometry-answer.js";
import type {OwnRuns} from "./own-runs.js";

/** What the reader's own runs say, from whatever page they were made on, and a button that forgets them. */
export function ownRatio(runs: OwnRuns): HTMLElement {
  const element = html`<div class="own-ratio"></div>`;
  function show() {
    const records = runs.all();
    const found = findings(records);
    element.replaceChildren(
      ...found.map((sentence) => html`<p class="your-answer">${sentence}</p>`),
      ...(found.length === 0 ? [nothingYet(records.length > 0)] : []),
      ...(records.length > 0 ? [html`<button type="button" onclick=${forget}>Forget my runs</button>`] : [])
    );
  }
  function forget() {
    runs.forget();
    show();
  }
  show();
  return element;
}

/**
 * A sentence of a run that compares one workgroup, and one of a run that has several: of the largest models that were run,
 * the newest.
 */
export function findings(records: readonly RunRecord[]): (string | HTMLElement)[][] {
  const strong = (text: string) => html`<strong class="yours">${text}</strong>`;
  const largest = records.toSorted((a, b) => weightBytesPerToken(b.shape) - weightBytesPerToken(a.shape));
  const one = largest.find(compareFactorings);
  const several = largest.find(({rows}) => {
    const measured = rows.filter(({status}) => status === "measured");
    return (
      measured.some(({factoring, workgroups}) => factoring === "fused" && workgroups !== null && workgroups > 1) &&
      measured.some(({factoring}) => factoring === "staged")
    );
  });
  return [
    ...(one ? [[...compareOne(one, strong), runDate(one)]] : []),
    ...(several ? [[...yourFinding(several, strong), runDate(several)]] : [])
  ];
}

function compareOne(record: RunRecord, strong: (text: string) => HTMLElement): (string | HTMLElement)[] {
  const comparison = compareFactorings(record)!;
  return [
    `On your device, ${nameDevice(record.device)}, one workgroup decodes “${record.shape.label}” at `,
    strong(formatRate(comparison.fused)),
    ` and ${formatCount(comparison.dispatches)} dispatches at `,
    strong(formatRate(comparison.staged)),
    ": ",
    strong(describeRatio(comparison)),
    "."
  ];
}

function runDate({date}: RunRecord): string {
  return ` (your run of ${new Date(date).toLocaleString("en-GB", {dateStyle: "long", timeStyle: "short"})})`;
}

function nothingYet(some: boolean): HTMLElement {
  const what = some ? "None of your runs has both designs." : "You have not run anything yet.";
  return html`<p class="your-answer">
    ${what} Run both designs on <a href="./#run-it-on-your-gpu">the first page</a>, or
    <a href="./geometry#run-it-on-your-gpu">with more workgroups</a>, and your own ratio stands here.
  </p>`;
}
