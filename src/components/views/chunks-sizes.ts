import {html} from "htl";
import type {ResultRow} from "../lab/result-row.js";
import {shapes, type ShapeId} from "../model/shape.js";
import {chunkRecords, chunkTimes, type ChunkTimes} from "./chunks-answer.js";
import {formatMicroseconds, formatMilliseconds} from "./format.js";
import {cite, ranOn, shortDevice} from "./recorded.js";
import {oneWorkgroupRows, weightsPerToken} from "./weight-time-plot.js";

/** Models of as many layers and the same width: this project's, and what is on file of the original's kernels. */
export interface SizeGroup {
  title: string;
  shapes: readonly ShapeId[];
  recorded: readonly ResultRow[];
}

interface Line {
  row: ResultRow;
  what: string;
  model: string;
}

/** What is on record of this project at these shapes, in one dispatch, in most, and stage by stage. */
export function sizeLines(rows: readonly ResultRow[], {shapes: ids, recorded}: Pick<SizeGroup, "shapes" | "recorded">) {
  const own = ids.flatMap((shape) => {
    const times = recordedTimes(rows, shape);
    const {one, most, apart, awaited, staged} = times;
    const model = shapes[shape].label;
    return [one, most, ...apart, awaited.at(-1), staged].flatMap((row): Line[] =>
      row ? [{row, what: row.label, model}] : []
    );
  });
  const others = recorded.map((row): Line => ({row, what: row.label, model: "the original's layers"}));
  return [...others, ...own];
}

/** Node's newest record of the experiment, or one workgroup of another one while there is none. */
function recordedTimes(
  rows: readonly ResultRow[],
  shape: ShapeId
): Partial<ChunkTimes> & Pick<ChunkTimes, "apart" | "awaited"> {
  const [record] = chunkRecords(rows, shape);
  if (record) return chunkTimes(record);
  const [one] = oneWorkgroupRows(rows.filter(({shapeId, software}) => shapeId === shape && !software));
  return {one: one as ChunkTimes["one"], apart: [], awaited: []};
}

/** Recorded figures by the size of the model, the original's kernels beside this project's. */
export function sizesTable(rows: readonly ResultRow[], groups: readonly SizeGroup[]): HTMLElement {
  return html`<div
    class="provenance-table"
    role="region"
    aria-label="The same number of layers, side by side"
    tabindex="0"
    style="overflow: auto; max-height: 30rem;"
  >
    <table style="max-width: none;">
      <thead>
        <tr>
          <th scope="col" style="min-width: 12em;">One workgroup, or staged</th>
          <th scope="col" class="number">Time of a token</th>
          <th scope="col" class="number">Of a million weights</th>
          <th scope="col" style="min-width: 7em;">Device</th>
          <th scope="col" style="min-width: 9em;">Model</th>
          <th scope="col" style="min-width: 5em;">Output</th>
          <th scope="col" style="min-width: 12em;">Source</th>
        </tr>
      </thead>
      ${groups.map(
        (group) =>
          html`<tbody>
            <tr>
              <th scope="rowgroup" colspan="7">${group.title}</th>
            </tr>
            ${sizeLines(rows, group).map(
              ({row, what, model}) =>
                html`<tr data-row="${row.id}">
                  <th scope="row">${what}</th>
                  <td class="number recorded">${formatMilliseconds(row.millisecondsPerToken!)}</td>
                  <td class="number">
                    ${formatMicroseconds((1e9 * row.millisecondsPerToken!) / weightsPerToken(row))}
                  </td>
                  <td>${shortDevice(ranOn(row))}</td>
                  <td>${model}</td>
                  <td>${row.verified ? "verified" : "not verified"}</td>
                  <td>${cite(row)}</td>
                </tr>`
            )}
          </tbody>`
      )}
    </table>
  </div>`;
}
