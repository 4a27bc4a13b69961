import {group} from "d3";
import type {RunRecord} from "../lab/record.js";
import {runRows, weightFormatExperiment, type ResultRow} from "../lab/result-row.js";
import {shapes, weightBytesPerToken, weightFormats, type ShapeId, type WeightFormat} from "../model/shape.js";
import {nameDevice} from "./answer.js";
import {answerBlock, strongOf, type Strong} from "./answer-block.js";
import {firstLine, formatCount, formatNumber, formatQuantity, formatRate} from "./format.js";
import {ranOn, shapeLabel} from "./recorded.js";

/** Rows of one run and one factoring, a token a dispatch, that differ in the weight format. */
type FormatRows = Partial<Record<WeightFormat, ResultRow>>;

/** What one run has of each factoring. */
interface FormatRun {
  fused: FormatRows;
  staged: FormatRows;
  /** Of one workgroup in several dispatches, none awaited. */
  chunked: FormatRows;
  /** The device holds no expanded weights of all layers for one dispatch. */
  fusedAreTooLarge: boolean;
}

/** The finding: which format is fastest with one core and with all, recorded and the reader's own. */
export function weightFormatAnswer(rows: readonly ResultRow[], yours: RunRecord | null): HTMLElement {
  return answerBlock(yours && yourFinding(yours, strongOf("yours")), recordedFinding(rows, strongOf("recorded")));
}

/** Rows of the experiment on a GPU, by the run that they are of, newest first. */
function formatRuns(rows: readonly ResultRow[]): FormatRun[] {
  const ours = rows.filter(({experiment, software}) => experiment === weightFormatExperiment && !software);
  const files = group(ours, ({sourceFile}) => sourceFile);
  return [...files.values()].map(formatRun);
}

/** The finding of the runs on record of one device that compare two formats at the most layers, and its figures. */
export function recordedFinding<T>(
  rows: readonly ResultRow[],
  strong: Strong<T>
): {answer: (string | T)[]; figures: (string | T)[]} {
  const runs = formatRuns(rows);
  const one = largest(runs, "fused");
  const from = one && firstOf(one.fused);
  const all = from && largest(runs, "staged", from);
  if (!all) {
    const answer =
      "There is no record of this experiment yet, so the bytes have to answer: where a design waits for memory, " +
      "unpacking on the fly must win, because it reads the fewest. One workgroup uses a small part of the bandwidth, " +
      "and may do better with weights that need no unpacking. The panel below measures both.";
    return {answer: [answer], figures: []};
  }
  const row = firstOf(all.staged);
  const compared = {fused: one.fused, staged: all.staged};
  const answer = verdict(compared.staged, compared.fused, strong);
  const speeds = describeBoth(compared, strong);
  if (row.layers === from.layers)
    return {answer, figures: [...speeds, ` That is on the ${ranOn(row)}, with ${shapeLabel(row)}.`]};
  const {int4} = all.fused;
  const rest = int4
    ? [` With ${formatQuantity(row.layers!, "layer")} it has `, strong(formatRate(int4.tokensPerSecond!)), " from int4"]
    : [];
  const why = int4 && all.fusedAreTooLarge ? tooLarge(all.chunked, strong) : [];
  return {answer, figures: [...speeds, ...rest, ...why, `${int4 ? "." : ""} That is on the ${ranOn(row)}.`]};
}

/** What one workgroup has from floats that are too large for one dispatch. */
function tooLarge<T>(chunked: FormatRows, strong: Strong<T>): (string | T)[] {
  const floats = formatsOf(chunked).filter((format) => format !== "int4");
  const reason = "; as floats, their weights are more than one dispatch can bind";
  if (floats.length === 0) return [reason];
  const speeds = floats.flatMap((format, i) => [
    i > 0 ? " and " : "",
    strong(formatRate(chunked[format]!.tokensPerSecond!)),
    ` from ${format}`
  ]);
  return [`${reason}, and in ${formatCount(chunked[floats[0]!]!.dispatchesPerToken!)} dispatches it has `, ...speeds];
}

/**
 * The run that compares two formats of a factoring at the largest shape: rather in Node than in a browser, or of `like`'s
 * device, and rather of its runtime.
 */
function largest(runs: readonly FormatRun[], factoring: "fused" | "staged", like?: ResultRow): FormatRun | undefined {
  const row = (run: FormatRun) => firstOf(run[factoring]);
  const alike = (run: FormatRun) => Number(ranOn(row(run)) === (like ? ranOn(like) : row(run).device));
  return runs
    .filter((run) => formatsOf(run[factoring]).length > 1 && (!like || row(run).device === like.device))
    .sort((a, b) => size(row(b)) - size(row(a)) || alike(b) - alike(a))[0];
}

/** Weight bytes of a token, in int4: 24 narrow layers are fewer than 8 wide ones. */
function size({shapeId}: ResultRow): number {
  return weightBytesPerToken(shapes[shapeId as ShapeId]);
}

function firstOf(rows: FormatRows): ResultRow {
  return Object.values(rows)[0]!;
}

/** The reader's own finding, or what their run lacks for one. */
export function yourFinding<T>(record: RunRecord, strong: Strong<T>): (string | T)[] {
  const {device, shape} = record;
  const name = nameDevice(device);
  const run = formatRun(runRows(record, null));
  const where = `Your run of “${shape.label}” on ${name}`;
  const lost = record.rows.filter((row) => row.status !== "measured");
  const labels = lost.map(({label}) => `“${label}”`).join(", ");
  const [first] = lost;
  const remark = first
    ? ` There is no figure for ${labels} (${first.status}: ${firstLine(first.message).replace(/\.$/, "")}).`
    : "";
  if (formatsOf(run.fused).length < 2 && formatsOf(run.staged).length < 2) {
    return [`${where} does not compare two formats.${remark}`];
  }
  return [`${where}. `, ...verdict(run.staged, run.fused, strong), ...describeBoth(run, strong), remark];
}

function formatRun(rows: readonly ResultRow[]): FormatRun {
  const of = (factoring: string): FormatRows =>
    Object.fromEntries(
      rows
        .filter((row) => row.factoring === factoring && row.tokensPerSecond !== null)
        .filter((row) => row.dispatchesPerToken! >= 1 && !row.awaited)
        .map((row) => [row.weightFormat ?? "int4", row])
    );
  const lost = rows.filter(({factoring, tokensPerSecond}) => factoring === "fused" && tokensPerSecond === null);
  const fusedAreTooLarge = lost.length > 0 && lost.every(({note}) => note?.startsWith("unsupported"));
  return {fused: of("fused"), staged: of("staged"), chunked: of("chunked"), fusedAreTooLarge};
}

function formatsOf(rows: FormatRows): WeightFormat[] {
  return weightFormats.filter((format) => rows[format]);
}

/** " 228 dispatches on all cores decode 409 tok/s from int4 and 304 tok/s from float16. One workgroup, …" */
function describeBoth<T>({fused, staged}: Pick<FormatRun, "fused" | "staged">, strong: Strong<T>): (string | T)[] {
  const layers = (rows: FormatRows) => formatQuantity(firstOf(rows).layers!, "layer");
  const [all, one] = [fastest(staged), fastest(fused)];
  const differ = all !== null && one !== null && layers(fused) !== layers(staged);
  const subject = (rows: FormatRows, what: string) =>
    differ ? `With ${layers(rows)} ${what[0]!.toLowerCase()}${what.slice(1)}` : what;
  return [
    ...(all === null ? [] : describe(subject(staged, `${dispatches(staged)} on all cores decode`), staged, strong)),
    ...(one === null ? [] : describe(subject(fused, "One workgroup, on one core, decodes"), fused, strong))
  ];
}

/**
 * "In float32 arithmetic, with all cores it is faster on the fly: int4 is 2 times as fast as float16. With one core it is
 * faster beforehand: …", and with how many layers, where these are not the same for both.
 */
function verdict<T>(staged: FormatRows, fused: FormatRows, strong: Strong<T>): (string | T)[] {
  const [all, one] = [fastest(staged), fastest(fused)];
  const differ = all !== null && one !== null && firstOf(staged).layers !== firstOf(fused).layers;
  const layers = (rows: FormatRows) => (differ ? ` and ${formatQuantity(firstOf(rows).layers!, "layer")}` : "");
  const arithmetic = (rows: FormatRows) => `In ${firstOf(rows).arithmetic!} arithmetic, with`;
  const where = (best: WeightFormat) => (best === "int4" ? "on the fly" : `beforehand, to ${best}`);
  const sentence = (cores: string, rows: FormatRows, best: WeightFormat, also: string) => {
    const claim = isAhead(rows, best) ? `it is ${also}faster ${where(best)}` : "two formats are level";
    return [`${cores}${layers(rows)} ${claim}: `, ...ratio(rows, best, strong), "."];
  };
  return [
    ...(all === null ? [] : sentence(`${arithmetic(staged)} all cores`, staged, all, "")),
    ...(all !== null && one !== null ? [" "] : []),
    ...(one === null
      ? []
      : sentence(
          all === null ? `${arithmetic(fused)} one core` : "With one core",
          fused,
          one,
          one === all && isAhead(staged, one) ? "also " : ""
        ))
  ];
}

/** "int4 is 1.35 times as fast as float16" */
function ratio<T>(rows: FormatRows, best: WeightFormat, strong: Strong<T>): (string | T)[] {
  const {rival, times} = rivalOf(rows, best);
  return isAhead(rows, best)
    ? [`${best} is `, strong(`${formatNumber(times)} times`), ` as fast as ${rival}`]
    : [`${best} and ${rival} are within `, strong("2\u00a0%"), " of each other"];
}

/** What a format is compared with: int4, or for int4 the faster of the others. */
function rivalOf(rows: FormatRows, best: WeightFormat): {rival: WeightFormat; times: number} {
  const speed = (format: WeightFormat) => rows[format]!.tokensPerSecond!;
  const others = formatsOf(rows).filter((format) => format !== best);
  const rival = others.includes("int4") ? "int4" : others.reduce((a, b) => (speed(b) > speed(a) ? b : a));
  return {rival, times: speed(best) / speed(rival)};
}

function isAhead(rows: FormatRows, best: WeightFormat): boolean {
  return rivalOf(rows, best).times > 1.02;
}

/** " One workgroup decodes 33 tok/s from int4 and 41 tok/s from float16." */
function describe<T>(what: string, rows: FormatRows, strong: Strong<T>): (string | T)[] {
  const formats = formatsOf(rows);
  const list = formats.flatMap((format, i) => [
    i === 0 ? " " : i === formats.length - 1 ? " and " : ", ",
    strong(formatRate(rows[format]!.tokensPerSecond!)),
    ` from ${format}`
  ]);
  return [` ${what}`, ...list, "."];
}

/** The fastest format where there are two to compare; int4 where it is within 2 % of it, because it takes least memory. */
function fastest(rows: FormatRows): WeightFormat | null {
  const formats = formatsOf(rows);
  if (formats.length < 2) return null;
  const speed = (format: WeightFormat) => rows[format]!.tokensPerSecond!;
  const best = formats.reduce((a, b) => (speed(b) > speed(a) ? b : a));
  return rows.int4 && speed("int4") * 1.02 >= speed(best) ? "int4" : best;
}

function dispatches(rows: FormatRows): string {
  return `${formatCount(firstOf(rows).dispatchesPerToken!)} dispatches`;
}
