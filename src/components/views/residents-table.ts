import {group} from "d3";
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
  const runs = [...group(rows, ({sourceFile}) => sourceFile).values()];
  const footprints = new Map(rows.map((row) => [row.variant, row]));
  return html`<div class="scrolls residents" role="region" aria-label="Resident workgroups" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Each workgroup has</th>
          ${runs.map(([row]) => html`<th scope="col">${row!.sourceFile === null ? `Yours: ${row!.device}` : ranOn(row!)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${[...footprints.values()].map(
          (footprint) =>
            html`<tr>
              <th scope="row">${describe(footprint)}</th>
              ${runs.map(
                (run) =>
                  html`<td>
                    ${residents(
                      run.find(({variant}) => variant === footprint.variant),
                      results
                    )}
                  </td>`
              )}
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}

function describe(row: ResidentRow): string {
  const bytes = heldBytes(row);
  return `${formatCount(row.workgroupSize)} invocations${bytes === null ? "" : ` and ${formatCount(bytes / 1024)} KiB`}`;
}

/** How many of a run, and what they take of the GPU together. */
function residents(row: ResidentRow | undefined, results: Pick<Results, "reports">): Node | string {
  if (!row) return "–";
  const {workgroups, workgroupSize, sourceFile, device} = row;
  const bytes = heldBytes(row);
  const cores = coresOnFile(results, device);
  const facts = [
    cores === null ? null : onEachCore(workgroups, cores),
    `${formatCount(workgroups * workgroupSize)} invocations`,
    bytes === null ? null : `${formatBytes(workgroups * bytes)} of workgroup memory`
  ].filter((fact) => fact !== null);
  return html`<span>
    <strong class="${sourceFile === null ? "yours" : "recorded"}">${formatCount(workgroups)}</strong><br />
    <small>${facts.join(", ")}</small>
  </span>`;
}

/** "8 on each of 132 cores", where the count divides so. */
export function onEachCore(workgroups: number, cores: number): string {
  const each = workgroups / cores;
  const number = Number.isInteger(each)
    ? formatCount(each)
    : `${formatCount(Math.floor(each))} or ${formatCount(Math.ceil(each))}`;
  return `${number} on each of ${formatCount(cores)} cores`;
}

/** Workgroup memory that each workgroup of a row was given, where that was varied: its variant says it. */
function heldBytes({variant}: ResidentRow): number | null {
  const [, kibibytes] = /-(\d+)-kib$/.exec(variant) ?? [];
  return kibibytes === undefined ? null : 1024 * Number(kibibytes);
}
