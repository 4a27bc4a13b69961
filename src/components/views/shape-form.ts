import {html} from "htl";
import {hiddenStep, scaleShape} from "../decode/capacity.js";
import type {Shape} from "../model/shape.js";
import {formatCount} from "./format.js";

/** The shape that is chosen, or what is wrong with it. */
export type ChosenShape = {shape: Shape; message: null} | {shape: null; message: string};

const sizes = [
  ["hidden", "Hidden size"],
  ["layers", "Layers"],
  ["vocabulary", "Vocabulary"],
  ["context", "Context"]
] as const;

/**
 * Inputs for the size of a model, with `value` and an `input` event at each change. Heads and FFN follow from the hidden
 * size in the proportion of the model that it starts from.
 */
export function shapeForm(presets: readonly Shape[]): HTMLElement & {value: ChosenShape} {
  const preset = html`<select name="preset">
    ${presets.map(({id, label}) => html`<option value="${id}">${label}</option>`)}
  </select>` as HTMLSelectElement;
  const inputs = Object.fromEntries(
    sizes.map(([key]) => [key, html`<input type="number" name="${key}" min="1" size="7" />` as HTMLInputElement])
  ) as Record<(typeof sizes)[number][0], HTMLInputElement>;
  const note = html`<p class="shape-form-note" role="status"></p>`;
  const form = html`<fieldset
    class="shape-form"
    oninput=${({target}: Event) => (target === preset ? takePreset() : update())}
  >
    <legend>Size of the model</legend>
    <label>Like ${preset}</label>
    ${sizes.map(([key, label]) => html`<label>${label} ${inputs[key]}</label>`)} ${note}
  </fieldset>` as HTMLElement & {value: ChosenShape};

  function base(): Shape {
    return presets.find(({id}) => id === preset.value)!;
  }

  function takePreset() {
    for (const [key] of sizes) inputs[key].value = String(base()[key]);
    inputs.hidden.step = inputs.hidden.min = String(hiddenStep(base()));
    update();
  }

  function update() {
    form.value = read();
    const {shape, message} = form.value;
    note.textContent = shape
      ? `${formatCount(shape.heads)} heads of ${shape.headDim}, ${formatCount(shape.kvHeads)} with keys and values, FFN of ${formatCount(shape.ffn)}.`
      : message;
  }

  function read(): ChosenShape {
    const empty = sizes.find(([key]) => Number.isNaN(inputs[key].valueAsNumber));
    if (empty) return {shape: null, message: `${empty[1]}: a number is missing.`};
    try {
      const change = Object.fromEntries(sizes.map(([key]) => [key, inputs[key].valueAsNumber]));
      return {shape: {...scaleShape(base(), change), id: "yours", label: "This model"}, message: null};
    } catch (error) {
      const message = (error as Error).message.replace(/^shape [^:]*: /, "");
      return {shape: null, message: `This is no size of a model: ${message}.`};
    }
  }

  takePreset();
  return form;
}
