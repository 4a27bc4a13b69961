import {group} from "d3";
import {html} from "htl";
import type {CostRecord} from "../lab/cost-record.js";
import {costRows, type CostResultRow} from "../lab/cost-row.js";
import type {ResultRow} from "../lab/result-row.js";
import type {Roofline} from "../lab/results-table.js";
import {nameDevice} from "./answer.js";
import {formatBandwidth, formatCount, formatNumber, formatQuantity} from "./format.js";
import {decodingReachOf, reachOf, type DecodingReach, type Reach} from "./reach.js";
import {ranOn, shapeLabel} from "./recorded.js";

/** What is on file of decoders. */
export interface DecodingRows {
  /** Of the results table. */
  rows: readonly ResultRow[];
  /** A model decoded by one workgroup, and its device's limit, for as long as no record has measured what one reads. */
  one: ResultRow;
  roofline: Roofline;
}

/** What one workgroup reads against the whole GPU, from the first record of these rows and from the reader's run. */
export function limitsAnswer(
  recorded: readonly CostResultRow[],
  yours: CostRecord | null,
  decoding: DecodingRows
): HTMLElement {
  const [first = []] = group(recorded, ({sourceFile}) => sourceFile).values();
  const live = yours ? costRows(yours, null) : null;
  const reach = reachOf(first);
  return html`<div class="answer">
    <p>
      ${
        reach
          ? [sentence(reach, "recorded"), decoderRemark(decodingReachOf(decoding.rows, ranOn(reach.one)))]
          : withoutRecord(decoding)
      }
    </p>
    ${live ? html`<p class="your-answer">${yourSentence(live)}</p>` : null}
  </div>`;
}

function yourSentence(rows: readonly CostResultRow[]): Node {
  const reach = reachOf(rows);
  if (reach) return sentence(reach, "yours");
  return html`<span>
    Your run on ${nameOf(rows[0]!)} did not measure both one workgroup and several reading, so it does not compare them.
  </span>`;
}

function sentence({one, all, ratio}: Reach, meaning: "recorded" | "yours"): Node {
  const figure = ({bytesPerSecond}: Reach["one"]) =>
    html`<strong class="${meaning}">${formatBandwidth(bytesPerSecond.median)}</strong>`;
  const where = meaning === "yours" ? `On your device, ${nameOf(one)}` : `On an ${nameOf(one)}`;
  if (all.workgroups === 1) {
    return html`<span>
      ${where}, the best of the read probes is one workgroup of ${formatCount(one.workgroupSize)}: it reads
      ${figure(one)}, and several workgroups together read no more than that.
    </span>`;
  }
  const comparison =
    ratio < 1.02 ? "no more" : html`<strong class="${meaning}">${formatNumber(ratio)} times</strong> as much`;
  return html`<span>
    ${where}, the best of the read probes with one workgroup (${formatCount(one.workgroupSize)} invocations) reads
    ${figure(one)}, and ${formatQuantity(all.workgroups, "workgroup")} read ${figure(all)} together: ${comparison}.
  </span>`;
}

function decoderRemark(decoding: DecodingReach | null): Node | null {
  if (!decoding) return null;
  const {row, bytesPerSecond} = decoding;
  return html`<span>
    Of the decoders with one workgroup, that of “${shapeLabel(row)}” with weights in ${row.weightFormat} reads its
    weights the fastest, at <strong class="recorded">${formatBandwidth(bytesPerSecond)}</strong>.
  </span>`;
}

function withoutRecord({one, roofline}: DecodingRows): Node {
  const rate = one.tokensPerSecond! * roofline.weightBytesPerToken;
  return html`<span>
    An ${one.device} that decodes with one workgroup reads
    <strong class="recorded">${formatBandwidth(rate)}</strong> of weights, and all of it can read
    <strong class="recorded">${formatBandwidth(roofline.readBandwidthBytesPerSecond)}</strong>:
    <strong class="recorded">${formatNumber(roofline.readBandwidthBytesPerSecond / rate)} times</strong> as much. There
    is no record yet of what one workgroup reads: run it below, and the answer is your device's own.
  </span>`;
}

function nameOf(row: CostResultRow): string {
  return nameDevice({label: ranOn(row), software: row.software});
}
