import {runSchema, type RunRecord} from "../lab/record.js";

/** Of this project and this format: another format is another key. */
const storageKey = "phi3-dispatch-notebook/runs/1";

/** The reader's finished runs: the last of each experiment at each shape. They stay in the browser. */
export interface OwnRuns {
  /** Newest first. What was stored by another version, or is no record, is left out. */
  all(): RunRecord[];
  remember(record: RunRecord): void;
  forget(): void;
}

/**
 * Remembers across pages and visits, in the browser's storage; where that is denied or full, nothing is remembered.
 * @param open gives the storage; a browser that denies it throws here
 */
export function ownRuns(open: () => Pick<Storage, "getItem" | "setItem" | "removeItem"> = () => localStorage): OwnRuns {
  function read(): Record<string, RunRecord> {
    try {
      const stored: unknown = JSON.parse(open().getItem(storageKey) ?? "{}");
      if (typeof stored !== "object" || stored === null) return {};
      const records = Object.values(stored).flatMap((value) => runSchema.safeParse(value).data ?? []);
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

function keyOf({experiment, shape}: RunRecord): string {
  return `${experiment} ${shape.id}`;
}
