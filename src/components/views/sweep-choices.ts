import {html} from "htl";
import {leastMilliseconds, queueId, queueIds, type SweepStep} from "../lab/sweep.js";
import {shapes} from "../model/shape.js";
import {formatMilliseconds, formatQuantity} from "./format.js";

/** A box for each value of an axis. */
export function axisBoxes<Value extends string>(
  {label, values, name}: {label: string; values: readonly Value[]; name(value: Value): string},
  axis: string,
  chosen: readonly Value[],
  onChange: (chosen: Value[]) => void
): HTMLElement {
  const element = html`<fieldset class="panel-variants" data-axis="${axis}">
    <legend>${label}</legend>
    ${values.map(
      (value) =>
        html`<label
          ><input type="checkbox" value="${value}" checked=${chosen.includes(value)} autocomplete="off" />
          ${name(value)}</label
        >`
    )}
  </fieldset>`;
  element.addEventListener("change", () => onChange(ticked(element) as Value[]));
  return element;
}

/** The rows of a queue by shape, each with a box that strikes it, under their number and the least time they take. */
export function queueBoxes(
  steps: readonly SweepStep[],
  without: readonly string[],
  onChange: (without: string[]) => void
): HTMLElement {
  const summary = html`<p class="queue-summary"></p>`;
  const list = html`<div class="queue-rows">
    ${steps.map(
      ({shape, rows}) =>
        html`<fieldset>
          <legend>${shapes[shape].label}</legend>
          ${rows.map(({variant, label}) => {
            const id = queueId(shape, variant);
            return html`<label
              ><input type="checkbox" value="${id}" checked=${!without.includes(id)} autocomplete="off" />
              ${label}</label
            >`;
          })}
        </fieldset>`
    )}
  </div>`;
  const all = queueIds(steps);
  const describe = (without: readonly string[]) => {
    summary.textContent = describeQueue(steps, without);
  };
  list.addEventListener("change", () => {
    const kept = ticked(list);
    const struck = all.filter((id) => !kept.includes(id));
    describe(struck);
    onChange(struck);
  });
  describe(without);
  return html`<div class="sweep-queue" role="group" aria-label="Queue">${summary} ${list}</div>`;
}

/** "Queue: 12 rows at 2 shapes, 1 struck. Warming up and sampling take 13.2 s at least; …" */
function describeQueue(steps: readonly SweepStep[], without: readonly string[]): string {
  const left = steps
    .map(({shape, rows}) => ({shape, rows: rows.filter(({variant}) => !without.includes(queueId(shape, variant)))}))
    .filter(({rows}) => rows.length > 0);
  const rows = queueIds(left).length;
  if (rows === 0) return "Queue: no rows.";
  const struck = queueIds(steps).length - rows;
  return (
    `Queue: ${formatQuantity(rows, "row")} at ${formatQuantity(left.length, "shape")}` +
    `${struck > 0 ? `, ${struck} struck` : ""}. Warming up and sampling take at least ` +
    `${formatMilliseconds(leastMilliseconds(left))}; making the weights and verifying come on top. Untick a row to strike it.`
  );
}

function ticked(element: Element): string[] {
  return Array.from(element.querySelectorAll<HTMLInputElement>("input:checked"), ({value}) => value);
}
