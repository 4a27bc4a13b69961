import {citation, sourceUrl, type Report, type ReportRow} from "../lab/report.js";
import {rowId, type ResultRow} from "../lab/result-row.js";
import {collectResults, type ResultFile} from "../lab/results-table.js";
import {formatBandwidth, formatCount, formatMilliseconds, formatNumber, formatQuantity, formatRate} from "./format.js";

/** A figure that this project's recorder did not make, as its file has it. */
export interface RecordedFigure {
  /** "FILE/ID", the file without its extension. */
  id: string;
  label: string;
  /** The figure, with its unit. */
  figure: string;
  /** It is a number that a page showed, whatever the GPU did. */
  shown: boolean;
  /** How it was launched, or null where that is no question or nobody says. */
  launch: string | null;
  device: string | null;
  date: string | null;
  citation: string;
  sourceUrl: string | null;
  /** Its output was compared with a reference. */
  verified: boolean;
}

/**
 * Every figure of every report and of the original measurement file, in the order of the files: rows, rows that repeat
 * another, limits, profiles, speed-ups, negative results and literature. Runs and costs are none: they were measured
 * and verified here.
 */
export function recordedFigures(files: readonly ResultFile[]): RecordedFigure[] {
  const {rows} = collectResults(files);
  return files.flatMap((file) => {
    if (file.kind === "report") return reportFigures(file.name, file.content);
    if (file.kind === "artefact") return rows.filter(({sourceFile}) => sourceFile === file.name).map(artefactFigure);
    return [];
  });
}

function reportFigures(file: string, report: Report): RecordedFigure[] {
  const figure = (
    item: {id: string; source: string; where: string; device?: string; date?: string},
    rest: Pick<RecordedFigure, "label" | "figure"> & Partial<RecordedFigure>
  ): RecordedFigure => ({
    launch: null,
    device: item.device ?? null,
    date: item.date ?? null,
    citation: citation(report, item),
    sourceUrl: sourceUrl(report, item),
    shown: false,
    verified: false,
    ...rest,
    id: rowId(file, item.id)
  });
  return [
    ...report.rows.map((row) =>
      figure(row, {
        label: row.label,
        figure: rowFigure(row),
        shown: row.printed !== undefined,
        launch: describeLaunch({...row, claimed: row.claimedDispatchesPerToken}),
        verified: row.verification !== null
      })
    ),
    ...report.rooflines.map((roofline) =>
      figure(roofline, {
        label: `Limit by ${roofline.basis} read bandwidth`,
        figure: `${formatRate(roofline.tokensPerSecond)} at ${formatBandwidth(roofline.readBandwidthBytesPerSecond)}`
      })
    ),
    ...report.profiles.map((profile) =>
      figure(profile, {
        label: `GPU time by stage, ${profile.engine}`,
        figure: `${formatMilliseconds(profile.totalMilliseconds)} a token`,
        launch: formatQuantity(
          profile.roles.reduce((sum, {calls}) => sum + calls, 0),
          "dispatch",
          "dispatches"
        )
      })
    ),
    ...report.speedups.map((speedup) =>
      figure(speedup, {
        label: "Fused against one dispatch an operation, toy models",
        figure: `${range(speedup.parallel)} times; ${range(speedup.singleThread)} times with one thread`
      })
    ),
    ...report.negativeResults.map((result) =>
      figure(result, {
        label: result.what,
        figure: `${formatNumber(result.fromTokensPerSecond)} → ${formatRate(result.toTokensPerSecond)}`
      })
    ),
    ...report.literature.map((entry) =>
      figure(entry, {
        label: `${entry.what}, ${entry.backend}`,
        figure: `${range(entry.microsecondsPerDispatch)}\u00a0µs`
      })
    )
  ];
}

function artefactFigure(row: ResultRow): RecordedFigure {
  const tokens = 1 / row.dispatchesPerToken!;
  return {
    id: row.id,
    label: row.label,
    figure: timeOfTokens(row.millisecondsPerToken! * tokens, tokens),
    shown: false,
    launch: describeLaunch(row),
    device: row.device,
    date: row.date,
    citation: row.source,
    sourceUrl: row.sourceUrl,
    verified: row.verified
  };
}

function rowFigure({printed, milliseconds, tokens, tokensPerSecond}: ReportRow): string {
  if (printed) {
    const shown = [
      ...(printed.milliseconds === null ? [] : [`${asShown(printed.milliseconds)}\u00a0ms`]),
      ...(printed.tokensPerSecond === null ? [] : [`${asShown(printed.tokensPerSecond)}\u00a0tok/s`])
    ];
    return shown.length > 0 ? shown.join(", ") : "no time";
  }
  return [
    ...(tokensPerSecond === null ? [] : [formatRate(tokensPerSecond)]),
    ...(milliseconds === null ? [] : [timeOfTokens(milliseconds, tokens!)])
  ].join(", ");
}

/** Every digit that is on file, in the unit of the page. */
function asShown(value: number): string {
  return value.toLocaleString("en-GB", {maximumFractionDigits: 20});
}

function timeOfTokens(milliseconds: number, tokens: number): string {
  return `${formatMilliseconds(milliseconds)} ${tokens === 1 ? "a token" : `for ${formatCount(tokens)} tokens`}`;
}

function describeLaunch({
  dispatchesPerToken,
  claimed,
  workgroups,
  workgroupSize
}: Pick<ResultRow, "dispatchesPerToken" | "workgroups" | "workgroupSize"> & {claimed?: number}): string | null {
  const parts = [
    ...(dispatchesPerToken === null ? [] : [describeDispatches(dispatchesPerToken)]),
    ...(dispatchesPerToken === null && claimed ? [`${describeDispatches(claimed)} (claimed)`] : []),
    ...(workgroups === null ? [] : [formatQuantity(workgroups, "workgroup")]),
    ...(workgroupSize === null ? [] : [`${workgroups === null ? "workgroups " : ""}of ${formatCount(workgroupSize)}`])
  ];
  return parts.length > 0 ? parts.join(", ").replace(", of ", " of ") : null;
}

function describeDispatches(perToken: number): string {
  if (perToken < 1) return `1 dispatch for ${formatCount(1 / perToken)} tokens`;
  return formatQuantity(perToken, "dispatch", "dispatches");
}

function range([low, high]: readonly [number, number]): string {
  return `${formatNumber(low)} to ${formatNumber(high)}`;
}
