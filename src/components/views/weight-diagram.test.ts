import {expect, it} from "vitest";
import {nibblesOf} from "./weight-diagram.js";

it("a word's first weight is in its lowest four bits", () => {
  expect(nibblesOf(0xfedc_ba98)).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  expect(nibblesOf(7)).toEqual([7, 0, 0, 0, 0, 0, 0, 0]);
});
