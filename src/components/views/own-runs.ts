import * as z from "zod";
import {costSchema} from "../lab/cost-record.js";
import {profileSchema} from "../lab/profile-record.js";
import {runSchema, type RunRecord} from "../lab/record.js";
import type {AnyRecord} from "../lab/run-experiment.js";
import {compareFactorings} from "./answer.js";

/** Of this project and this format: another format is another key. */
const storageKey = "phi3-dispatch-notebook/runs/1";

const recordSchema = z.union([runSchema, costSchema, profileSchema]);

/**
 * The reader's finished runs: the last of each experiment at each shape, if it has one, and the last that has both
 * designs. They stay in the browser.
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
  function read(): Record<string, AnyRecord> {
    try {
      const stored: unknown = JSON.parse(open().getItem(storageKey) ?? "{}");
      if (typeof stored !== "object" || stored === null) return {};
      const records = Object.values(stored).flatMap((value) => recordSchema.safeParse(value).data ?? []);
      return Object.fromEntries(records.map((record) => [keyOf(record), record]));
    } catch {
      return {};
    }
  }

  return {
    all: () => Object.values(read()).sort((a, b) => b.date.localeCompare(a.date)),
    remember(record) {
      try {
        open().setItem(storageKey, JSON.stringify({...read(), [keyOf(record)]: record}));
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

/** A run of one design does not take the place of one that compares two. */
function keyOf(record: AnyRecord): string {
  if (!("shape" in record)) return record.experiment;
  const comparing = record.kind === "run" && comparesDesigns(record) ? " comparing" : "";
  return `${record.experiment} ${record.shape.id}${comparing}`;
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
