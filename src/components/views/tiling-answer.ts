import type {RunRecord} from "../lab/record.js";
import type {ResultRow} from "../lab/result-row.js";
import {ablated, ladder} from "../lab/tiling.js";
import {shapes, type ShapeId} from "../model/shape.js";
import {nameDevice} from "./answer.js";
import {answerBlock, strongOf, type Strong} from "./answer-block.js";
import {firstLine, formatNumber, formatQuantity, formatRate} from "./format.js";
import {anyRow, recordedRuns, speedOf, yourRun, type LadderRun} from "./ladder.js";
import {ranOn} from "./recorded.js";

/** The finding: how much faster one workgroup gets, and what all of them then give, recorded and the reader's own. */
export function tilingAnswer(rows: readonly ResultRow[], yours: RunRecord | null): HTMLElement {
  const answer = recordedFinding(rows, strongOf("recorded"));
  return answerBlock(yours && yourFinding(yours, strongOf("yours")), {answer});
}

/** The finding of the run on record with most layers, of those that begin at the first rung where there are any. */
export function recordedFinding<T>(rows: readonly ResultRow[], strong: Strong<T>): (string | T)[] {
  const runs = recordedRuns(rows).filter((run) => compare(run, strong));
  const whole = runs.filter((run) => speedOf(run, ladder[0]!.variant) !== null);
  const candidates = whole.length > 0 ? whole : runs;
  const run = candidates.find((run) => anyRow(run).layers === anyRow(candidates.at(-1)!).layers);
  if (!run)
    return ["Nobody has recorded it yet: no run of this ladder is on file. Run it below to see it on your GPU."];
  return [`On the ${ranOn(anyRow(run))} `, ...compare(run, strong)!, shapeRemark(run)];
}

/** The reader's own finding, or what their run lacks for one. */
export function yourFinding<T>(record: RunRecord, strong: Strong<T>): (string | T)[] {
  const run = yourRun(record);
  const name = nameDevice(record.device);
  const finding = compare(run, strong);
  if (finding) return [`On your device, ${name}, `, ...finding, shapeRemark(run)];
  const lost = record.rows.find(
    (row) => row.status !== "measured" && ladder.some(({variant}) => variant === row.variant)
  );
  const why = lost && "message" in lost ? ` (${lost.label}: ${firstLine(lost.message).replace(/\.$/, "")})` : "";
  return [`Your run of “${record.shape.label}” on ${name} has no two rungs of one workgroup to compare${why}.`];
}

/** "one workgroup decodes 0.4 tok/s in the recorded style and 9 tok/s at its best, 22 times as many; …" */
function compare<T>(run: LadderRun, strong: Strong<T>): (string | T)[] | null {
  const rungs = ladder.filter(({workgroups = 1}) => workgroups === 1);
  const ofOne = [...rungs, ablated];
  const measured = ofOne.filter(({variant}) => speedOf(run, variant) !== null);
  if (measured.length < 2) return null;
  const [first] = measured;
  const speed = (variant: string) => speedOf(run, variant)!;
  const best = measured.reduce((a, b) => (speed(b.variant) > speed(a.variant) ? b : a));
  const from = first!.variant === ladder[0]!.variant ? "in the recorded style" : `on the rung “${first!.label}”`;
  const to = best === rungs.at(-1) || best === ablated ? "at its best" : `at its best, on the rung “${best.label}”`;
  const gain = speed(best.variant) / speed(first!.variant);
  const all = run.rows.get("resident");
  const rest =
    all && all.tokensPerSecond !== null
      ? [
          `. All ${formatQuantity(all.workgroups!, "workgroup")} that are resident have `,
          strong(formatRate(all.tokensPerSecond)),
          `, ${formatNumber(all.tokensPerSecond / speed(best.variant))} times as many${best === first ? "" : " again"}.`
        ]
      : ["."];
  if (best === first) {
    return [
      "one workgroup decodes ",
      strong(formatRate(speed(best.variant))),
      ` ${from}, and no later rung measured is faster`,
      ...rest
    ];
  }
  return [
    "one workgroup decodes ",
    strong(formatRate(speed(first!.variant))),
    ` ${from} and `,
    strong(formatRate(speed(best.variant))),
    ` ${to}, `,
    strong(`${formatNumber(gain)} times`),
    " as many",
    ...rest
  ];
}

function shapeRemark(run: LadderRun): string {
  const {shapeId} = anyRow(run);
  return shapeId === "phi3-mini" || !shapeId ? "" : ` That is at the shape “${shapes[shapeId as ShapeId].label}”.`;
}
