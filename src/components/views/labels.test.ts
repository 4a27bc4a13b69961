import {randomLcg} from "d3";
import {expect, it} from "vitest";
import {placeLabels, type LabelRequest} from "./labels.js";

const frame = {x0: 0, y0: 0, x1: 300, y1: 200};
const mark = (x: number, y: number, width = 60): LabelRequest => ({text: `${x},${y}`, x, y, radius: 5, width});

it("puts a lone label to the right, and to the left at the right edge", () => {
  expect(placeLabels([mark(100, 100)], frame, 12)).toEqual([{text: "100,100", x: 109, y: 100}]);
  expect(placeLabels([mark(290, 100)], frame, 12)).toEqual([{text: "290,100", x: 221, y: 100}]);
});

it("leaves out what fits nowhere, keeping the earlier label", () => {
  const tight = {x0: 0, y0: 0, x1: 80, y1: 14};
  expect(placeLabels([mark(6, 7), mark(6, 7)], tight, 12).length).toBe(1);
});

it("puts the label of a line above it, or below where another line is near, and covers neither", () => {
  const line = (y: number): LabelRequest => ({text: `at ${y}`, x: 150, y, radius: 0, width: 60});
  const labels = placeLabels([line(100), line(95)], frame, 12);
  expect(labels.map(({text, y}) => [text, y])).toEqual([
    ["at 100", 110],
    ["at 95", 87]
  ]);
  const [, beside] = placeLabels([line(100), mark(100, 104)], frame, 12);
  expect(Math.abs(beside!.y - 100)).toBeGreaterThan(6);
});

it("never covers a mark, a label or an edge", () => {
  const random = randomLcg(1);
  const requests = Array.from({length: 30}, () => mark(random() * 300, random() * 200));
  const boxes = placeLabels(requests, frame, 12).map(({x, y}) => ({x0: x, x1: x + 60, y0: y - 6, y1: y + 6}));
  expect(boxes.length).toBeGreaterThan(5);
  const others = requests.map(({x, y}) => ({x0: x - 5, x1: x + 5, y0: y - 5, y1: y + 5}));
  boxes.forEach((a, i) => {
    expect(a.x0 >= 0 && a.x1 <= 300 && a.y0 >= 0 && a.y1 <= 200).toBe(true);
    for (const b of [...others, ...boxes.slice(i + 1)])
      expect(a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1).toBe(false);
  });
});
