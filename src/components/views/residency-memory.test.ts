import {expect, it} from "vitest";
import {storedResidency} from "./residency-memory.js";

class FakeStorage {
  items = new Map<string, string>();
  getItem(key: string) {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string) {
    this.items.set(key, value);
  }
}

it("is recalled on the next visit, for each key", () => {
  const storage = new FakeStorage();
  const first = storedResidency(() => storage);
  first.remember("a", 132);
  first.remember("b", 8);
  first.remember("a", 131);
  const next = storedResidency(() => storage);
  expect(["a", "b", "c", "toString"].map((key) => next.recall(key))).toEqual([131, 8, undefined, undefined]);
  expect([...storage.items.keys()]).toEqual(["phi3-dispatch-notebook/resident-workgroups/1"]);
});

it.each([
  "",
  "rubbish",
  "null",
  "[132]",
  "132",
  '"a"',
  '{"a": "132"}',
  '{"a": 0}',
  '{"a": -1}',
  '{"a": 1.5}',
  '{"a": {}}'
])("takes %s in storage for nothing, and writes over it", (text) => {
  const storage = new FakeStorage();
  storedResidency(() => storage).remember("other", 1);
  const [key] = storage.items.keys();
  storage.items.set(key!, text);
  expect(storedResidency(() => storage).recall("a")).toBeUndefined();
  storedResidency(() => storage).remember("a", 4);
  expect(storedResidency(() => storage).recall("a")).toBe(4);
});

it("remembers while the page is open where storage is denied or full", () => {
  const denied = storedResidency(() => {
    throw new DOMException("denied", "SecurityError");
  });
  const full = new FakeStorage();
  full.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  for (const memory of [denied, storedResidency(() => full)]) {
    expect(memory.recall("a")).toBeUndefined();
    memory.remember("a", 132);
    expect(memory.recall("a")).toBe(132);
  }
});

it("remembers while the page is open where there is no storage at all", () => {
  const memory = storedResidency(); // Node has no localStorage
  memory.remember("a", 3);
  expect(memory.recall("a")).toBe(3);
});
