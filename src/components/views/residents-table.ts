import {html} from "htl";
import type {CostRecord} from "../lab/cost-record.js";
import {costRows, type CostResultRow} from "../lab/cost-row.js";
import type {Results} from "../lab/results-table.js";
import {formatBytes, formatCount} from "./format.js";
import {residentRows, type ResidentRow} from "./reach.js";
import {coresOnFile, ranOn} from "./recorded.js";

/**
 * How many workgroups of each size, and with how much workgroup memory, answered a roll call together: recorded and the
 * reader's own. Cores are divided by only where a report says how many there are, because WebGPU does not.
 */
export function residentsTable(
  recorded: readonly CostResultRow[],
  yours: CostRecord | null,
  results: Pick<Results, "reports">
): HTMLElement {
  const rows = residentRows([...(yours ? costRows(yours, null) : []), ...recorded]);
  if (rows.length === 0) {
    return html`<p>
      No record of resident workgroups is on file yet. The table is made of your figures once you have allowed the
      waiting and run those variants.
    </p>`;
  }
  return html`<div class="scrolls residents" role="region" aria-label="Resident workgroups" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Each workgroup has</th>
          <th scope="col" class="number">Resident together</th>
          <th scope="col" class="number">Invocations</th>
          <th scope="col" class="number">Workgroup memory</th>
          <th scope="col">On each core</th>
          <th scope="col">Device</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => tableRow(row, results))}
      </tbody>
    </table>
  </div>`;
}

function tableRow(row: ResidentRow, results: Pick<Results, "reports">): HTMLElement {
  const {workgroups, workgroupSize, sourceFile} = row;
  const bytes = heldBytes(row);
  return html`<tr>
    <th scope="row">
      ${formatCount(workgroupSize)} invocations${bytes === null ? null : `, ${formatCount(bytes / 1024)} KiB`}
    </th>
    <td class="number">
      <strong class="${sourceFile === null ? "yours" : "recorded"}">${formatCount(workgroups)}</strong>
    </td>
    <td class="number">${formatCount(workgroups * workgroupSize)}</td>
    <td class="number">${bytes === null ? "–" : formatBytes(workgroups * bytes)}</td>
    <td>${onEachCore(workgroups, coresOnFile(results, row.device))}</td>
    <td>${sourceFile === null ? `${row.device} (yours)` : ranOn(row)}</td>
  </tr>`;
}

/** "8 on each of 132", where the count divides so; "not known" where nothing says how many cores there are. */
export function onEachCore(workgroups: number, cores: number | null): string {
  if (cores === null) return "not known";
  const each = workgroups / cores;
  return Number.isInteger(each)
    ? `${formatCount(each)} on each of ${formatCount(cores)}`
    : `between ${formatCount(Math.floor(each))} and ${formatCount(Math.ceil(each))} on each of ${formatCount(cores)}`;
}

/** Workgroup memory that each workgroup of a row was given, where that was varied: its variant says it. */
function heldBytes({variant}: ResidentRow): number | null {
  const [, kibibytes] = /-(\d+)-kib$/.exec(variant) ?? [];
  return kibibytes === undefined ? null : 1024 * Number(kibibytes);
}
