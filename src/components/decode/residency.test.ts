import {describe, expect, it, vi} from "vitest";
import {countResident, processMemory, residencyKey, RollCallError, type RollCall} from "./residency.js";

/** A device where this many are resident, and what it was asked. */
function device(resident: number) {
  const calls: number[] = [];
  const rollCall: RollCall = async (workgroups) => (calls.push(workgroups), workgroups <= resident);
  return {rollCall, calls, failures: () => calls.filter((workgroups) => workgroups > resident).length};
}

describe("the count of resident workgroups", () => {
  it.each([1, 2, 3, 7, 8, 9, 31, 132, 264, 1000])(
    "is found where %d of 1024 are, with few calls that fail",
    async (n) => {
      const {rollCall, failures, calls} = device(n);
      expect(await countResident(rollCall, {most: 1024})).toBe(n);
      expect(failures()).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(n + 1)));
      expect(calls.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(n + 1)) + 3);
      expect(calls.filter((workgroups) => workgroups === n)).toHaveLength(2);
    }
  );

  it("never asks for more than twice of what has succeeded", async () => {
    const {rollCall, calls} = device(5);
    await countResident(rollCall, {most: 1024});
    expect(calls).toEqual([1, 2, 4, 8, 6, 5, 5]);
  });

  it.each([1, 6, 8])("is %d where all are resident, and no call fails", async (most) => {
    const {rollCall, failures} = device(Infinity);
    expect(await countResident(rollCall, {most})).toBe(most);
    expect(failures()).toBe(0);
  });

  it("does not trust one success: what fails the second time has failed", async () => {
    const lucky = new Set([6, 7]);
    const calls: number[] = [];
    const rollCall: RollCall = async (workgroups) => (
      calls.push(workgroups),
      workgroups <= 5 || lucky.delete(workgroups)
    );
    expect(await countResident(rollCall, {most: 64})).toBe(5);
    expect(calls).toEqual([1, 2, 4, 8, 6, 7, 7, 6, 5, 5]);
  });

  it("cannot be none", async () => {
    await expect(countResident(async () => false, {most: 8})).rejects.toThrow(RollCallError);
    const answers = [true, false, false];
    await expect(countResident(async () => answers.shift()!, {most: 8})).rejects.toThrow("one workgroup alone did not");
  });

  it.each([0, -1, 1.5, NaN, Infinity])("is not looked for among at most %d", async (most) => {
    const rollCall = vi.fn<RollCall>();
    await expect(countResident(rollCall, {most})).rejects.toThrow(RangeError);
    expect(rollCall).not.toHaveBeenCalled();
  });

  it("ends with what a roll call throws", async () => {
    const lost = new Error("device lost");
    await expect(countResident(() => Promise.reject(lost), {most: 8})).rejects.toBe(lost);
  });

  it("stops at the next call once it is cancelled", async () => {
    const abort = new AbortController();
    const rollCall = vi.fn<RollCall>(
      async (workgroups) => (workgroups === 4 && abort.abort(new Error("cancelled")), true)
    );
    await expect(countResident(rollCall, {most: 64, signal: abort.signal})).rejects.toThrow("cancelled");
    expect(rollCall).toHaveBeenCalledTimes(3);
  });
});

describe("a remembered count", () => {
  it("is confirmed by one success and one failure", async () => {
    const {rollCall, calls} = device(132);
    expect(await countResident(rollCall, {most: 1024, remembered: 132})).toBe(132);
    expect(calls).toEqual([132, 133]);
  });

  it.each([8, 20])("of %d is confirmed by one success where no more than 8 are wanted", async (remembered) => {
    const {rollCall, calls} = device(132);
    expect(await countResident(rollCall, {most: 8, remembered})).toBe(8);
    expect(calls).toEqual([8]);
  });

  it.each([
    [200, [200]],
    [100, [100, 101]]
  ])("of %d is searched anew where 132 are resident", async (remembered, asked) => {
    const {rollCall, calls} = device(132);
    expect(await countResident(rollCall, {most: 1024, remembered})).toBe(132);
    expect(calls.slice(0, asked.length + 1)).toEqual([...asked, 1]);
  });

  it.each([0, -3, 2.5, NaN])("of %d is no count and not asked for", async (remembered) => {
    const {rollCall, calls} = device(2);
    expect(await countResident(rollCall, {most: 8, remembered})).toBe(2);
    expect(calls[0]).toBe(1);
  });
});

describe("what is remembered", () => {
  const adapter = {vendor: "nvidia", architecture: "hopper", description: "NVIDIA H200"};
  const kernel = {name: "fused.wgsl", workgroupSize: 256};

  it("has another key for every device, kernel and workgroup size", () => {
    const keys = [
      residencyKey(adapter, kernel),
      residencyKey({...adapter, vendor: "amd"}, kernel),
      residencyKey({...adapter, architecture: "ampere"}, kernel),
      residencyKey({...adapter, description: ""}, kernel),
      residencyKey({...adapter, vendor: "nvidia,hopper", architecture: ""}, kernel),
      residencyKey(adapter, {...kernel, name: "chunked.wgsl"}),
      residencyKey(adapter, {...kernel, workgroupSize: 512})
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(residencyKey({...adapter}, {...kernel})).toBe(keys[0]);
  });

  it("is recalled in the same process", () => {
    const memory = processMemory();
    expect(memory.recall("a")).toBeUndefined();
    memory.remember("a", 132);
    memory.remember("a", 131);
    expect([memory.recall("a"), memory.recall("b")]).toEqual([131, undefined]);
  });
});
