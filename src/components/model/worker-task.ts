import {multiplyRows} from "./product.js";
import type {Shape} from "./shape.js";
import {syntheticWeights} from "./synthetic.js";
import type {WeightSource} from "./weights.js";

/** What a worker is told first: the synthetic model whose rows it computes. */
export interface WorkerModel {
  shape: Shape;
  seed: number;
}

/** Rows `from` to `to` (exclusive) of a matrix times each input. */
export interface WorkerTask {
  matrix: string;
  from: number;
  to: number;
  inputs: readonly Float64Array[];
}

export type WorkerRequest = WorkerModel | WorkerTask;

/** Answers the messages of one worker; only tasks have an answer, `to − from` values for each input. */
export function createWorkerAnswer(): (request: WorkerRequest) => Float64Array[] | null {
  let weights: WeightSource;
  return (request) => {
    if ("shape" in request) {
      weights = syntheticWeights(request.shape, request.seed);
      return null;
    }
    const {matrix, from, to, inputs} = request;
    const outputs = inputs.map(() => new Float64Array(to - from));
    multiplyRows(weights, matrix, from, to, inputs, outputs, from);
    return outputs;
  };
}
