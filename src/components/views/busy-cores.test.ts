import {expect, it} from "vitest";
import {spread} from "./busy-cores.js";

it("names every stage near where it is, none over another or beyond the picture", () => {
  expect(spread([10, 40, 70], 13, 100)).toEqual([10, 40, 70]);
  expect(spread([10, 11, 12, 60], 13, 100)).toEqual([10, 23, 36, 60]);
  expect(spread([80, 98, 99], 13, 100)).toEqual([74, 87, 100]);
});
