import {
  activationPlaces,
  arithmetics,
  divideLayers,
  factorings,
  type Arithmetic,
  type Factoring
} from "../decode/plan.js";
import {shapes as presets, weightFormats, type Shape, type ShapeId, type WeightFormat} from "../model/shape.js";
import {decodeExperiment} from "./decode-experiment.js";
import type {DecodeEnvironment, DecodeVariant} from "./decode-variant.js";
import type {Experiment} from "./experiment.js";
import {protocol} from "./protocol.js";
import {sweepExperimentId} from "./result-row.js";

/** One thing to choose: its values in order, what a reader calls each, and those that are chosen at first. */
interface Axis<Value extends string> {
  label: string;
  values: readonly Value[];
  initial: readonly Value[];
  name(value: Value): string;
}

/**
 * What a sweep is chosen by; everything else follows from this table: the boxes of the panel, the link, the options of
 * the recorder and the queue. Another axis is an entry here and a field in `rowOf`, and where it makes no sense for a
 * factoring, a line in `launchesOf`.
 */
export const axes = {
  shapes: axis({
    label: "Shapes",
    values: Object.keys(presets) as ShapeId[],
    initial: ["phi3-mini-1-layer"],
    name: (id) => presets[id].label
  }),
  factorings: axis({label: "Factorings", values: factorings, initial: factorings, name: (value) => capitalise(value)}),
  arithmetic: axis({label: "Arithmetic", values: arithmetics, initial: arithmetics, name: (value) => value}),
  weights: axis({label: "Weights", values: weightFormats, initial: ["int4"], name: (value) => value}),
  features: axis({
    label: "Features",
    values: ["subgroups", "portable"],
    initial: ["subgroups"],
    name: (value) => (value === "subgroups" ? "with subgroups" : "without subgroups")
  }),
  workgroups: axis({
    label: "Workgroups of the one dispatch",
    values: ["1", "2", "4", "8", "16", "32", "64", "128", "resident"],
    initial: ["1", "resident"],
    name: (value) => (value === "resident" ? "all resident" : value)
  }),
  sizes: axis({
    label: "Invocations of its workgroups",
    values: ["default", "64", "128", "256", "512", "1024"],
    initial: ["default"],
    name: (value) => (value === "default" ? "the kernel’s own" : value)
  }),
  tokens: axis({
    label: "Tokens of the one dispatch",
    values: ["1", "4", "16", "64"],
    initial: ["1"],
    name: (value) => value
  }),
  activations: axis({
    label: "Activations of workgroups that wait",
    values: activationPlaces,
    initial: ["workgroup memory"],
    name: (value) => `in ${value}`
  }),
  dispatches: axis({
    label: "Dispatches of the chunked factoring",
    values: ["2", "4", "8", "16", "32"],
    initial: ["2", "4", "8"],
    name: (value) => value
  })
};

export type AxisName = keyof typeof axes;

/** The values chosen on each axis. */
export type SweepChoice = {[Name in AxisName]: readonly (typeof axes)[Name]["values"][number][]};

/** What is run together: the rows of one shape, which share its weights and its reference and are timed in turn. */
export interface SweepStep {
  shape: ShapeId;
  rows: DecodeVariant[];
}

export const axisNames = Object.keys(axes) as AxisName[];

/** A row of the queue: "tiny/fused-1-int16-subgroups-512". */
export function queueId(shape: string, variant: string): string {
  return `${shape}/${variant}`;
}

/**
 * The queue: every combination of what is chosen, once, smaller shapes first. Workgroups, their size and the tokens of a
 * dispatch belong to the fused factoring, and dispatches to the chunked one, where the layers make as many groups; each of the others has one
 * row for each arithmetic, each weight format and each set of features. Weights in floats are multiplied in float32
 * only, and not by workgroups that wait; only those, with subgroups, have activations in registers.
 * @param without ids of rows that are struck from the queue
 */
export function planSweep(choice: SweepChoice, without: readonly string[] = []): SweepStep[] {
  const {shapes, factorings, arithmetic, weights, features, ...rest} = inOrder(choice);
  const rowsAt = (shape: Shape) =>
    factorings.flatMap((factoring) =>
      launchesOf(factoring, shape, rest).flatMap((launch) =>
        arithmetic.flatMap((arithmetic) =>
          weights
            .filter((format) => multiplies(format, arithmetic, launch))
            .flatMap((format) =>
              features
                .filter((features) => features === "subgroups" || launch.activationsIn !== "registers")
                .map((features) => rowOf(factoring, launch, {arithmetic, format, features}))
            )
        )
      )
    );
  const steps = shapes.map((shape) => ({
    shape,
    rows: rowsAt(presets[shape]).filter(({variant}) => !without.includes(queueId(shape, variant)))
  }));
  return steps.filter(({rows}) => rows.length > 0);
}

/** Why the queue of a choice has no rows, before any is struck, in sentences; null where it has some. */
export function whyEmpty(choice: SweepChoice): string | null {
  if (planSweep(choice).length > 0) return null;
  const {shapes, factorings, arithmetic, weights, features, workgroups, dispatches} = choice;
  const {sizes, tokens, activations} = choice;
  const isFused = factorings.includes("fused");
  const allWait = isFused && workgroups.length > 0 && !workgroups.includes("1");
  const needed = axisNames.filter((name) => {
    if (name === "workgroups" || name === "sizes" || name === "tokens") return isFused;
    if (name === "activations") return allWait;
    return name === "dispatches" ? factorings.includes("chunked") : true;
  });
  const without = needed.filter((name) => choice[name].length === 0);
  if (
    without.length > 0 &&
    without.some((name) => !["workgroups", "sizes", "tokens", "activations", "dispatches"].includes(name))
  )
    return `Choose something of: ${without.map((name) => axes[name].label).join(", ")}.`;
  const expanded = !weights.includes("int4");
  const divisible = shapes.some((shape) =>
    dispatches.some((count) => divideLayers(presets[shape], Number(count)) !== null)
  );
  const or = new Intl.ListFormat("en-GB", {type: "disjunction"});
  const reasons = [
    ...without.map((name) => `Nothing is chosen of: ${axes[name].label}.`),
    factorings.includes("chunked") &&
      dispatches.length > 0 &&
      !divisible &&
      `The layers of ${or.format(shapes.map((shape) => `“${presets[shape].label}”`))} do not make ${or.format(dispatches)} groups of equal size.`,
    expanded && !arithmetic.includes("float32") && "Weights in floats are multiplied in float32 only.",
    expanded &&
      allWait &&
      "Weights in floats are multiplied only by workgroups that do not wait for each other: choose 1.",
    allWait &&
      sizes.length > 0 &&
      tokens.length > 0 &&
      !activations.includes("workgroup memory") &&
      !features.includes("subgroups") &&
      "Activations are in registers only with subgroups."
  ];
  return reasons.filter((reason) => reason !== false).join(" ");
}

/** The ids of a queue, in order. */
export function queueIds(steps: readonly SweepStep[]): string[] {
  return steps.flatMap(({shape, rows}) => rows.map(({variant}) => queueId(shape, variant)));
}

/** Milliseconds that warming up and sampling take at least; making weights and verifying come on top. */
export function leastMilliseconds(steps: readonly SweepStep[]): number {
  const {warmUpMilliseconds, samples, sampleMilliseconds} = protocol;
  return queueIds(steps).length * (warmUpMilliseconds + samples * sampleMilliseconds);
}

/** The rows of one shape as an experiment. */
export function sweepExperiment(environment: DecodeEnvironment, {shape, rows}: SweepStep): Experiment {
  return decodeExperiment(environment, {
    id: sweepExperimentId,
    question: "What is the fastest way to launch it on your device?",
    shapes: [shape],
    defaultShape: shape,
    page: "/bench",
    rows: () => rows
  });
}

/** How a factoring launches its stages, where there is a choice. */
type Launch = Pick<DecodeVariant, "workgroups" | "kernel" | "tokensPerDispatch" | "activationsIn" | "dispatches">;

function launchesOf(
  factoring: Factoring,
  shape: Shape,
  {
    workgroups,
    sizes,
    tokens,
    activations,
    dispatches
  }: Pick<SweepChoice, "workgroups" | "sizes" | "tokens" | "activations" | "dispatches">
): Launch[] {
  if (factoring === "chunked") {
    const counts = dispatches.map(Number);
    return counts.filter((count) => divideLayers(shape, count) !== null).map((dispatches) => ({dispatches}));
  }
  if (factoring !== "fused") return [{}];
  return workgroups.flatMap((count) =>
    sizes.flatMap((size) =>
      (count === "1" ? activationPlaces.slice(0, 1) : activations).flatMap((activationsIn) =>
        tokens.map((tokens): Launch => ({
          workgroups: count === "resident" ? count : Number(count),
          ...(size !== "default" && {kernel: {workgroupSize: Number(size)}}),
          ...(activationsIn === "registers" && {activationsIn}),
          ...(tokens !== "1" && {tokensPerDispatch: Number(tokens)})
        }))
      )
    )
  );
}

/** Whether there are kernels for weights of a format. */
function multiplies(format: WeightFormat, arithmetic: Arithmetic, {workgroups}: Launch): boolean {
  return format === "int4" || (arithmetic === "float32" && (workgroups ?? 1) === 1);
}

interface Numbers {
  arithmetic: Arithmetic;
  format: WeightFormat;
  features: SweepChoice["features"][number];
}

function rowOf(
  factoring: Factoring,
  {workgroups, kernel, tokensPerDispatch, activationsIn, dispatches}: Launch,
  {arithmetic, format, features}: Numbers
): DecodeVariant {
  const weightFormat = format === "int4" ? undefined : format;
  const size = kernel?.workgroupSize;
  const count =
    workgroups === "resident" ? "all resident" : `${workgroups} ${workgroups === 1 ? "workgroup" : "workgroups"}`;
  const label = [
    `${capitalise(factoring)}${workgroups ? `, ${count}` : ""}${size ? ` of ${size}` : ""}` +
      (dispatches ? `, ${dispatches} dispatches` : "") +
      (tokensPerDispatch ? `, ${tokensPerDispatch} tokens a dispatch` : ""),
    arithmetic,
    ...(weightFormat ? [`weights in ${weightFormat}`] : []),
    ...(activationsIn ? [`activations in ${activationsIn}`] : []),
    ...(features === "portable" ? ["no subgroups"] : [])
  ];
  return {
    variant: [
      factoring,
      workgroups ?? dispatches,
      arithmetic,
      weightFormat && `${weightFormat}-weights`,
      features,
      size,
      activationsIn,
      tokensPerDispatch && `${tokensPerDispatch}-tokens`
    ]
      .filter((part) => part !== undefined)
      .join("-"),
    label: label.join(", "),
    factoring,
    arithmetic,
    ...(weightFormat && {weightFormat}),
    features: features === "subgroups" ? ["subgroups"] : [],
    ...(workgroups && {workgroups}),
    ...(kernel && {kernel}),
    ...(tokensPerDispatch && {tokensPerDispatch}),
    ...(activationsIn && {activationsIn}),
    ...(dispatches && {dispatches})
  };
}

/** Each value once, in the order of its axis. */
function inOrder(choice: SweepChoice): SweepChoice {
  const chosen = axisNames.map((name) => {
    const values: readonly string[] = choice[name];
    return [name, axes[name].values.filter((value) => values.includes(value))];
  });
  return Object.fromEntries(chosen) as SweepChoice;
}

function axis<Value extends string>(axis: Axis<Value>): Axis<Value> {
  return axis;
}

function capitalise(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1);
}
