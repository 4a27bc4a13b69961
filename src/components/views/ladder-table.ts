import {html} from "htl";
import {ablated, ladder} from "../lab/tiling.js";
import {formatNumber} from "./format.js";
import {ablate, anyRow, climb, type LadderRun} from "./ladder.js";
import {ranOn, shapeLabel} from "./recorded.js";

/** The rungs in order, a group of columns for each run: its speed, and how many times as fast as before and at first. */
export function ladderTable(runs: readonly LadderRun[]): HTMLElement {
  const columns = ["tok/s", "times the rung before", "times the first"];
  const climbs = runs.map((run) => climb(run));
  const [first = []] = climbs;
  return table(
    "The ladder, rung by rung",
    "Change",
    runs,
    columns,
    first.map(({label}, i) => ({
      label: i < ladder.length ? `${i + 1}. ${label}` : label,
      cells: climbs.map((rungs) => {
        const {tokensPerSecond, overBefore, overFirst} = rungs[i]!;
        return [tokensPerSecond, overBefore, overFirst];
      })
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
    runs,
    ["tok/s", `times “${ablated.label}”`],
    first.map(({label}, i) => ({
      label,
      cells: lists.map((list) => [list[i]!.tokensPerSecond, list[i]!.overAblated])
    }))
  );
}

interface Line {
  label: string;
  /** By run. */
  cells: (number | null)[][];
}

function table(
  name: string,
  what: string,
  runs: readonly LadderRun[],
  columns: readonly string[],
  lines: readonly Line[]
): HTMLElement {
  if (runs.length === 0) return html`<p class="ladder-table">No record of it is on file yet.</p>`;
  return html`<div class="scrolls ladder-table" role="region" aria-label="${name}" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col" rowspan="2">${what}</th>
          ${runs.map((run) => html`<th scope="colgroup" colspan="${columns.length}" class="${run.origin}">${title(run)}</th>`)}
        </tr>
        <tr>
          ${runs.flatMap(() => columns.map((column) => html`<th scope="col" class="number">${column}</th>`))}
        </tr>
      </thead>
      <tbody>
        ${lines.map(
          ({label, cells}) =>
            html`<tr>
              <th scope="row">${label}</th>
              ${cells.flat().map((value) => html`<td class="number">${value === null ? "—" : formatNumber(value)}</td>`)}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}

/** "NVIDIA H200, Phi-3-mini, 1 layer" */
function title(run: LadderRun): string {
  const row = anyRow(run);
  return [run.origin === "yours" ? "Yours" : ranOn(row), shapeLabel(row)].filter(Boolean).join(", ");
}
