import {createHash} from "node:crypto";
import {accessSync, constants, readFileSync, statSync, writeFileSync} from "node:fs";
import {arch, platform, release} from "node:os";
import {dirname} from "node:path";
import {processMemory} from "../components/decode/residency.js";
import type {Gpu} from "../components/gpu/device.js";
import type {Kernels} from "../components/gpu/kernels.js";
import {alwaysVisible, systemClock} from "../components/lab/clock.js";
import type {DecodeEnvironment} from "../components/lab/decode-variant.js";
import {listExperiments} from "../components/lab/experiments.js";
import {measureReadBandwidth} from "../components/lab/read-bandwidth.js";
import {sweepExperimentId} from "../components/lab/result-row.js";
import {runExperiment, type AnyRecord, type RowProgress, type RunOutcome} from "../components/lab/run-experiment.js";
import {runSweep} from "../components/lab/run-sweep.js";
import {bytesPerSecond} from "../components/lab/statistics.js";
import {readSweep} from "../components/lab/sweep-settings.js";
import {axes, axisNames, planSweep, queueIds, sweepExperiment, type AxisName} from "../components/lab/sweep.js";
import {shapes, type ShapeId} from "../components/model/shape.js";
import {readKernels} from "../data/read-kernels.js";
import project from "../../package.json" with {type: "json"};
import type {BrowserRunOptions, PanelEvent} from "./browser-run.js";
import {fail, parseArguments, print} from "./command.js";
import {openDawnGpu} from "./dawn.js";

/** A line for each list of a sweep: its values, and those by default. */
const sweepUsage = [
  ...axisNames.map((name) => {
    const {values, initial}: {values: readonly string[]; initial: readonly string[]} = axes[name];
    return `  --${name}`.padEnd(16) + `${values.join(", ")}; ${initial.join(",")} by default`;
  }),
  "  --without     ids of rows to strike, as the queue prints them: tiny/staged-int16-subgroups"
].join("\n");

const usage = `Runs an experiment on this machine's GPU and writes its record.

usage: npm run record -- EXPERIMENT [--shape SHAPE] [--variants a,b] [--label NAME] [--allow-waits] [--out FILE]
                                   [--browser [--screenshot FILE]]
       npm run record -- bench [--shapes a,b] [--factorings a,b] … [--label NAME] [--allow-waits] [--out FILE]

  EXPERIMENT   spectrum, chunks, tiling, int4, toy, workgroups, geometry, stages, dispatch-cost, limits; bench, the sweep
  --shape      ${Object.keys(shapes).join(", ")}; the experiment's own by default, none for dispatch-cost and limits
  --variants   ids, all of the experiment's by default
  --label      the device's name in the record, where the driver does not say it well
  --allow-waits
               also runs variants whose workgroups wait for each other, which WebGPU does not promise to work: the
               GPU may stall and be reset, and some machines had to be rebooted
  --out        the file to write; without it only the table is printed
  --browser    runs it in a browser, in the panel of the site that npm run build wrote, and not in Node on Dawn;
               CHROMIUM names another browser, CHROMIUM_FLAGS the flags with which it finds the GPU
  --screenshot with --browser: the file for a picture of the page at the end

bench runs every combination of what these lists name, shape after shape, and writes one record of them all:
${sweepUsage}

It exits with 1, and writes no file, when a variant fails or its output does not match the reference. A variant whose
workgroups were not all resident at once is discarded, and the record says so. A sweep that is interrupted exits with 1
too, and writes the shapes that had ended.`;

process.exit(await main(process.argv.slice(2)).catch((error: Error) => fail(error.message)));

async function main(args: string[]): Promise<number> {
  const {values, positionals} = parse(args);
  if (values.help) return print(usage);
  const kernels = readKernels();
  const environment = {kernels, residency: processMemory()};
  const list = listExperiments(environment);
  const experiments = new Map(list.map((experiment) => [experiment.id, experiment]));
  const [id = "", ...others] = positionals;
  const experiment = experiments.get(id);
  if (id === sweepExperimentId && others.length === 0) return recordSweep(values, environment);
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
  const ofSweeps = [...axisNames, "without" as const].find((name) => values[name] !== undefined);
  if (ofSweeps) return fail(`--${ofSweeps} goes with bench; ${id} takes --shape and --variants.\n\n${usage}`);
  const {out, browser, screenshot, label} = values;
  if (screenshot && !browser)
    return fail(`--screenshot is a picture of the page, and goes with --browser.\n\n${usage}`);
  if (out !== undefined) checkWritable("--out", out);
  if (screenshot !== undefined) checkWritable("--screenshot", screenshot);

  const common = {
    allowWaits: values["allow-waits"],
    signal: interruption(),
    onEvent: process.stderr.isTTY ? overwriteLine : printChanges()
  };
  const {state, message, record} = browser
    ? await inBrowser({
        ...common,
        experiment,
        shape: shapeId,
        variants: variants ?? known,
        ...(screenshot && {screenshot})
      })
    : await runExperiment({
        ...common,
        ...onThisMachine(kernels),
        experiment,
        shape,
        ...(variants && {variants})
      });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (!record) return fail(message);
  if (label) record.device.label = label;
  console.log(`${shapeId ? `${id} at ${shapeId}` : id} on ${record.device.label}: ${message}`);
  printRun(record);
  const failed = record.rows.some(({status}) => status === "failed");
  if (state !== "done" || failed) return out ? fail(`Not everything passed, so ${out} is not written.`) : 1;
  if (out) writeFileSync(out, JSON.stringify(record, null, 2) + "\n");
  return 0;
}

/** The sweep: its options name what to compare, and not variants. */
async function recordSweep(values: ReturnType<typeof parse>["values"], environment: DecodeEnvironment) {
  const {out, label} = values;
  const wrong = (["shape", "variants", "screenshot", "browser"] as const).find((name) => values[name]);
  if (wrong) return fail(`bench does not take --${wrong}: it runs in Node, over --shapes and the others.\n\n${usage}`);
  const {settings, notes} = readSweep((name) => values[name as AxisName | "without"]);
  if (notes.length > 0) return fail(notes.join("\n"));
  const steps = planSweep(settings.choice, settings.without);
  if (steps.length === 0) return fail("The queue is empty: each list names at least one value, and a row is left.");
  if (out !== undefined) checkWritable("--out", out);
  console.log(`The queue:\n  ${queueIds(steps).join("\n  ")}`);
  const {state, message, record} = await runSweep({
    ...onThisMachine(environment.kernels),
    steps,
    experiment: (step) => sweepExperiment(environment, step),
    allowWaits: values["allow-waits"],
    signal: interruption(),
    onEvent: process.stderr.isTTY ? overwriteLine : printChanges()
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  if (!record) return fail(message);
  for (const run of record.runs) {
    if (label) run.device.label = label;
    console.log(`bench at ${run.shape.id} on ${run.device.label}`);
    printRun(run);
  }
  const failed = record.runs.some(({rows}) => rows.some(({status}) => status === "failed"));
  if (failed || (state !== "done" && state !== "cancelled"))
    return fail(`${message}${out ? ` Not everything passed, so ${out} is not written.` : ""}`);
  if (out) writeFileSync(out, JSON.stringify(record, null, 2) + "\n");
  if (state === "cancelled") return fail(message);
  console.log(message);
  return 0;
}

/** What a run in Node is given. */
function onThisMachine(kernels: Kernels) {
  return {
    openGpu: openDawnGpu,
    measureReadBandwidth: (gpu: Gpu, signal: AbortSignal) => measureReadBandwidth(kernels, gpu, signal),
    runtime: describeRuntime(),
    clock: systemClock,
    visibility: alwaysVisible,
    confirm: async () => true
  };
}

/** Aborted when this process is told to end. */
function interruption(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop.abort(new Error("interrupted")));
  return stop.signal;
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
        shapes: {type: "string"},
        factorings: {type: "string"},
        arithmetic: {type: "string"},
        weights: {type: "string"},
        features: {type: "string"},
        workgroups: {type: "string"},
        sizes: {type: "string"},
        tokens: {type: "string"},
        activations: {type: "string"},
        dispatches: {type: "string"},
        without: {type: "string"},
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

function printRun(record: AnyRecord) {
  console.table(Object.fromEntries(record.rows.map((row) => [row.variant, summary(row)])));
  const roofline = record.kind === "cost" ? null : record.roofline;
  if (roofline) {
    const gigabytes = (roofline.readBandwidthBytesPerSecond / 1e9).toFixed(1);
    console.log(`Read bandwidth ${gigabytes} GB/s: at most ${roofline.tokensPerSecond.toFixed(1)} tok/s.`);
  }
  if (record.kind === "profile") console.table(record.totals);
  for (const row of record.rows) if ("message" in row && row.message) console.log(`${row.variant}: ${row.message}`);
}

function summary(row: RowProgress) {
  const {status, workgroups, workgroupSize} = row;
  const {median, p10, p90} = row.tokensPerSecond ?? row.microsecondsPerOperation ?? row.millisecondsPerToken ?? {};
  const digits = (value: number | undefined) => value && Number(value.toPrecision(4));
  const unknown =
    "operation" in row || ("factoring" in row && row.factoring === "fused") ? "not counted" : "each stage its own";
  const geometry = {workgroups: workgroups ?? unknown, "workgroup size": workgroupSize};
  if ("part" in row) {
    return {status, "ms a token": digits(median), p10: digits(p10), p90: digits(p90), by: row.by, ...geometry};
  }
  if ("operation" in row) {
    const {bytesPerOperation: bytes, microsecondsPerOperation: time} = row;
    const rate = bytes && time ? {"GB/s": digits(bytesPerSecond(bytes, time).median / 1e9)} : {};
    return {status, µs: digits(median), p10: digits(p10), p90: digits(p90), ...rate, ...geometry};
  }
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
