import {axes, axisNames, planSweep, queueIds, type AxisName, type SweepChoice} from "./sweep.js";

/** A sweep as text, for a link and for a command line: a list of values by axis, and the rows that are struck. */
export interface SweepSettings {
  choice: SweepChoice;
  /** Ids of rows that are struck from the queue. */
  without: readonly string[];
}

export interface ReadSweep {
  settings: SweepSettings;
  /** Axes that were named, with something that there is or with an empty list. */
  named: readonly AxisName[];
  /** A sentence for each thing named that there is not. */
  notes: string[];
}

/** What a sweep starts with. */
export function initialChoice(): SweepChoice {
  return Object.fromEntries(axisNames.map((name) => [name, axes[name].initial])) as SweepChoice;
}

/**
 * Reads the lists named after the axes, and `without`. An axis that is not named is as it is at first; a list that is
 * there and empty chooses none; what is unknown is left out and noted, and so are the names of the other pages' links.
 * @param get the list with this name, its values parted by commas
 */
export function readSweep(get: (name: string) => string | null | undefined): ReadSweep {
  const notes: string[] = [];
  const read = (name: AxisName): readonly string[] => {
    const {label, values, initial}: {label: string; values: readonly string[]; initial: readonly string[]} = axes[name];
    const wanted = listed(get(name));
    if (!wanted) return initial;
    const known = values.filter((value) => wanted.includes(value));
    const unknown = wanted.filter((value) => !values.includes(value));
    const instead = known.length > 0 ? "it is left out" : "the list is passed over";
    for (const value of unknown) {
      notes.push(`${label}: there is no “${value}” (${instead}); there are ${values.join(", ")}.`);
    }
    return known.length > 0 || unknown.length === 0 ? known : initial;
  };
  const foreign = ["shape", "variants"].filter((name) => get(name));
  if (foreign.length > 0) {
    const names = foreign.map((name) => `“${name}”`).join(" and ");
    const own = [...axisNames, "without"].join(", ");
    notes.push(
      `${names} ${foreign.length === 1 ? "is a name" : "are names"} of the other pages; a sweep’s are ${own}.`
    );
  }
  const choice = Object.fromEntries(axisNames.map((name) => [name, read(name)])) as unknown as SweepChoice;
  const named = axisNames.filter((name) => {
    const wanted = listed(get(name));
    const values: readonly string[] = axes[name].values;
    return wanted && (wanted.length === 0 || values.some((value) => wanted.includes(value)));
  });
  const queue = queueIds(planSweep(choice));
  const struck = listed(get("without")) ?? [];
  for (const id of struck.filter((id) => !queue.includes(id))) {
    notes.push(`The queue has no row “${id}” that could be left out.`);
  }
  return {settings: {choice, without: struck.filter((id) => queue.includes(id))}, named, notes};
}

/** The address with this sweep in its query; everything else in it stays. */
export function writeSweep(address: string, {choice, without}: SweepSettings): string {
  const url = new URL(address);
  for (const name of axisNames) url.searchParams.set(name, choice[name].join(","));
  if (without.length > 0) url.searchParams.set("without", without.join(","));
  else url.searchParams.delete("without");
  url.search = url.search.replaceAll("%2C", ",").replaceAll("%2F", "/");
  return url.href;
}

function listed(list: string | null | undefined): string[] | undefined {
  return list
    ?.split(",")
    .map((value) => value.trim())
    .filter(Boolean);
}
