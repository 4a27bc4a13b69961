import {html} from "htl";
import type {Stage} from "../decode/stages.js";
import {nameDevice} from "./answer.js";
import {strongOf} from "./answer-block.js";
import {formatMilliseconds, formatPercent} from "./format.js";
import {arithmeticName, fastestSeries, seriesName, type ProfileSeries} from "./profile-series.js";

/** The matrices of a layer. */
const matrices: readonly Stage[] = ["qkv_rope", "o_proj", "gate_up", "down"];

/** What a series says to the page's question. Times in milliseconds, parts from 0 to 1. */
export interface Finding {
  /** All stages together. */
  sum: number;
  /** Part of the sum that the four matrices of all layers take. */
  matrices: number;
  /** The stage that takes most of it. */
  largest: Stage;
  largestPart: number;
  /** Wall-clock time of a token beside all stages; null where it is not known. */
  elsewhere: number | null;
}

/** Null where a stage has no time, so that there is no whole to take parts of. */
export function finding({rows, sum, wall}: ProfileSeries): Finding | null {
  if (sum === null) return null;
  const [most] = [...rows].sort((a, b) => b.milliseconds - a.milliseconds);
  const ofMatrices = rows.filter(({part}) => matrices.includes(part as Stage));
  return {
    sum,
    matrices: ofMatrices.reduce((sum, {milliseconds}) => sum + milliseconds, 0) / sum,
    largest: most!.part as Stage,
    largestPart: most!.milliseconds / sum,
    elsewhere: wall === null ? null : wall - sum
  };
}

/**
 * The answer, from the fastest series of each device on record and of the reader's own run. What a device does in a
 * browser, where it is on record in Node too, comes after it.
 */
export function profileAnswer(recorded: readonly ProfileSeries[], yours: readonly ProfileSeries[]): HTMLElement {
  const measuredHere = recorded.some(({arithmetic}) => arithmetic !== null);
  const all = fastestByName(recorded);
  const again = all.filter(({name}) => all.some((other) => name.startsWith(`${other.name} in `)));
  return html`<div>
    <div class="answer">
      ${yours.length > 0 ? html`<p class="your-answer">${sentence(fastestSeries(yours)!, "yours")}</p>` : null}
      ${all.filter((series) => !again.includes(series)).map((series) => html`<p>${sentence(series, "recorded")}</p>`)}
      ${measuredHere ? null : html`<p>There is no record of this experiment yet: run it below for your device's own.</p>`}
    </div>
    ${again.map((series) => html`<p>${sentence(series, "recorded")}</p>`)}
  </div>`;
}

function sentence(series: ProfileSeries, meaning: "recorded" | "yours"): Node {
  const strong = strongOf(meaning);
  const {name, arithmetic, software, part} = series;
  const device = nameDevice({label: name, software});
  const found = finding(series);
  if (!found) {
    return html`<span
      >Your run on ${device} has no time for some of the stages, so they have no whole to be parts of.</span
    >`;
  }
  const {sum, matrices, largest, largestPart, elsewhere} = found;
  const where = meaning === "yours" ? `On your device, ${device},` : `On an ${device},`;
  const how = arithmetic ? ` in ${arithmeticName(arithmetic)}` : " as reported";
  const size = part ? ` at the shape “${part}”` : "";
  return html`<span
    >${where} the four matrices of the layers take ${strong(formatPercent(matrices))} of a token's
    ${strong(formatMilliseconds(sum))} on the GPU${how}${size}, and <code>${largest}</code> alone
    ${strong(formatPercent(largestPart))}${
      elsewhere === null
        ? ""
        : elsewhere >= 0
          ? html`; by the wall clock a token takes ${strong(formatMilliseconds(elsewhere))} more`
          : html`; by the wall clock a token takes ${strong(formatMilliseconds(-elsewhere))} less`
    }.</span
  >`;
}

function fastestByName(series: readonly ProfileSeries[]): ProfileSeries[] {
  const names = [...new Set(series.map(({name}) => name))];
  return names.map((name) => fastestSeries(series.filter((s) => s.name === name))!);
}

/** A token in each way of timing it: its stages summed up, in one pass, by the wall clock. */
export function totalsTable(series: readonly ProfileSeries[]): HTMLElement {
  const time = (milliseconds: number | null) => (milliseconds === null ? "–" : formatMilliseconds(milliseconds));
  const signed = (milliseconds: number) =>
    `${milliseconds < 0 ? "−" : ""}${formatMilliseconds(Math.abs(milliseconds))}`;
  return html`<div class="scrolls profile-totals" role="region" aria-label="A token, summed up and whole" tabindex="0">
    <table>
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col" class="number">Stages, summed up</th>
          <th scope="col" class="number">Whole token, one pass</th>
          <th scope="col" class="number">Whole token, wall clock</th>
          <th scope="col" class="number">Wall clock less stages</th>
        </tr>
      </thead>
      <tbody>
        ${series.map(
          (s) =>
            html`<tr>
              <th scope="row" class="${s.meaning}">${seriesName(s)}</th>
              <td class="number">${time(s.sum)}</td>
              <td class="number">
                ${time(s.token?.milliseconds ?? null)}${s.token?.by === "wall clock" ? " (by the wall clock)" : ""}
              </td>
              <td class="number">${time(s.wall)}</td>
              <td class="number">${s.sum === null || s.wall === null ? "–" : signed(s.wall - s.sum)}</td>
            </tr>`
        )}
      </tbody>
    </table>
  </div>`;
}
