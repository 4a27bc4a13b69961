import {html} from "htl";
import type {MeasuredRow, RunRecord} from "../lab/record.js";
import type {AnyRecord} from "../lab/run-experiment.js";
import {weightBytesPerToken} from "../model/shape.js";
import {compareFactorings, nameDevice, type Comparison} from "./answer.js";
import {
  formatBandwidth,
  formatCount,
  formatMicroseconds,
  formatMilliseconds,
  formatNumber,
  formatQuantity,
  formatRate
} from "./format.js";
import {yourFinding} from "./geometry-answer.js";
import {comparesDesigns, costFigures, hasSeveral, type OwnRuns} from "./own-runs.js";
import {leastGain} from "./ladder.js";
import {leastGainText} from "./no-gain-table.js";
import {ownCost, type OwnCost} from "./own-cost.js";
import {formatError} from "./predictions.js";
import {ownSeries, seriesName} from "./profile-series.js";
import {workgroupCostPlot} from "./workgroup-cost-plot.js";

type Words = (string | HTMLElement)[];
type Kind<K extends AnyRecord["kind"]> = Extract<AnyRecord, {kind: K}>;

/** What the reader's own runs say, from whatever page they were made on, and a button that forgets them. */
export function ownRatio(runs: OwnRuns): HTMLElement {
  const element = html`<div class="own-ratio"></div>`;
  function show() {
    const records = runs.all();
    const cost = ownCostOf(records);
    const found = findings(records, cost);
    const designs = runsOf(records).some(comparesDesigns);
    element.replaceChildren(
      ...found.map((sentence) => html`<p class="your-answer">${sentence}</p>`),
      ...(cost ? [workgroupCostPlot({...cost, ranOn: `Yours, ${nameDevice(cost.run.device)}`, meaning: "yours"})] : []),
      ...(designs ? [] : [whatIsMissing(records.length > 0)]),
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
 * the newest. Where no run has two designs, one of the newest run at all. Then what the runs without a design say: how
 * much more all workgroups read than one, what a dispatch costs beside a wait, what the stages take.
 * @param records newest first
 * @param cost of one dispatch, by one of them
 */
function findings(records: readonly AnyRecord[], cost: RunCost | null): Words[] {
  const runs = largestFirst(records);
  const one = runs.find(compareFactorings);
  const several = runs.find(hasSeveral);
  const [newest] = runsOf(records);
  const sentences: (Words | null)[] = [
    one ? [...compareOne(one), runDate(one)] : null,
    several ? [...yourFinding(several, strong), runDate(several)] : null,
    cost ? describeCost(cost) : null,
    !one && !several && newest ? compareRows(newest) : null,
    ...records.map((record) => (record.kind === "cost" ? (compareReads(record) ?? compareCosts(record)) : null)),
    ...records.map((record) => (record.kind === "profile" ? compareStages(record) : null))
  ];
  return sentences.filter((sentence) => sentence !== null);
}

/** What one dispatch costs on the reader's device, and the run that says it. */
type RunCost = OwnCost & {run: RunRecord};

/** By the largest model that has it. */
function ownCostOf(records: readonly AnyRecord[]): RunCost | null {
  for (const run of largestFirst(records)) {
    const cost = ownCost(run);
    if (cost) return {...cost, run};
  }
  return null;
}

function describeCost({run, model, fitted, most, predicted}: RunCost): Words {
  const measured = 1000 / most.milliseconds;
  const counts = `${formatCount(fitted[0]!.workgroups)} to ${formatQuantity(fitted.at(-1)!.workgroups, "workgroup")}`;
  return [
    `On your device, ${nameDevice(run.device)}, the work of one dispatch takes `,
    strong(`${formatNumber(model.slowdown)} times`),
    " the least, and a wait ",
    strong(formatMicroseconds(1000 * model.boundary)),
    `, by ${counts} of “${run.shape.label}”. For ${formatCount(most.workgroups)} these two numbers predict `,
    html`<strong class="predicted">${formatRate(predicted)}</strong>`,
    "; you measured ",
    strong(formatRate(measured)),
    ` (${formatError(predicted / measured - 1)}).${runDate(run)}`
  ];
}

const strong = (text: string) => html`<strong class="yours">${text}</strong>`;

function runsOf(records: readonly AnyRecord[]): RunRecord[] {
  return records.filter((record) => record.kind === "run");
}

function largestFirst(records: readonly AnyRecord[]): RunRecord[] {
  return runsOf(records).toSorted((a, b) => weightBytesPerToken(b.shape) - weightBytesPerToken(a.shape));
}

function measuredRows({rows}: RunRecord): MeasuredRow[] {
  return rows.filter((row) => row.status === "measured");
}

function compareOne(record: RunRecord): Words {
  const comparison = compareFactorings(record)!;
  return [
    `On your device, ${nameDevice(record.device)}, one workgroup decodes “${record.shape.label}” at `,
    strong(formatRate(comparison.fused)),
    ` and ${formatCount(comparison.dispatches)} dispatches at `,
    strong(formatRate(comparison.staged)),
    ". ",
    ...whichIsFaster(comparison)
  ];
}

function whichIsFaster({fused, staged, dispatches}: Comparison): Words {
  const ratio = Math.max(fused, staged) / Math.min(fused, staged);
  if (ratio < leastGain) return ["They are within ", strong(leastGainText), " of each other."];
  const faster = staged > fused ? `The ${formatCount(dispatches)} dispatches are ` : "The one workgroup is ";
  return [faster, strong(`${formatNumber(ratio)} times`), " as fast."];
}

/** The fastest row of a run beside the slowest, whatever they are. */
function compareRows(record: RunRecord): Words | null {
  const rows = measuredRows(record).toSorted((a, b) => b.tokensPerSecond.median - a.tokensPerSecond.median);
  const [fastest, slowest] = [rows[0], rows.at(-1)];
  if (!fastest || !slowest) return null;
  const where = `On your device, ${nameDevice(record.device)}, “${fastest.label}” decodes “${record.shape.label}” at `;
  const speed = strong(formatRate(fastest.tokensPerSecond.median));
  if (fastest === slowest) return [where, speed, ".", runDate(record)];
  const ratio = fastest.tokensPerSecond.median / slowest.tokensPerSecond.median;
  return [
    ...[where, speed, " and “", slowest.label, "” at ", strong(formatRate(slowest.tokensPerSecond.median))],
    ...[", ", strong(`${formatNumber(ratio)} times`), " apart.", runDate(record)]
  ];
}

/** What all workgroups read beside one; null where the record has no reading. */
function compareReads(record: Kind<"cost">): Words | null {
  const {reach} = costFigures(record);
  if (!reach) return null;
  const {one, all, ratio} = reach;
  return [
    `On your device, ${nameDevice(record.device)}, one workgroup reads at most `,
    strong(formatBandwidth(one.bytesPerSecond.median)),
    ` and ${formatQuantity(all.workgroups, "workgroup")} `,
    strong(formatBandwidth(all.bytesPerSecond.median)),
    ", ",
    strong(`${formatNumber(ratio)} times`),
    ` as much.${runDate(record)}`
  ];
}

/** A dispatch beside waits inside one, or what there is of them. */
function compareCosts(record: Kind<"cost">): Words | null {
  const {dispatch, waits} = costFigures(record);
  if (!dispatch && !waits) return null;
  const ratios = dispatch && waits?.map((wait) => dispatch.microseconds! / wait.microseconds!);
  const and = (parts: Words[]) => parts.flatMap((part, i) => (i === 0 ? part : [" and ", ...part]));
  return [
    `On your device, ${nameDevice(record.device)}, `,
    ...(dispatch
      ? ["a dispatch that needs the one before it costs ", strong(formatMicroseconds(dispatch.microseconds!))]
      : []),
    ...(dispatch && waits ? [", and "] : []),
    ...(waits
      ? [
          "to exchange all values costs ",
          ...and(
            waits.map(({microseconds, workgroups}) => [
              strong(formatMicroseconds(microseconds!)),
              ` between ${formatQuantity(workgroups!, "workgroup")}`
            ])
          )
        ]
      : []),
    ...(ratios
      ? [": the dispatch costs ", ...and(ratios.map((ratio) => [strong(`${formatNumber(ratio)} times`)])), " as much"]
      : []),
    `.${runDate(record)}`
  ];
}

/** The stage that takes longest beside all that were timed in the same arithmetic. */
function compareStages(record: Kind<"profile">): Words | null {
  const [series] = ownSeries(record).toSorted((a, b) => b.rows.length - a.rows.length);
  if (!series) return null;
  const largest = series.rows.reduce((a, b) => (b.milliseconds > a.milliseconds ? b : a));
  const sum = series.rows.reduce((sum, {milliseconds}) => sum + milliseconds, 0);
  const part = series.rows.length > 1 ? strong(`${formatNumber((100 * largest.milliseconds) / sum)}\u00a0%`) : null;
  return [
    `${seriesName(series)}: the stage ${largest.part} takes `,
    strong(formatMilliseconds(largest.milliseconds)),
    " of a token",
    ...(part ? [", ", part, ` of the ${formatCount(series.rows.length)} stages that you timed`] : []),
    `.${runDate(record)}`
  ];
}

function runDate({date}: AnyRecord): string {
  return ` You ran it on ${new Date(date).toLocaleString("en-GB", {dateStyle: "long", timeStyle: "short"})}.`;
}

function whatIsMissing(some: boolean): HTMLElement {
  const what = some ? "None of your runs has both designs." : "You have not run anything yet.";
  return html`<p class="your-answer">
    ${what} Run both designs on <a href="./#run-it-on-your-gpu">the first page</a>, or
    <a href="./geometry#run-it-on-your-gpu">with more workgroups</a>, and your own ratio stands here.
  </p>`;
}
