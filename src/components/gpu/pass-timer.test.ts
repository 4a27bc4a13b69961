import {expect, test} from "vitest";
import {mostRounding, timestampRounding, timestampsTell, whyNoTime} from "./pass-timer.js";

test.each([
  {what: "equal to the wall clock's", gpu: {milliseconds: 100, passes: 1}, wall: 100},
  {what: "over it by what rounding may add", gpu: {milliseconds: 100 + timestampRounding, passes: 1}, wall: 100},
  {what: "of many passes", gpu: {milliseconds: 95, passes: 19}, wall: 130},
  {what: "just long enough", gpu: {milliseconds: timestampRounding / mostRounding, passes: 1}, wall: 20}
])("a time $what may be one", ({gpu, wall}) => {
  expect(whyNoTime(gpu, wall)).toBeNull();
});

test.each([
  {what: "zero", gpu: {milliseconds: 0, passes: 3}, wall: 100, says: "took 0.00 ms, which is no time"},
  {what: "below zero", gpu: {milliseconds: -5, passes: 1}, wall: 100, says: "took -5.00 ms, which is no time"},
  {what: "no number", gpu: {milliseconds: NaN, passes: 1}, wall: 100, says: "which is no time"},
  {what: "more than passed", gpu: {milliseconds: 126, passes: 1}, wall: 100, says: "only 100.00 ms had passed"},
  {what: "mostly rounding", gpu: {milliseconds: 4.9, passes: 1}, wall: 100, says: "for one pass: too little"},
  {what: "of too many passes", gpu: {milliseconds: 90, passes: 19}, wall: 120, says: "for 19 passes: too little"}
])("a time that is $what is none", ({gpu, wall, says}) => {
  expect(whyNoTime(gpu, wall)).toContain(says);
});

/** Trials of passes whose units take `unit` milliseconds by timestamps, and a millisecond more and `delays` by the clock. */
async function tryTimestamps({unit, clock = unit, delays = [], most = 64}: TriedDevice) {
  const units: number[] = [];
  const tell = await timestampsTell(most, async (count) => {
    units.push(count);
    const delay = delays[units.length - 1] ?? 0;
    return {time: {milliseconds: unit * count, passes: 1}, wall: clock * count + 1 + delay};
  });
  return {tell, units};
}

interface TriedDevice {
  unit: number;
  clock?: number;
  delays?: number[];
  most?: number;
}

test("timestamps are believed once a pass is long enough for the CPU's clock", async () => {
  expect(await tryTimestamps({unit: 4})).toEqual({tell: true, units: [1, 2, 4, 8]});
});

test("a busy CPU, which delays a pass of little work, does not make timestamps unbelieved", async () => {
  expect(await tryTimestamps({unit: 1, delays: [50, 30]})).toEqual({tell: true, units: [1, 2, 4, 8, 16, 32]});
});

test.each([
  {what: "zeros", device: {unit: 0, clock: 30}, units: [1, 2, 4, 8]},
  {what: "more than passes", device: {unit: 60, clock: 30}, units: [1, 2, 4, 8]},
  {what: "too little for all that one pass may have", device: {unit: 0.1, most: 8}, units: [1, 2, 4, 8]}
])("timestamps that tell $what are not believed, after few passes", async ({device, units}) => {
  expect(await tryTimestamps(device)).toEqual({tell: false, units});
});
