import type {Decoder} from "../decode/decoder.js";
import {countResident, type ResidencyMemory} from "../decode/residency.js";
import {StalledError} from "../gpu/errors.js";

/** What a decoder whose workgroups wait for each other is made from. */
export interface ResidentDecoderOptions {
  /** Makes the decoder for so many workgroups, of a kernel that is the same for any number from two. */
  create(workgroups: number): Promise<Decoder>;
  /** How many workgroups; "resident" for as many, up to `most`, as are resident at once. */
  workgroups: number | "resident";
  most: number;
  /** What was counted before, and its name for this kernel on this device. */
  memory?: ResidencyMemory | undefined;
  key: string;
  signal: AbortSignal;
}

/**
 * One dispatch of several workgroups, which a roll call of that very kernel found to be resident together.
 * @throws {StalledError} when they are not, naming how many were where that is known.
 */
export async function createResidentDecoder(options: ResidentDecoderOptions): Promise<Decoder> {
  const {create, workgroups, most, memory, key, signal} = options;
  const remembered = memory?.recall(key);
  const first = await create(workgroups === "resident" ? 2 : workgroups);
  try {
    if (workgroups !== "resident") {
      if (!(await first.rollCall(workgroups))) throw new StalledError(notResident(workgroups, remembered));
      return first;
    }
    const rollCall = (count: number) => first.rollCall(count);
    const resident = await countResident(rollCall, {most, signal, ...(remembered !== undefined && {remembered})});
    memory?.remember(key, resident);
    if (resident === 1) throw new StalledError(notResident(2, 1));
    const decoder = await create(resident); // while the first is there, whose pipeline it shares
    first.destroy();
    return decoder;
  } catch (error) {
    first.destroy();
    throw error;
  }
}

function notResident(workgroups: number, known: number | undefined): string {
  const counted = known !== undefined && known < workgroups ? `; ${known} were when they were counted` : "";
  return `The ${workgroups} workgroups of this kernel were not all resident at once${counted}. Nothing was decoded with them.`;
}
