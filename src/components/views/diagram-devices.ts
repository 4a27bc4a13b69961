import {html} from "htl";
import {describeAdapter, requestAdapter} from "../gpu/device.js";
import {recordUrl} from "../lab/result-row.js";
import type {Results} from "../lab/results-table.js";
import type {PlanDevice} from "../model-of-cost/layer-schedule.js";
import type {DiagramDevice} from "./core-diagram.js";
import {cite, gpuCores, shortDevice} from "./recorded.js";

/** What a browser on an M2 Pro offers, of which no record says anything. */
const m2Pro: PlanDevice = {
  limits: {
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupSizeX: 1024,
    maxComputeWorkgroupStorageSize: 32768
  },
  features: ["subgroups", "packed_4x8_integer_dot_product"],
  subgroupMinSize: 4,
  subgroupMaxSize: 64
};

const metal = [
  {
    source: "Apple, Metal Feature Set Tables",
    sourceUrl: "https://developer.apple.com/metal/Metal-Feature-Set-Tables.pdf"
  },
  {
    source: "Dawn, PhysicalDeviceMTL.mm",
    sourceUrl: "https://dawn.googlesource.com/dawn/+/refs/heads/main/src/dawn/native/metal/PhysicalDeviceMTL.mm"
  }
];

/**
 * The GPUs on record as diagrams of cores show them: an M2 Pro with limits that are assumed, and another with those that
 * the newest record of its default runtime has.
 * @throws {Error} when nothing in `results/` says how many cores a device has, or what the second one offers.
 */
export function recordedDiagramDevices(results: Results, m2: string, measured: string): DiagramDevice[] {
  const found = results.devices.find(({device, runtime}) => device === measured && /^Node\b/.test(runtime));
  if (!found) throw new Error(`no run on file says what the ${measured} offers`);
  return [
    {
      label: shortDevice(m2),
      cores: gpuCores(results, m2),
      plan: m2Pro,
      limits: html`<span
        >with limits that are assumed, because no record has those of a browser on an M2 Pro: workgroups of 1,024
        invocations, 32 KiB of workgroup memory, subgroups of 4 to 64 ${cite(metal[0]!)} ${cite(metal[1]!)}</span
      >`
    },
    {
      label: measured,
      cores: gpuCores(results, measured),
      plan: found,
      limits: html`<span
        >with the limits and features that the device has on record
        ${cite({source: `results/${found.sourceFile}`, sourceUrl: recordUrl(found.sourceFile)})}</span
      >`
    }
  ];
}

/** The same of the reader's GPU, once its adapter has answered; null before that, and where there is none. */
export async function* yourDiagramDevice(gpu: GPU | undefined): AsyncGenerator<DiagramDevice | null> {
  yield null;
  try {
    const adapter = await requestAdapter(gpu);
    const plan = describeAdapter(adapter, gpu);
    yield {
      label: `Yours: ${plan.label}`,
      cores: null,
      plan,
      limits: "with the limits and features that your browser says this device has"
    };
  } catch {
    // The panels say what is missing.
  }
}
