import {finishWork, guard} from "../gpu/errors.js";
import type {GpuTime, PassTimer} from "../gpu/pass-timer.js";
import type {Step} from "./decoder.js";

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
