import {afterEach, describe, expect, it, vi} from "vitest";
import {inProcessProduct} from "./product.js";
import {createWorkerAnswer, type WorkerRequest} from "./worker-task.js";
import {createProductPool, type PoolWorker} from "./reference-pool.js";
import {shapes} from "./shape.js";
import {syntheticWeights} from "./synthetic.js";
import {matrixNames, modelMatrices} from "./weights.js";

const shape = {...shapes.tiny, vocabulary: 515};
const inputs = [1, 2, 3, 4].map((scale) => Float64Array.from({length: 192}, (_, i) => Math.sin(scale * i)));

afterEach(() => vi.unstubAllGlobals());

describe("a pool of workers", () => {
  it.each([1, 3, 8])("computes what one thread computes, with %i workers", async (count) => {
    const workers: FakeWorker[] = [];
    const pool = createProductPool({shape, seed: 5, count, start: () => track(workers, new FakeWorker())});
    const product = inProcessProduct(syntheticWeights(shape, 5), modelMatrices(shape));
    for (const matrix of [matrixNames.lmHead, matrixNames.gateUp(1), matrixNames.o(0)]) {
      expect(await pool.product(matrix, inputs)).toEqual(await product(matrix, inputs));
    }
    expect(workers).toHaveLength(count);
    for (const {rows} of workers) expect(rows).toBeGreaterThan(0);
    pool.close();
    expect(workers.every(({terminated}) => terminated)).toBe(true);
  });

  it("terminates its workers when a product is aborted, and stays closed", async () => {
    const workers: FakeWorker[] = [];
    const pool = createProductPool({shape, count: 2, start: () => track(workers, new FakeWorker())});
    const controller = new AbortController();
    const product = pool.product(matrixNames.lmHead, inputs, controller.signal);
    controller.abort(new Error("the reader cancelled"));
    await expect(product).rejects.toThrow("the reader cancelled");
    expect(workers.every(({terminated}) => terminated)).toBe(true);
    await expect(pool.product(matrixNames.lmHead, inputs)).rejects.toThrow("the reader cancelled");
  });

  it("rejects when a worker fails", async () => {
    const workers: FakeWorker[] = [];
    const pool = createProductPool({shape, count: 2, start: () => track(workers, new FakeWorker())});
    const product = pool.product(matrixNames.lmHead, inputs);
    workers[1]!.onerror!({message: ""} as ErrorEvent);
    await expect(product).rejects.toThrow("a reference worker failed: it could not be loaded");
    expect(workers.every(({terminated}) => terminated)).toBe(true);
  });

  it("computes in this thread when a worker cannot be started, and keeps none of the others", async () => {
    const workers: FakeWorker[] = [];
    const start = () => {
      if (workers.length === 2) throw new Error("refused by the page's policy");
      return track(workers, new FakeWorker());
    };
    const pool = createProductPool({shape, seed: 5, count: 4, start});
    const product = inProcessProduct(syntheticWeights(shape, 5), modelMatrices(shape));
    expect(await pool.product(matrixNames.o(1), inputs)).toEqual(await product(matrixNames.o(1), inputs));
    expect(workers.map(({terminated, rows}) => [terminated, rows])).toEqual([
      [true, 0],
      [true, 0]
    ]);
    const aborted = AbortSignal.abort(new Error("the reader cancelled"));
    await expect(pool.product(matrixNames.o(1), inputs, aborted)).rejects.toThrow("the reader cancelled");
    pool.close();
    await expect(pool.product(matrixNames.o(1), inputs)).rejects.toThrow("the pool of reference workers is closed");
  });

  it.each([
    [undefined, 4],
    [3, 3],
    [64, 8]
  ])("has workers as the browser admits to processors: %s gives %i", (hardwareConcurrency, count) => {
    vi.stubGlobal("navigator", {hardwareConcurrency});
    const workers: FakeWorker[] = [];
    createProductPool({shape, start: () => track(workers, new FakeWorker())}).close();
    expect(workers).toHaveLength(count);
  });

  it("rejects a product under way when it is closed", async () => {
    const pool = createProductPool({shape, count: 2, start: () => new FakeWorker()});
    const product = pool.product(matrixNames.lmHead, inputs);
    pool.close();
    await expect(product).rejects.toThrow("the pool of reference workers is closed");
  });
});

/** Runs the worker's own code in this thread, with messages copied and delivered later as a browser does. */
class FakeWorker implements PoolWorker {
  onmessage: PoolWorker["onmessage"] = null;
  onerror: PoolWorker["onerror"] = null;
  terminated = false;
  rows = 0;
  readonly #answer = createWorkerAnswer();

  postMessage(request: WorkerRequest): void {
    const copy = structuredClone(request);
    setTimeout(() => {
      if (this.terminated) return;
      const outputs = this.#answer(copy);
      if (!outputs) return;
      this.rows += outputs[0]!.length;
      this.onmessage!({data: outputs} as MessageEvent<Float64Array[]>);
    });
  }

  terminate(): void {
    this.terminated = true;
  }
}

function track(workers: FakeWorker[], worker: FakeWorker): FakeWorker {
  workers.push(worker);
  return worker;
}
