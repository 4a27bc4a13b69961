import {html} from "htl";
import type {DeviceDescription} from "../gpu/device.js";
import {firstLine, formatBytes, formatCount} from "./format.js";

/** What the reader's GPU is and can do: its name, optional features, the limits that decide what fits. */
export function deviceLine({label, features, limits, software}: DeviceDescription, startsTiny: boolean): HTMLElement {
  const optional = ["subgroups", "shader-f16"].map((name) => `${features.includes(name) ? "with" : "without"} ${name}`);
  const size = (limit: string, what: string) => limits[limit] && `${what} up to ${formatBytes(limits[limit])}`;
  const count = (limit: string, what: string) => limits[limit] && `${formatCount(limits[limit])} ${what}`;
  const facts = [
    ...optional,
    size("maxBufferSize", "buffers"),
    size("maxStorageBufferBindingSize", "bindings"),
    count("maxComputeInvocationsPerWorkgroup", "invocations a workgroup"),
    size("maxComputeWorkgroupStorageSize", "workgroup memory")
  ].filter(Boolean);
  return html`<div>
    <p class="panel-device"><strong>${label}</strong>: ${facts.join(", ")}.</p>
    ${software ? missing(softwareSentence(startsTiny)) : null}
  </div>`;
}

/** One amber sentence: what this browser or device lacks. */
export function missing(sentence: string): HTMLElement {
  const short = firstLine(sentence);
  return html`<p class="panel-missing" title=${short === sentence ? null : sentence}>${short}</p>`;
}

function softwareSentence(startsTiny: boolean): string {
  const start = startsTiny ? ", and the panel starts with the tiny shape" : "";
  return `This is a software adapter: your CPU stands in for a GPU, so its figures say nothing about one${start}.`;
}
