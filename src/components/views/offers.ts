import type {Offer} from "../decode/capacity.js";
import {defaultLimits} from "../gpu/default-limits.js";
import {describeAdapter, requestAdapter, type DeviceDescription} from "../gpu/device.js";
import type {RecordedDevice} from "../lab/results-table.js";
import {ranOn} from "./recorded.js";

/** What WebGPU or a device offers, and whose it is. */
export interface NamedOffer extends Offer {
  name: string;
  /** What every device has, asked for or not. */
  guaranteed?: boolean;
  origin?: "recorded" | "yours";
}

/** WebGPU's defaults, the devices on file that are no CPU, the newest record of each runtime with Node first, and the reader's own. */
export function offersOf(devices: readonly RecordedDevice[], yours: DeviceDescription | null): NamedOffer[] {
  const recorded = new Map<string, NamedOffer>();
  for (const {device, runtime, sourceFile, software, features, limits} of devices) {
    const name = /^Node\b/.test(runtime) ? `${device} in Node` : ranOn({device, runtime, sourceFile});
    if (!software && !recorded.has(name)) recorded.set(name, {name, features, limits, origin: "recorded"});
  }
  return [
    {name: "WebGPU’s defaults", features: [], limits: defaultLimits, guaranteed: true},
    ...[...recorded.values()].sort((a, b) => Number(isOfNode(b)) - Number(isOfNode(a))),
    ...(yours
      ? [{name: `Yours: ${yours.label}`, features: yours.features, limits: yours.limits, origin: "yours" as const}]
      : [])
  ];
}

function isOfNode({name}: NamedOffer): boolean {
  return name.endsWith(" in Node");
}

/** The reader's adapter, once it has answered; null before that, and where there is none. No device is opened. */
export async function* yourAdapter(gpu: GPU | undefined): AsyncGenerator<DeviceDescription | null> {
  yield null;
  try {
    yield describeAdapter(await requestAdapter(gpu), gpu);
  } catch {
    // The panel says what is missing.
  }
}
