import {html} from "htl";
import {stageOperations} from "../decode/operations.js";
import type {Dispatch, Factoring} from "../decode/plan.js";
import {defaultPlan} from "../model-of-cost/layer-schedule.js";
import type {Shape} from "../model/shape.js";
import {formatCount} from "./format.js";

/** A stage of a layer, as one dispatch and as its operations. */
export interface DividedStage {
  staged: Dispatch;
  operations: Dispatch[];
}

/** The stages of one layer in the staged plan, each with the dispatches that stand in its place in the unfused plan. */
export function divideLayer(shape: Shape): DividedStage[] {
  const divided = stageOperations(shape);
  const unfused = layerOf(shape, "unfused");
  return layerOf(shape, "staged").map((staged) => ({
    staged,
    operations: unfused.splice(0, divided[staged.path]?.length ?? 1)
  }));
}

function layerOf(shape: Shape, factoring: Factoring): Dispatch[] {
  return defaultPlan(shape, factoring).filter(({bound}) => bound === 0);
}

/**
 * One layer as each factoring launches it: a cell is a dispatch. Beside each, how many workgroups it has at the shapes
 * given, on a device with WebGPU's default limits.
 */
export function operationsTable(shapes: readonly Shape[]): HTMLElement {
  const layers = shapes.map(divideLayer);
  const [first] = layers as [DividedStage[]];
  const total = first.flatMap(({operations}) => operations).length;
  const rows = first.flatMap(({staged, operations}, stage) =>
    operations.map((operation, i) => {
      const isFirst = stage === 0 && i === 0;
      return html`<tr>
        <th scope="row"><code>${nameOf(operation)}</code></th>
        ${layers.map((layer) => html`<td class="number">${formatCount(layer[stage]!.operations[i]!.workgroups)}</td>`)}
        ${i === 0 ? html`<td rowspan="${operations.length}"><code>${nameOf(staged)}</code></td>` : null}
        ${
          i === 0
            ? layers.map(
                (layer) =>
                  html`<td class="number" rowspan="${operations.length}">
                    ${formatCount(layer[stage]!.staged.workgroups)}
                  </td>`
              )
            : null
        }
        ${isFirst ? html`<td rowspan="${total}">all of it, and all other layers: 1 workgroup</td>` : null}
      </tr>`;
    })
  );
  const sizes = shapes.map(({hidden}) => html`<th scope="col" class="number">${formatCount(hidden)} wide</th>`);
  return html`<div class="scrolls" role="region" aria-label="One layer as each factoring launches it" tabindex="0">
    <table class="operations">
      <thead>
        <tr>
          <th scope="colgroup" colspan="${1 + shapes.length}">unfused, ${total} dispatches: workgroups</th>
          <th scope="colgroup" colspan="${1 + shapes.length}">staged, ${first.length} dispatches: workgroups</th>
          <th scope="col">fused, 1 dispatch</th>
        </tr>
        <tr>
          <th scope="col">dispatch</th>
          ${sizes}
          <th scope="col">dispatch</th>
          ${sizes.map((cell) => cell.cloneNode(true))}
          <th scope="col">dispatch</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** "softmax" of "unfused/softmax.wgsl" */
function nameOf({path}: Dispatch): string {
  return path.replace(/^.*\/|\.wgsl$/g, "");
}
