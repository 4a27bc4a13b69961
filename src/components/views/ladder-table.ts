import {html} from "htl";
import {ablated, ladder} from "../lab/tiling.js";
import {formatNumber, formatQuantity} from "./format.js";
import {ablate, anyRow, climb, type LadderRun, type ReportedRung} from "./ladder.js";
import {ranOn, shapeLabel, shortDevice} from "./recorded.js";

/**
 * The rungs in order, a group of columns for each run: its speed, and how many times as fast as before and at first. What
 * others reported of a rung with as many layers is a column of its own.
 */
export function ladderTable(runs: readonly LadderRun[]): HTMLElement {
  const columns = ["tok/s", "times the rung before", "times the first"];
  const climbs = runs.map((run) => climb(run));
  const reports = runs.filter(({reported}) => reported.length > 0);
  const [first = []] = climbs;
  return table(
    "The ladder, rung by rung",
    "Change",
    [
      ...runs.map((run) => ({...run, title: title(run), columns})),
      ...reports.map((run) => ({origin: run.origin, title: reportTitle(run), columns: ["tok/s, not verified"]}))
    ],
    first.map(({variant, label}, i) => ({
      label: i < ladder.length ? `${i + 1}. ${label}` : label,
      cells: [
        ...climbs.map((rungs) => {
          const {tokensPerSecond, overBefore, overFirst} = rungs[i]!;
          return [tokensPerSecond, overBefore, overFirst];
        }),
        ...reports.map(({reported}) => [reportedCell(reported.find((rung) => rung.variant === variant))])
      ]
    }))
  );
}

/** The ablations, a group of columns for each run: its speed, and how many times as fast as the rung changed. */
export function ablationTable(runs: readonly LadderRun[]): HTMLElement {
  const lists = runs.map((run) => ablate(run));
  const [first = []] = lists;
  return table(
    "Ablations",
    "What is changed",
    runs.map((run) => ({...run, title: title(run), columns: ["tok/s", `times “${ablated.label}”`]})),
    first.map(({label}, i) => ({
      label,
      cells: lists.map((list) => [list[i]!.tokensPerSecond, list[i]!.overAblated])
    }))
  );
}

/** Columns that belong together, under one title. */
interface Group {
  origin: LadderRun["origin"];
  title: string;
  columns: readonly string[];
}

interface Line {
  label: string;
  /** By group. */
  cells: (number | Node | null)[][];
}

function table(name: string, what: string, groups: readonly Group[], lines: readonly Line[]): HTMLElement {
  if (groups.length === 0) return html`<p class="ladder-table">No record of it is on file yet.</p>`;
  return html`<div class="scrolls ladder-table" role="region" aria-label="${name}" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col" rowspan="2">${what}</th>
          ${groups.map(
            ({origin, title, columns}) =>
              html`<th scope="colgroup" colspan="${columns.length}" class="${origin}">${title}</th>`
          )}
        </tr>
        <tr>
          ${groups.flatMap(({columns}) => columns.map((column) => html`<th scope="col" class="number">${column}</th>`))}
        </tr>
      </thead>
      <tbody>
        ${lines.map(
          ({label, cells}) =>
            html`<tr>
              <th scope="row">${label}</th>
              ${cells.flat().map((value) => html`<td class="number">${typeof value === "number" ? formatNumber(value) : (value ?? "—")}</td>`)}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}

/** "8.2, very likely this rung" */
function reportedCell(rung: ReportedRung | undefined): Node | number | null {
  const speed = rung?.row.tokensPerSecond ?? null;
  return speed !== null && rung!.inferred
    ? html`${formatNumber(speed)}<br /><small>very likely this rung</small>`
    : speed;
}

/** "NVIDIA H200, Phi-3-mini, 1 layer" */
function title(run: LadderRun): string {
  const row = anyRow(run);
  return [run.origin === "yours" ? "Yours" : ranOn(row), shapeLabel(row)].filter(Boolean).join(", ");
}

/** "Apple M2 Pro, as reported, 1 layer" */
function reportTitle({reported}: LadderRun): string {
  const [{row}] = reported as [ReportedRung];
  return `${shortDevice(row.device)}, as reported, ${formatQuantity(row.layers!, "layer")}`;
}
