import * as z from "zod";
import {costSchema, type CostRecord} from "../lab/cost-record.js";
import {costRows} from "../lab/cost-row.js";
import {profileSchema} from "../lab/profile-record.js";
import {runSchema, type RunRecord} from "../lab/record.js";
import type {AnyRecord} from "../lab/run-experiment.js";
import {compareFactorings} from "./answer.js";
import {largestWaits} from "./cost-answer.js";
import {ownSeries} from "./profile-series.js";
import {reachOf} from "./reach.js";

/** Of this project and this format: another format is another key. */
const storageKey = "phi3-dispatch-notebook/runs/1";

const recordSchema = z.union([runSchema, costSchema, profileSchema]);

/**
 * The reader's finished runs: the last of each experiment at each shape, if it has one, and those before it that a page
 * says something of that no later one has all of. They stay in the browser.
 */
export interface OwnRuns {
  /** Newest first. What was stored by another version, or is no record, is left out. */
  all(): AnyRecord[];
  remember(record: AnyRecord): void;
  forget(): void;
}

/**
 * Remembers across pages and visits, in the browser's storage; where that is denied or full, nothing is remembered.
 * @param open gives the storage; a browser that denies it throws here
 */
export function ownRuns(open: () => Pick<Storage, "getItem" | "setItem" | "removeItem"> = () => localStorage): OwnRuns {
  function read(): AnyRecord[] {
    try {
      const stored: unknown = JSON.parse(open().getItem(storageKey) ?? "[]");
      if (typeof stored !== "object" || stored === null) return [];
      return Object.values(stored).flatMap((value) => recordSchema.safeParse(value).data ?? []);
    } catch {
      return [];
    }
  }

  return {
    all: () => read().sort((a, b) => b.date.localeCompare(a.date)),
    remember(record) {
      try {
        const kept = read().filter((older) => !replaces(record, older));
        open().setItem(storageKey, JSON.stringify([record, ...kept]));
      } catch {
        // The page that ran it shows it all the same.
      }
    },
    forget() {
      try {
        open().removeItem(storageKey);
      } catch {
        // Then there is nothing to forget.
      }
    }
  };
}

/** Whether a run takes the place of one before it: where it has all figures that a page states of that one. */
function replaces(record: AnyRecord, older: AnyRecord): boolean {
  const shapeOf = (record: AnyRecord) => ("shape" in record ? record.shape.id : null);
  if (record.experiment !== older.experiment || shapeOf(record) !== shapeOf(older)) return false;
  const stated = new Set(figuresOf(record));
  return figuresOf(older).every((figure) => stated.has(figure));
}

/** What a page states of a record, by names. */
function figuresOf(record: AnyRecord): string[] {
  if (record.kind === "profile")
    return ownSeries(record).flatMap(({arithmetic, rows}) => rows.map(({part}) => `${arithmetic} ${part}`));
  const figures =
    record.kind === "cost" ? costFigures(record) : {one: compareFactorings(record), several: hasSeveral(record)};
  return Object.entries(figures).flatMap(([name, figure]) => (figure ? [name] : []));
}

/**
 * What one workgroup and all of them read, what a dispatch costs that needs the one before it, and what waits cost
 * between the most workgroups that answered; null where nobody waited for anybody.
 */
export function costFigures(record: CostRecord) {
  const rows = costRows(record, null);
  const waits = largestWaits(rows, "exchange");
  return {
    reach: reachOf(rows),
    dispatch: rows.find(({variant, microseconds}) => variant === "dispatches" && microseconds !== null),
    waits: waits.length > 0 ? waits : null
  };
}

/** Whether a run has one dispatch and the staged design, to compare. */
export function comparesDesigns(record: RunRecord): boolean {
  return compareFactorings(record) !== null || hasSeveral(record);
}

/** Whether a run has one dispatch of several workgroups, and the staged design. */
export function hasSeveral({rows}: RunRecord): boolean {
  const measured = rows.filter((row) => row.status === "measured");
  return (
    measured.some(({factoring, workgroups}) => factoring === "fused" && workgroups !== null && workgroups > 1) &&
    measured.some(({factoring}) => factoring === "staged")
  );
}
