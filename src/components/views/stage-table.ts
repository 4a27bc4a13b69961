import {html} from "htl";
import {bytesPerToken, callsPerToken, stageOf, stages, type Stage} from "../decode/stages.js";
import {defaultPlan} from "../model-of-cost/layer-schedule.js";
import type {Shape} from "../model/shape.js";
import {formatBytes, formatCount} from "./format.js";
import {panelId} from "./kernel-tabs.js";

/** What each stage does, in the words of its kernel. */
const work: Record<Stage, string> = {
  embedding: "takes the token's row of the embedding as the residual",
  rms_norm: "divides the residual by its root mean square: before queries, before the FFN, before the LM head",
  qkv_rope: "queries, keys and values, one matrix; rotates queries and keys by their position",
  attention: "appends key and value to the cache, weighs all values so far by softmax(query · keys)",
  o_proj: "multiplies by the output projection and adds to the residual",
  gate_up: "both matrices of the FFN's first half, and silu(gate) · up",
  down: "multiplies by the FFN's second matrix and adds to the residual",
  lm_head: "the logits; each workgroup keeps its largest",
  argmax: "the token of the largest of all, and the step to the next position"
};

/** The stages of a model, how often a token launches each, with how many workgroups, and what it reads. */
export function stageTable(shape: Shape, position: number): HTMLElement {
  const plan = defaultPlan(shape, "staged");
  return html`<div class="scrolls" role="region" aria-label="The stages" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col">What it does</th>
          <th scope="col" class="number">Dispatches a token</th>
          <th scope="col" class="number">Workgroups of each</th>
          <th scope="col" class="number">Reads a token</th>
        </tr>
      </thead>
      <tbody>
        ${stages.map((stage) => {
          const {workgroups} = plan.find(({path}) => stageOf(path) === stage)!;
          const bytes = bytesPerToken(shape, stage, position);
          return html`<tr>
            <th scope="row">
              <a href="#${panelId(`kernels/stages/${stage}.wgsl`)}"><code>${stage}</code></a>
            </th>
            <td>${work[stage]}</td>
            <td class="number">${formatCount(callsPerToken(shape, stage))}</td>
            <td class="number">${formatCount(workgroups)}</td>
            <td class="number">${bytes > 0 ? formatBytes(bytes) : "–"}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}
