import {createWorkerAnswer, type WorkerRequest} from "./worker-task.js";

const answer = createWorkerAnswer();

addEventListener("message", ({data}: MessageEvent<WorkerRequest>) => {
  const outputs = answer(data);
  if (outputs) postMessage(outputs, {transfer: outputs.map(({buffer}) => buffer)});
});
