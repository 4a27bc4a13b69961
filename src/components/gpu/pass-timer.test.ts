import {expect, test} from "vitest";
import {mostRounding, timestampRounding, whyNoTime} from "./pass-timer.js";

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
