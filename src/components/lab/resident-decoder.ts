import {createDecoder, type Decoder, type DecoderOptions} from "../decode/decoder.js";
import type {GpuWeights} from "../decode/gpu-weights.js";
import {linkConditions, planToken} from "../decode/plan.js";
import {countResident, residencyKey, type ResidencyMemory} from "../decode/residency.js";
import type {Gpu} from "../gpu/device.js";
import {StalledError} from "../gpu/errors.js";
import type {Kernels} from "../gpu/kernels.js";

/** What a decoder whose workgroups wait for each other is made from. */
export interface ResidentDecoderOptions extends Omit<DecoderOptions, "factoring"> {
  kernels: Kernels;
  weights: GpuWeights;
  /** How many workgroups; "resident" for as many, up to `most`, as are resident at once. */
  workgroups: number | "resident";
  most: number;
  memory?: ResidencyMemory;
  signal: AbortSignal;
}

/**
 * One dispatch of several workgroups, which a roll call of that very kernel found to be resident together.
 * @throws {StalledError} when they are not, naming how many are where that is known.
 */
export async function createResidentDecoder(
  {device, description}: Gpu,
  {shape, geometry, kernels, weights, workgroups, most, memory, signal}: ResidentDecoderOptions
): Promise<Decoder> {
  const create = (workgroups: number) =>
    createDecoder(device, kernels, weights, {shape, factoring: "fused", geometry: {...geometry, workgroups}});
  const [{workgroupSize, ...kernel}] = planToken(shape, "fused", {...geometry, workgroups: 2}) as [KernelIdentity];
  const conditions = linkConditions("fused", {...geometry, workgroups: 2}, weights.slots.length);
  const name = [kernel.path, ...conditions, kernel.teamRows, kernel.residualRows, kernel.tileGroups].join(" ");
  const key = residencyKey(description, {name, workgroupSize});
  const first = await create(workgroups === "resident" ? 2 : workgroups);
  try {
    if (workgroups !== "resident") {
      if (await first.rollCall(workgroups)) return first;
      throw new StalledError(notResident(workgroups, memory?.recall(key)));
    }
    const rollCall = (count: number) => first.rollCall(count);
    const remembered = memory?.recall(key);
    const resident = await countResident(rollCall, {most, signal, ...(remembered && {remembered})});
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

type KernelIdentity = ReturnType<typeof planToken>[number];

function notResident(workgroups: number, known: number | undefined): string {
  const least = known !== undefined && known < workgroups ? `; ${known} were, when they were counted` : "";
  return (
    `The ${workgroups} workgroups of this kernel were not all resident at once${least}. ` +
    `Nothing was decoded with them.`
  );
}
