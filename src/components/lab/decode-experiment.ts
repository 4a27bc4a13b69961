import type {Gpu} from "../gpu/device.js";
import type {Shape} from "../model/shape.js";
import {decodeVariants, type DecodeEnvironment, type DecodeVariant, type Session} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";

interface DecodeExperiment extends Omit<Experiment, "position" | "variants"> {
  rows(shape: Shape): readonly DecodeVariant[];
}

/** An experiment whose rows decode the model, and share the weights and the reference of a run. */
export function decodeExperiment(environment: DecodeEnvironment, {rows, ...experiment}: DecodeExperiment): Experiment {
  const sessions = new WeakMap<Gpu, Session>();
  return {...experiment, variants: (shape) => decodeVariants(environment, shape!, rows(shape!), sessions)};
}
