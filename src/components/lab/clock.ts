/** Time as the lab sees it: injected, so that a test of the protocol waits for nothing. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Resolves after `milliseconds`; rejects with the signal's reason when it is aborted. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep(milliseconds, signal) {
    let timer: ReturnType<typeof setTimeout>;
    const wait = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
    return abortable(wait, signal).finally(() => clearTimeout(timer));
  }
};

/** Whether the reader can see the run: a hidden tab is throttled, so what it times is not the kernel. */
export interface Visibility {
  readonly hidden: boolean;
  /** Calls the listener at every change; returns the function that ends it. */
  subscribe(listener: () => void): () => void;
}

/** For runs that no tab holds. */
export const alwaysVisible: Visibility = {hidden: false, subscribe: () => () => {}};

/** Settles as `promise` does, or rejects with the signal's reason, whichever is first. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let listener: () => void;
  const aborted = new Promise<never>((_, reject) => {
    listener = () => reject(signal.reason);
    signal.addEventListener("abort", listener);
    if (signal.aborted) listener();
  });
  return Promise.race([aborted, promise]).finally(() => signal.removeEventListener("abort", listener));
}
