import type {DeviceDescription} from "../gpu/device.js";

/** Whether `workgroups` of a kernel are all resident at once: launches them and lets each wait, boundedly, for all others. */
export type RollCall = (workgroups: number) => Promise<boolean>;

/** What was found before on a device, by a key that names device and kernel. */
export interface ResidencyMemory {
  recall(key: string): number | undefined;
  remember(key: string, workgroups: number): void;
}

/** Not even one workgroup answered, which no kernel that runs at all can do. */
export class RollCallError extends Error {
  override name = "RollCallError";
}

/**
 * The most workgroups, up to `most`, that are resident at once. It grows by doubling until a roll call fails, then
 * bisects: a failed call costs the device a bounded wait, so there is one of doubling and at most one for each halving
 * of what is left. The number returned was called twice; one that failed the second time counts as failed. A remembered
 * number is taken where it succeeds again and one more does not.
 * @throws {RangeError} when `most` is no count; {RollCallError} when one workgroup alone does not answer.
 */
export async function countResident(
  rollCall: RollCall,
  {most, remembered, signal}: {most: number; remembered?: number; signal?: AbortSignal}
): Promise<number> {
  if (!isCount(most)) throw new RangeError(`at most ${most} workgroups: it takes a positive integer`);

  async function answers(workgroups: number): Promise<boolean> {
    signal?.throwIfAborted();
    const all = await rollCall(workgroups);
    signal?.throwIfAborted();
    return all;
  }

  if (isCount(remembered)) {
    const known = Math.min(remembered, most);
    if ((await answers(known)) && (known === most || !(await answers(known + 1)))) return known;
  }

  const succeeded: number[] = [];
  /** The least that failed. */
  let failed = most + 1;
  for (;;) {
    const highest = succeeded.at(-1) ?? 0;
    if (highest + 1 < failed) {
      // Until one has failed, `failed` is only the end of the range.
      const next = failed > most ? Math.min(2 * highest || 1, most) : Math.floor((highest + failed) / 2);
      if (await answers(next)) succeeded.push(next);
      else failed = next;
    } else if (highest === 0) {
      throw new RollCallError("one workgroup alone did not answer its roll call: the kernel does not run here");
    } else if (await answers(highest)) {
      return highest;
    } else {
      failed = succeeded.pop()!;
    }
  }
}

/** Names a device and a kernel on it: what residency depends on, as far as an adapter tells. */
export function residencyKey(
  {vendor, architecture, description}: Pick<DeviceDescription, "vendor" | "architecture" | "description">,
  {name, workgroupSize}: {name: string; workgroupSize: number}
): string {
  return JSON.stringify([vendor, architecture, description, name, workgroupSize]);
}

/** Remembers for as long as the process runs. */
export function processMemory(): ResidencyMemory {
  const found = new Map<string, number>();
  return {
    recall: (key) => found.get(key),
    remember: (key, workgroups) => void found.set(key, workgroups)
  };
}

/** Whether a value, perhaps read from storage, is a number of workgroups. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}
