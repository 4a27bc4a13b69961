import {StalledError} from "./errors.js";

/**
 * Does something again when workgroups waited for each other in vain, for software adapters: SwiftShader sometimes gives
 * two workgroups to one thread, where the second never starts, and a busy machine may have no core for it.
 * @throws {StalledError} after as many attempts in vain.
 */
export async function retryStalled<T>(step: () => Promise<T>, attempts = 20): Promise<T> {
  for (let attempt = 1; ; ++attempt) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StalledError) || attempt >= attempts) throw error;
    }
  }
}
