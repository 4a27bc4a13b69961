import {least} from "d3";
import {arithmetics, type Arithmetic} from "../decode/plan.js";
import {stages} from "../decode/stages.js";
import type {ProfileRecord} from "../lab/profile-record.js";
import {profileRows, type ProfileResultRow} from "../lab/profile-row.js";
import {shapes, type ShapeId} from "../model/shape.js";
import {ranOn, shortDevice} from "./recorded.js";

/** The stages of one token as one run has them in one arithmetic, and the same token as a whole. Times in milliseconds. */
export interface ProfileSeries {
  /** Where it ran: "NVIDIA H200 in Chromium 156". */
  name: string;
  meaning: "recorded" | "yours";
  /** Null where the source does not say. */
  arithmetic: Arithmetic | null;
  shapeId: string;
  /** What the shape is called where it is not the whole model, or null. */
  part: string | null;
  software: boolean;
  /** The stages that have a time, in the model's order. */
  rows: TimedRow[];
  /** All stages together; null where one has no time. */
  sum: number | null;
  /** All dispatches in one pass, by timestamps; null where nobody measured that. */
  token: ProfileResultRow | null;
  /** By the wall clock. */
  wall: number | null;
}

export type TimedRow = ProfileResultRow & {milliseconds: number};

/**
 * Each run of the rows in each arithmetic, in the rows' order.
 * @param reportedWall what a report says of the wall-clock time of a token on a device, in milliseconds
 */
export function profileSeries(
  rows: readonly ProfileResultRow[],
  reportedWall: (device: string) => number | null = () => null
): ProfileSeries[] {
  const runs = [...new Set(rows.map((row) => `${row.sourceFile} ${row.engine}`))];
  return runs.flatMap((run) =>
    [...arithmetics, null].flatMap((arithmetic) => {
      const own = rows.filter((row) => `${row.sourceFile} ${row.engine}` === run && row.arithmetic === arithmetic);
      const timed = stages.flatMap((stage) => own.filter((row) => row.part === stage && isTimed(row))) as TimedRow[];
      if (timed.length === 0) return [];
      const {sourceFile, kind, device, shapeId, software} = own[0]!;
      const whole = (instrumented: boolean) =>
        own.find((row) => row.part === "token" && row.instrumented === instrumented && isTimed(row)) ?? null;
      const reported = kind === "recorded";
      const all = stages.every((stage) => timed.some(({part}) => part === stage));
      return [
        {
          name: shortDevice(ranOn(own[0]!)),
          meaning: sourceFile === null ? "yours" : "recorded",
          ...{arithmetic, shapeId, software},
          part: shapeId === "phi3-mini" ? null : (shapes[shapeId as ShapeId]?.label ?? shapeId),
          rows: timed,
          sum: all ? timed.reduce((sum, {milliseconds}) => sum + milliseconds, 0) : null,
          token: reported ? null : whole(true),
          wall: reported ? reportedWall(device) : (whole(false)?.milliseconds ?? null)
        } satisfies ProfileSeries
      ];
    })
  );
}

/** The series with the shortest sum of all stages; of those without a sum, where no other is there, the first. */
export function fastestSeries(series: readonly ProfileSeries[]): ProfileSeries | undefined {
  return least(series, ({sum}) => sum ?? Infinity);
}

/** The reader's own run in the same terms. */
export function ownSeries(record: ProfileRecord | null): ProfileSeries[] {
  return record ? profileSeries(profileRows(record, null)) : [];
}

/** "float32", "16-bit integers"; nothing where the source does not say. */
export function arithmeticName(arithmetic: Arithmetic | null): string {
  return arithmetic === "int16" ? "16-bit integers" : (arithmetic ?? "");
}

/** "NVIDIA H200, float32", "Yours, an adapter, float32, Tiny, 2 layers of 192" */
export function seriesName({name, arithmetic, meaning, part}: ProfileSeries): string {
  const where = meaning === "yours" ? `Yours, ${name}` : name;
  return [where, arithmeticName(arithmetic), part].filter(Boolean).join(", ");
}

function isTimed({milliseconds}: ProfileResultRow): boolean {
  return milliseconds !== null;
}
