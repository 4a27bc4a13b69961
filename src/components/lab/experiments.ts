import type {DecodeEnvironment} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";
import {chunksExperiment} from "./chunks.js";
import {dispatchCostExperiment} from "./dispatch-cost.js";
import {geometryExperiment} from "./geometry.js";
import {int4Experiment} from "./int4.js";
import {limitsExperiment} from "./limits.js";
import {spectrumExperiment} from "./spectrum.js";
import {stagesExperiment} from "./stages.js";
import {tilingExperiment} from "./tiling.js";
import {toyExperiment} from "./toy.js";
import {workgroupsExperiment} from "./workgroups.js";

/** Every experiment but the sweep, whose rows its reader chooses. */
export function listExperiments(environment: DecodeEnvironment): Experiment[] {
  const {kernels} = environment;
  return [
    spectrumExperiment(environment),
    chunksExperiment(environment),
    workgroupsExperiment(environment),
    geometryExperiment(environment),
    tilingExperiment(environment),
    int4Experiment(environment),
    toyExperiment(environment),
    stagesExperiment(environment),
    dispatchCostExperiment(kernels),
    limitsExperiment(kernels)
  ];
}
