import {countResident} from "../decode/residency.js";
import {allocate, StalledError} from "../gpu/errors.js";
import type {Kernels} from "../gpu/kernels.js";
import {createPipeline} from "../gpu/pipelines.js";
import type {Variant} from "./experiment.js";
import {whyTooLarge} from "./read-variant.js";
import {pollLimits, WaitSubject} from "./wait-cost.js";

/** What a workgroup takes of the core that it runs on. */
export interface Footprint {
  workgroupSize: number;
  /** Bytes of workgroup memory that it holds; one word for each invocation by default, which no core is short of. */
  workgroupMemory?: number;
}

/**
 * Roll calls in a dispatch, which is a batch: few, because the CPUs that stand in for a GPU may take milliseconds for one.
 * A GPU takes a microsecond or some, and launching the dispatch is a part of what is timed.
 */
export const rounds = 100;

/** Most workgroups that are tried. On a CPU they compete for its cores. */
const mostTried = {hardware: 2 ** 14, software: 4};

/**
 * As many workgroups of this footprint as answer a roll call together, counted when the variant is prepared. What is then
 * timed is a roll call of all of them; how many there are is the result.
 */
export function residentVariant(kernels: Kernels, {workgroupSize, workgroupMemory}: Footprint): Variant {
  const kibibytes = workgroupMemory && workgroupMemory / 1024;
  const heldBytes = Math.max(4 * workgroupSize, workgroupMemory ?? 0);
  return {
    identity: {
      variant: `resident-${workgroupSize}${kibibytes ? `-${kibibytes}-kib` : ""}`,
      label: `All resident workgroups of ${workgroupSize}${kibibytes ? `, each with ${kibibytes} KiB` : ""}`,
      operation: "roll call",
      operationsPerBatch: rounds,
      workgroups: null,
      workgroupSize
    },
    waits: true,
    unsupported({description}) {
      const held = description.limits.maxComputeWorkgroupStorageSize!;
      if (heldBytes > held) {
        return `${heldBytes} bytes of workgroup memory are more than this device allows, ${held} (maxComputeWorkgroupStorageSize).`;
      }
      return whyTooLarge(workgroupSize, description);
    },
    async prepare({gpu: {device, description}, signal, progress}) {
      const kind = description.software ? "software" : "hardware";
      const pollLimit = pollLimits[kind];
      const pipeline = await createPipeline(device, kernels, {
        path: "probe/roll_call.wgsl",
        constants: {rounds, poll_limit: pollLimit, workgroup_size: workgroupSize, held_words: heldBytes / 4}
      });
      const create = (workgroups: number) => {
        const onStall = () => {
          throw new StalledError(
            `${workgroups} workgroups had answered a roll call, and later did not: a wait gave up after ${pollLimit} polls.`
          );
        };
        const what = `allocating for ${workgroups} workgroups`;
        const wait = {kind: "barrier", workgroups, rounds} as const;
        return allocate(device, what, () => new WaitSubject(device, pipeline, wait, onStall));
      };
      const rollCall = async (workgroups: number) => {
        progress(`calling the roll of ${workgroups}`, 0);
        const subject = await create(workgroups);
        try {
          await subject.run(1);
          return true;
        } catch (error) {
          if (error instanceof StalledError) return false;
          throw error;
        } finally {
          subject.destroy();
        }
      };
      return create(await countResident(rollCall, {most: mostTried[kind], signal}));
    }
  };
}
