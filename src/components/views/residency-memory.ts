import {isCount, processMemory, type ResidencyMemory} from "../decode/residency.js";

/** Of this project and this format: another format is another key. */
const storageKey = "phi3-dispatch-notebook/resident-workgroups/1";

/**
 * Remembers across visits, in the browser's storage. Where storage is denied or full, or holds something else, it
 * remembers for as long as the page is open.
 * @param open gives the storage; a browser that denies it throws here
 */
export function storedResidency(
  open: () => Pick<Storage, "getItem" | "setItem"> = () => localStorage
): ResidencyMemory {
  const page = processMemory();

  function read(): Record<string, unknown> {
    try {
      const value: unknown = JSON.parse(open().getItem(storageKey) ?? "{}");
      return typeof value === "object" && value !== null && !Array.isArray(value) ? {...value} : {};
    } catch {
      return {};
    }
  }

  return {
    recall(key) {
      const known = page.recall(key);
      if (known !== undefined) return known;
      const found = read();
      return Object.hasOwn(found, key) && isCount(found[key]) ? found[key] : undefined;
    },
    remember(key, workgroups) {
      page.remember(key, workgroups);
      try {
        open().setItem(storageKey, JSON.stringify({...read(), [key]: workgroups}));
      } catch {
        // The page still knows it.
      }
    }
  };
}
