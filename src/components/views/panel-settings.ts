import type {Experiment} from "../lab/experiment.js";
import {shapes, type ShapeId} from "../model/shape.js";

/** What a reader chooses before a run, and what a link to the page carries. */
export interface PanelSettings {
  /** Null for an experiment that has no shapes. */
  shape: ShapeId | null;
  /** Ids of the chosen variants, in the experiment's order. */
  variants: string[];
}

export interface LinkedSettings {
  settings: PanelSettings;
  /** The link chose the shape, so an adapter's default does not replace it. */
  shapeIsChosen: boolean;
  /** A sentence for each thing in the link that the experiment does not have. */
  notes: string[];
}

/**
 * Reads `shape` and `variants` of a page's query; what is missing or unknown is the experiment's default. A list of
 * variants that is there and empty chooses none.
 * @param prefix of both names, where the page has another panel
 */
export function readSettings(search: string, experiment: Experiment, prefix = ""): LinkedSettings {
  const parameters = new URLSearchParams(search);
  const notes: string[] = [];

  const named = parameters.get(`${prefix}shape`);
  const known = experiment.shapes.find((id) => id === named);
  const shape = known ?? experiment.defaultShape;
  if (named && !known) {
    notes.push(
      shape === null
        ? `The link names the shape “${named}”; this experiment has no shapes.`
        : `The link names the shape “${named}”, which this experiment does not have; its default is chosen.`
    );
  }

  const all = variantIds(experiment, shape);
  const list = parameters.get(`${prefix}variants`);
  const wanted = list?.split(",").filter(Boolean) ?? all;
  const unknown = wanted.filter((id) => !all.includes(id));
  const found = all.filter((id) => wanted.includes(id));
  if (unknown.length > 0) {
    const [noun, pronoun] = unknown.length === 1 ? ["variant", "it is"] : ["variants", "they are"];
    const names = new Intl.ListFormat("en-GB").format(unknown.map((id) => `“${id}”`));
    const instead = found.length > 0 ? `${pronoun} left out` : "all variants are chosen";
    notes.push(`The link names the ${noun} ${names}, which this experiment does not have; ${instead}.`);
  }
  const settings = {shape, variants: found.length > 0 || unknown.length === 0 ? found : all};
  return {settings, shapeIsChosen: known !== undefined, notes};
}

/** The address with these settings in its query; everything else in it stays. */
export function writeSettings(address: string, {shape, variants}: PanelSettings, prefix = ""): string {
  const url = new URL(address);
  if (shape) url.searchParams.set(`${prefix}shape`, shape);
  url.searchParams.set(`${prefix}variants`, variants.join(","));
  url.search = url.search.replaceAll("%2C", ",");
  return url.href;
}

export function variantIds(experiment: Experiment, shape: ShapeId | null): string[] {
  return experiment.variants(shape && shapes[shape]).map(({identity}) => identity.variant);
}
