import {StalledError} from "../components/gpu/errors.js";

/**
 * Does something again when workgroups waited for each other in vain, ten times at most: on a software driver a second
 * workgroup needs a core of its own, and a busy machine may have none for it.
 */
export async function retryStalled<T>(step: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; ++attempt) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof StalledError) || attempt === 10) throw error;
    }
  }
}
