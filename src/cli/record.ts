import {createHash} from "node:crypto";
import {accessSync, constants, readFileSync, statSync, writeFileSync} from "node:fs";
import {arch, platform, release} from "node:os";
import {dirname} from "node:path";
import {processMemory} from "../components/decode/residency.js";
import type {Experiment} from "../components/lab/experiment.js";
import {alwaysVisible, systemClock} from "../components/lab/clock.js";
import {dispatchCostExperiment} from "../components/lab/dispatch-cost.js";
import {geometryExperiment} from "../components/lab/geometry.js";
import {int4Experiment} from "../components/lab/int4.js";
import {measureReadBandwidth} from "../components/lab/read-bandwidth.js";
import {runExperiment, type RowProgress, type RunOutcome} from "../components/lab/run-experiment.js";
import {spectrumExperiment} from "../components/lab/spectrum.js";
import {workgroupsExperiment} from "../components/lab/workgroups.js";
import {shapes, type ShapeId} from "../components/model/shape.js";
import {readKernels} from "../data/read-kernels.js";
import project from "../../package.json" with {type: "json"};
import {parseArguments} from "./arguments.js";
import type {BrowserRunOptions, PanelEvent} from "./browser-run.js";
import {openDawnGpu} from "./dawn.js";

const usage = `Runs an experiment on this machine's GPU and writes its record.

usage: npm run record -- EXPERIMENT [--shape SHAPE] [--variants a,b] [--label NAME] [--allow-waits] [--out FILE]
                                   [--browser [--screenshot FILE]]

  EXPERIMENT   spectrum, workgroups, geometry, int4, dispatch-cost
  --shape      ${Object.keys(shapes).join(", ")}; the experiment's own by default, none for dispatch-cost
  --variants   ids, all of the experiment's by default
  --label      the device's name in the record, where the driver does not say it well
  --allow-waits
               also runs variants whose workgroups wait for each other, which WebGPU does not promise to work: the
               GPU may stall and be reset, and some machines had to be rebooted
  --out        the file to write; without it only the table is printed
  --browser    runs it in a browser, in the panel of the site that npm run build wrote, and not in Node on Dawn;
               CHROMIUM names another browser, CHROMIUM_FLAGS the flags with which it finds the GPU
  --screenshot with --browser: the file for a picture of the page at the end

It exits with 1, and writes no file, when a variant fails or its output does not match the reference. A variant whose
workgroups were not all resident at once is discarded, and the record says so.`;

process.exit(await main(process.argv.slice(2)).catch((error: Error) => fail(error.message)));

async function main(args: string[]): Promise<number> {
  const {values, positionals} = parse(args);
  if (values.help) return print(usage);
  const kernels = readKernels();
  const environment = {kernels, residency: processMemory()};
  const list: Experiment[] = [
    spectrumExperiment(environment),
    workgroupsExperiment(environment),
    geometryExperiment(environment),
    int4Experiment(environment),
    dispatchCostExperiment(kernels)
  ];
  const experiments = new Map(list.map((experiment) => [experiment.id, experiment]));
  const [id = "", ...others] = positionals;
  const experiment = experiments.get(id);
  if (!experiment) return fail(`There is no experiment ${id}.\n\n${usage}`);
  if (others.length > 0) return fail(`One experiment at a time: ${others.join(" ")} is one too many.\n\n${usage}`);
  const shapeId = (values.shape ?? experiment.defaultShape) as ShapeId | null;
  if (shapeId !== null && !experiment.shapes.includes(shapeId)) {
    return fail(`Experiment ${id} has no shape ${shapeId}; it has ${experiment.shapes.join(", ") || "none"}.`);
  }
  const shape = shapeId && shapes[shapeId];
  const known = experiment.variants(shape).map(({identity}) => identity.variant);
  const variants = values.variants?.split(",").map((name) => name.trim());
  const wrong = variants?.find((name) => !known.includes(name));
  if (wrong === "") return fail(`--variants has an empty name; there are ${known.join(", ")}.`);
  if (wrong) return fail(`Experiment ${id} has no variant ${wrong}; it has ${known.join(", ")}.`);
  const {out, browser, screenshot, label} = values;
  if (screenshot && !browser)
    return fail(`--screenshot is a picture of the page, and goes with --browser.\n\n${usage}`);
  if (out !== undefined) checkWritable("--out", out);
  if (screenshot !== undefined) checkWritable("--screenshot", screenshot);

  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort(new Error("interrupted")));
  const common = {
    allowWaits: values["allow-waits"],
    signal: stop.signal,
    onEvent: process.stderr.isTTY ? overwriteLine : printChanges()
  };
  const {state, message, record} = browser
    ? await inBrowser({
        ...common,
        experiment: id,
        shape: shapeId,
        variants: variants ?? known,
        ...(screenshot && {screenshot})
      })
    : await runExperiment({
        ...common,
        experiment,
        shape,
        ...(variants && {variants}),
        openGpu: openDawnGpu,
        measureReadBandwidth: (gpu, signal) => measureReadBandwidth(kernels, gpu, signal),
        runtime: describeRuntime(),
        clock: systemClock,
        visibility: alwaysVisible,
        confirm: async () => true
      });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (!record) return fail(message);
  if (label) record.device.label = label;
  const roofline = record.kind === "run" ? record.roofline : null;
  console.log(`${shapeId ? `${id} at ${shapeId}` : id} on ${record.device.label}: ${message}`);
  console.table(Object.fromEntries(record.rows.map((row) => [row.variant, summary(row)])));
  if (roofline) {
    const gigabytes = (roofline.readBandwidthBytesPerSecond / 1e9).toFixed(1);
    console.log(`Read bandwidth ${gigabytes} GB/s: at most ${roofline.tokensPerSecond.toFixed(1)} tok/s.`);
  }
  for (const row of record.rows) if ("message" in row && row.message) console.log(`${row.variant}: ${row.message}`);
  const failed = record.rows.some(({status}) => status === "failed");
  if (state !== "done" || failed) return out ? fail(`Not everything passed, so ${out} is not written.`) : 1;
  if (out) writeFileSync(out, JSON.stringify(record, null, 2) + "\n");
  return 0;
}

async function inBrowser(options: BrowserRunOptions): Promise<RunOutcome> {
  const {runInBrowser} = await import("./browser-run.js"); // a run in Node does without its packages
  return runInBrowser(options);
}

function parse(args: string[]) {
  return parseArguments(
    {
      args,
      allowPositionals: true,
      options: {
        shape: {type: "string"},
        variants: {type: "string"},
        label: {type: "string"},
        "allow-waits": {type: "boolean", default: false},
        out: {type: "string"},
        browser: {type: "boolean", default: false},
        screenshot: {type: "string"},
        help: {type: "boolean", short: "h"}
      }
    },
    usage
  );
}

/** @throws {Error} when the file cannot be written: a run takes too long to find that out at its end. */
function checkWritable(option: string, path: string): void {
  const existing = statSync(path, {throwIfNoEntry: false});
  try {
    if (path === "" || existing?.isDirectory()) throw new Error("it is not a file's name");
    accessSync(existing ? path : dirname(path), constants.W_OK);
  } catch (error) {
    throw new Error(`${option} ${path} cannot be written: ${(error as Error).message}`, {cause: error});
  }
}

function summary(row: RowProgress) {
  const {status, workgroups, workgroupSize} = row;
  const {median, p10, p90} = row.tokensPerSecond ?? row.microsecondsPerOperation ?? {};
  const digits = (value: number | undefined) => value && Number(value.toPrecision(4));
  const unknown = "factoring" in row && row.factoring === "fused" ? "not counted" : "each stage its own";
  const geometry = {workgroups: workgroups ?? unknown, "workgroup size": workgroupSize};
  if ("operation" in row) return {status, µs: digits(median), p10: digits(p10), p90: digits(p90), ...geometry};
  const {verification, arithmetic, dispatchesPerToken} = row;
  return {
    status,
    "tok/s": digits(median),
    p10: digits(p10),
    p90: digits(p90),
    arithmetic,
    dispatches: dispatchesPerToken,
    ...geometry,
    ...(verification && "maxRelativeError" in verification
      ? {"relative error": verification.maxRelativeError.toExponential(1)}
      : {})
  };
}

function describeRuntime() {
  return {name: `Node ${process.versions.node} with ${describeDawn()}`, os: `${platform()} ${release()} ${arch()}`};
}

/** Dawn does not say its version: npm's package has one, another dawn.node is told by its bytes. */
function describeDawn(): string {
  const {DAWN_NODE} = process.env;
  if (DAWN_NODE && !statSync(DAWN_NODE, {throwIfNoEntry: false})?.isFile()) return "Dawn"; // opening it says why
  if (!DAWN_NODE) return `Dawn (npm webgpu ${project.devDependencies.webgpu})`;
  const sum = createHash("sha256").update(readFileSync(DAWN_NODE)).digest("hex");
  return `Dawn (dawn.node with SHA-256 ${sum.slice(0, 12)}…)`;
}

/** On a terminal: one line that is written over. */
function overwriteLine({label, fraction}: PanelEvent): void {
  process.stderr.write(`\r\x1b[K${Math.round(100 * fraction)} % ${label}`);
}

/** In a log: a line whenever a variant gets on to something else. */
function printChanges(): (event: PanelEvent) => void {
  const last = new Map<string, string>();
  return ({rows, fraction}) => {
    for (const {variant, status} of rows) {
      if (status === "waiting" || last.get(variant) === status) continue;
      last.set(variant, status);
      console.log(`${Math.round(100 * fraction)} % ${variant}: ${status}`);
    }
  };
}

function print(text: string): number {
  console.log(text);
  return 0;
}

function fail(message: string): number {
  console.error(message);
  return 1;
}
