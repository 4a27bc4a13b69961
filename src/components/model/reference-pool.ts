import {inProcessProduct, type Product} from "./product.js";
import type {WorkerRequest} from "./worker-task.js";
import {defaultSeed, syntheticWeights} from "./synthetic.js";
import {modelMatrices} from "./weights.js";
import type {Shape} from "./shape.js";

/** The part of `Worker` that the pool uses. */
export interface PoolWorker {
  postMessage(request: WorkerRequest): void;
  onmessage: ((event: MessageEvent<Float64Array[]>) => unknown) | null;
  onerror: ((event: ErrorEvent) => unknown) | null;
  terminate(): void;
}

export interface PoolOptions {
  shape: Shape;
  seed?: number;
  /** Workers, by default one for each processor the browser admits to, 8 at most; 4 where it does not say. */
  count?: number;
  /** Starts one worker, by default a module worker of the browser. */
  start?: () => PoolWorker;
}

/** Products of a synthetic model's matrices, with the rows split over workers that make the weights themselves. */
export interface ProductPool {
  /** One product at a time. When aborted, the workers are terminated and the pool is closed. */
  product: Product;
  /** Terminates the workers; a product under way rejects. */
  close(): void;
}

/** Starts a pool. Where a worker cannot be started, this thread computes the same, more slowly. */
export function createProductPool(options: PoolOptions): ProductPool {
  const {shape, seed = defaultSeed, count = processors(), start = startWorker} = options;
  const sizes = modelMatrices(shape);
  const closed = new AbortController();
  const workers = startAll(count, start);
  const close = (reason: unknown = new Error("the pool of reference workers is closed")) => {
    if (closed.signal.aborted) return;
    closed.abort(reason);
    for (const worker of workers) worker.terminate();
  };
  if (workers.length === 0) {
    const product = inProcessProduct(syntheticWeights(shape, seed), sizes);
    return {
      close: () => close(),
      product: (matrix, inputs, signal) =>
        product(matrix, inputs, signal ? AbortSignal.any([signal, closed.signal]) : closed.signal)
    };
  }
  for (const worker of workers) {
    worker.onerror = ({message}) =>
      close(new Error(`a reference worker failed: ${message || "it could not be loaded"}`));
    worker.postMessage({shape, seed});
  }

  return {
    close: () => close(),
    async product(matrix, inputs, signal) {
      const {rows} = sizes.get(matrix)!;
      const abort = () => close(signal!.reason);
      signal?.throwIfAborted();
      signal?.addEventListener("abort", abort);
      try {
        return await new Promise<Float64Array[]>((resolve, reject) => {
          const fail = () => reject(closed.signal.reason);
          if (closed.signal.aborted) return fail();
          closed.signal.addEventListener("abort", fail, {once: true});
          const outputs = inputs.map(() => new Float64Array(rows));
          let waiting = workers.length;
          workers.forEach((worker, i) => {
            const from = Math.floor((i * rows) / workers.length);
            const to = Math.floor(((i + 1) * rows) / workers.length);
            worker.onmessage = ({data}) => {
              data.forEach((part, p) => outputs[p]!.set(part, from));
              if (--waiting) return;
              closed.signal.removeEventListener("abort", fail);
              resolve(outputs);
            };
            worker.postMessage({matrix, from, to, inputs});
          });
        });
      } finally {
        signal?.removeEventListener("abort", abort);
      }
    }
  };
}

function processors(): number {
  return Math.min(8, globalThis.navigator?.hardwareConcurrency || 4);
}

/** All the workers, or none when one cannot be started: a policy of the page or its server can forbid them. */
function startAll(count: number, start: () => PoolWorker): PoolWorker[] {
  const workers: PoolWorker[] = [];
  try {
    while (workers.length < count) workers.push(start());
    return workers;
  } catch {
    for (const worker of workers) worker.terminate();
    return [];
  }
}

function startWorker(): PoolWorker {
  return new Worker(import.meta.resolve("./reference.worker.js"), {type: "module"});
}
