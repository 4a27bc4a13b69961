import {finishWork, guard} from "../gpu/errors.js";
import type {GpuTime, PassTimer} from "../gpu/pass-timer.js";
import {layerCacheFloats} from "../model/layout.js";
import {layerMatrices, matrixBytes, weightBytesPerToken, type Shape} from "../model/shape.js";
import type {Step} from "./decoder.js";
import {dispatchesPerToken} from "./plan.js";

/** The stages of the model, in the order they first run. `rms_norm` has three kernels, each other one its own. */
export const stages = [
  "embedding",
  "rms_norm",
  "qkv_rope",
  "attention",
  "o_proj",
  "gate_up",
  "down",
  "lm_head",
  "argmax"
] as const;

export type Stage = (typeof stages)[number];

/** A stage, or all of them: a whole token. */
export type Part = Stage | "token";

/** The stage that a kernel of the staged factoring launches: `rms_norm` of "staged/rms_norm_ffn.wgsl". */
export function stageOf(path: string): Stage | undefined {
  const name = path.replace(/^staged\/|\.wgsl$/g, "");
  return stages.find((stage) => stage === name || (stage === "rms_norm" && name.startsWith("rms_norm_")));
}

/** Dispatches of a part for one token of the staged factoring. */
export function callsPerToken(shape: Shape, part: Part): number {
  if (part === "token") return dispatchesPerToken(shape, "staged");
  if (part === "rms_norm") return 2 * shape.layers + 1;
  return part === "embedding" || part === "lm_head" || part === "argmax" ? 1 : shape.layers;
}

/**
 * Bytes that a part has to read from memory for one token: its weights, and of attention the keys and values before
 * `position`. Of a whole token only what the roofline counts, the matrices.
 */
export function bytesPerToken(shape: Shape, part: Part, position: number): number {
  const {hidden, layers, vocabulary, context} = shape;
  const {qkv, o, gateUp, down} = layerMatrices(shape);
  switch (part) {
    case "token":
      return weightBytesPerToken(shape);
    case "embedding":
      return matrixBytes({rows: 1, columns: hidden});
    case "rms_norm":
      return 2 * hidden * callsPerToken(shape, part);
    case "qkv_rope":
      return layers * matrixBytes(qkv);
    case "attention":
      return (layers * 4 * layerCacheFloats(shape) * position) / context;
    case "o_proj":
      return layers * matrixBytes(o);
    case "gate_up":
      return layers * matrixBytes(gateUp);
    case "down":
      return layers * matrixBytes(down);
    case "lm_head":
      return matrixBytes({rows: vocabulary, columns: hidden});
    case "argmax":
      return 0;
  }
}

/** In one submit, where nothing is timed on the GPU: it starts while the rest is still being recorded. */
const dispatchesPerSubmit = 1000;

/**
 * Dispatches the steps, `times` over, and resolves when the GPU has finished. With a timer it is one pass, and resolves
 * with its time. A step that runs once a token reads other weights each time, where it can, as it would not find its
 * own in a cache after a whole token either. A stage alone leaves nothing that is good for more than the time: `argmax`
 * goes past the end of the sequence, where WebGPU lets nothing be written. `reset` starts anew.
 * @throws {GpuError} on any rejected call and when the device is lost.
 */
export async function runSteps(
  device: GPUDevice,
  steps: readonly Step[],
  times: number,
  timer?: PassTimer
): Promise<GpuTime | void> {
  const perSubmit = timer ? times : Math.max(1, Math.floor(dispatchesPerSubmit / steps.length));
  await guard(device, "running a stage", () => {
    for (let done = 0; done < times; done += perSubmit) {
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass(timer && {timestampWrites: timer.timestampWrites});
      for (let time = done; time < Math.min(times, done + perSubmit); ++time) {
        for (const {pipeline, bindGroup, elsewhere, workgroups} of steps) {
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, steps.length > 1 ? bindGroup : (elsewhere[time % elsewhere.length] ?? bindGroup));
          pass.dispatchWorkgroups(workgroups);
        }
      }
      pass.end();
      timer?.resolve(encoder);
      device.queue.submit([encoder.finish()]);
    }
  });
  if (timer) return timer.read();
  await finishWork(device, "running a stage");
}
