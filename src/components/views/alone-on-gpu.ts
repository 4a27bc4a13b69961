/** Of this site, whatever the page or the tab. */
const lockName = "phi3-dispatch-notebook/gpu";

/**
 * Runs while no other run of this site has the GPU, in any panel and any tab: two would slow each other, and their
 * figures would be wrong.
 * @param onWait called when another run has it; this one then starts when that one has ended
 * @throws {DOMException} of the signal's reason when it is aborted while it waits.
 */
export async function aloneOnGpu<T>(signal: AbortSignal, onWait: () => void, run: () => Promise<T>): Promise<T> {
  const {locks} = navigator;
  const started = await locks.request(lockName, {ifAvailable: true}, async (lock) => lock && {result: await run()});
  if (started) return started.result;
  onWait();
  return locks.request(lockName, {signal}, run);
}
