import {expect, test} from "vitest";
import type {Decoder} from "../decode/decoder.js";
import {processMemory} from "../decode/residency.js";
import {StalledError} from "../gpu/errors.js";
import {createResidentDecoder, type ResidentDecoderOptions} from "./resident-decoder.js";

/** A device that holds so many workgroups: its decoders say which were made, called and destroyed. */
function holding(resident: number) {
  const made: number[] = [];
  const called: number[] = [];
  const destroyed: number[] = [];
  const create = async (workgroups: number) => {
    made.push(workgroups);
    const rollCall = async (count: number) => (called.push(count), count <= resident);
    return {plan: [{workgroups}], rollCall, destroy: () => destroyed.push(workgroups)} as unknown as Decoder;
  };
  return {create, made, called, destroyed};
}

const make = (options: Partial<ResidentDecoderOptions> & Pick<ResidentDecoderOptions, "create">) =>
  createResidentDecoder({
    workgroups: "resident",
    most: 64,
    key: "kernel",
    signal: new AbortController().signal,
    ...options
  });

test("a number of workgroups is confirmed by one roll call of it", async () => {
  const {create, made, called, destroyed} = holding(8);
  const decoder = await make({create, workgroups: 8});
  expect(decoder.plan[0]!.workgroups).toBe(8);
  expect([made, called, destroyed]).toEqual([[8], [8], []]);
});

test("more than are resident are a stall that names them, and how many were where that is known", async () => {
  const {create, called, destroyed} = holding(6);
  const stalls = make({create, workgroups: 8});
  await expect(stalls).rejects.toThrow(StalledError);
  await expect(stalls).rejects.toThrow("The 8 workgroups of this kernel were not all resident at once. Nothing");
  expect([called, destroyed]).toEqual([[8], [8]]);
  const memory = processMemory();
  memory.remember("kernel", 6);
  await expect(make({create, workgroups: 8, memory})).rejects.toThrow("; 6 were when they were counted. Nothing");
  memory.remember("kernel", 9); // what was counted before no longer holds
  await expect(make({create, workgroups: 8, memory})).rejects.toThrow("at once. Nothing");
});

test("all that are resident are counted by the kernel itself, up to the most, and remembered", async () => {
  const {create, made, destroyed} = holding(22);
  const memory = processMemory();
  const decoder = await make({create, memory});
  expect(decoder.plan[0]!.workgroups).toBe(22);
  expect([made, destroyed]).toEqual([[2, 22], [2]]);
  expect(memory.recall("kernel")).toBe(22);
  expect((await make({create: holding(100).create})).plan[0]!.workgroups).toBe(64);
});

test("what is remembered is confirmed in two calls", async () => {
  const {create, called} = holding(22);
  const memory = processMemory();
  memory.remember("kernel", 22);
  await make({create, memory});
  expect(called).toEqual([22, 23]);
});

test("one that is resident alone is a stall, not a dispatch of one workgroup", async () => {
  const {create, made, destroyed} = holding(1);
  await expect(make({create})).rejects.toThrow(StalledError);
  await expect(make({create})).rejects.toThrow("The 2 workgroups of this kernel were not all resident at once; 1 were");
  expect(destroyed).toEqual(made);
});

test("a cancelled count destroys the decoder that called", async () => {
  const {create, made, destroyed} = holding(22);
  await expect(make({create, signal: AbortSignal.abort(new Error("enough"))})).rejects.toThrow("enough");
  expect([made, destroyed]).toEqual([[2], [2]]);
});
