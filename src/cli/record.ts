import {writeFileSync} from "node:fs";
import {arch, platform, release} from "node:os";
import {parseArgs} from "node:util";
import {openGpu} from "../components/gpu/device.js";
import {alwaysVisible, systemClock} from "../components/lab/clock.js";
import {measureReadBandwidth} from "../components/lab/read-bandwidth.js";
import {runExperiment, type RowProgress} from "../components/lab/run-experiment.js";
import {spectrumExperiment} from "../components/lab/spectrum.js";
import {shapes, type ShapeId} from "../components/model/shape.js";
import {linkKernels} from "../data/link-kernels.js";
import project from "../../package.json" with {type: "json"};
import {openDawn} from "./dawn.js";

const usage = `Runs an experiment on this machine's GPU and writes its record.

usage: npm run record -- EXPERIMENT [--shape SHAPE] [--variants a,b] [--label NAME] [--out FILE]

  EXPERIMENT   spectrum
  --shape      ${Object.keys(shapes).join(", ")}; the experiment's own by default
  --variants   ids, all of the experiment's by default
  --label      the device's name in the record, where the driver does not say it well
  --out        the file to write; without it only the table is printed

It exits with 1 when a variant fails or its output does not match the reference.`;

process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  const {values, positionals} = parse(args);
  const kernels = await linkKernels();
  const experiment = {spectrum: spectrumExperiment({kernels})}[positionals[0] ?? ""];
  if (!experiment) return fail(`There is no experiment ${positionals[0] ?? ""}.\n\n${usage}`);
  const shape = (values.shape ?? experiment.defaultShape) as ShapeId;
  if (!experiment.shapes.includes(shape)) {
    return fail(`Experiment ${experiment.id} has no shape ${shape}; it has ${experiment.shapes.join(", ")}.`);
  }
  const dawn = openDawn();
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("interrupted")));
  const {state, message, record} = await runExperiment({
    experiment,
    shape: shapes[shape],
    variants: values.variants?.split(","),
    async openGpu() {
      const gpu = await openGpu(dawn);
      if (values.label) gpu.description.label = values.label;
      return gpu;
    },
    measureReadBandwidth: (gpu, signal) => measureReadBandwidth(kernels, gpu, signal),
    runtime: describeRuntime(),
    clock: systemClock,
    visibility: alwaysVisible,
    confirm: async () => true,
    signal: stop.signal,
    onEvent: ({label, fraction}) => progress(`${Math.round(100 * fraction)} % ${label}`)
  });
  progress("");
  if (!record) return fail(message);
  const {roofline} = record;
  console.log(`${experiment.id} at ${shape} on ${record.device.label}: ${message}`);
  console.table(Object.fromEntries(record.rows.map((row) => [row.variant, summary(row)])));
  if (roofline) {
    const gigabytes = (roofline.readBandwidthBytesPerSecond / 1e9).toFixed(1);
    console.log(`Read bandwidth ${gigabytes} GB/s: at most ${roofline.tokensPerSecond.toFixed(1)} tok/s.`);
  }
  for (const row of record.rows) if ("message" in row && row.message) console.log(`${row.variant}: ${row.message}`);
  if (values.out) writeFileSync(values.out, JSON.stringify(record, null, 2) + "\n");
  const failed = record.rows.some(({status}) => status === "failed" || status === "discarded");
  return state === "done" && !failed ? 0 : 1;
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        shape: {type: "string"},
        variants: {type: "string"},
        label: {type: "string"},
        out: {type: "string"},
        help: {type: "boolean"}
      }
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exit(1);
  }
}

function summary(row: RowProgress) {
  const {status, tokensPerSecond, verification, dispatchesPerToken, workgroups, workgroupSize} = row;
  return {
    status,
    "tok/s": tokensPerSecond && Number(tokensPerSecond.median.toPrecision(4)),
    p10: tokensPerSecond && Number(tokensPerSecond.p10.toPrecision(4)),
    p90: tokensPerSecond && Number(tokensPerSecond.p90.toPrecision(4)),
    dispatches: dispatchesPerToken,
    workgroups: workgroups ?? "each stage its own",
    "workgroup size": workgroupSize,
    "relative error": verification?.maxRelativeError.toExponential(1)
  };
}

function describeRuntime() {
  const dawn = process.env.DAWN_NODE ? "Dawn" : `Dawn (npm webgpu ${project.devDependencies.webgpu})`;
  return {name: `Node ${process.versions.node} with ${dawn}`, os: `${platform()} ${release()} ${arch()}`};
}

/** One line that is written over, on a terminal only. */
function progress(text: string) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

function fail(message: string): number {
  console.error(message);
  return 1;
}
