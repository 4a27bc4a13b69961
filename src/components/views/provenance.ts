import {html} from "htl";
import {formatDate} from "./format.js";
import type {RecordedFigure} from "./recorded-figures.js";
import {cite, shortDevice} from "./recorded.js";

/** The sections of the page on provenance, in its order, by their headings. */
export const sections = {
  headline: "2.2 tok/s in one dispatch",
  again: "The pages, run again",
  baseline: "0.2 tok/s without fusion",
  int4: "int4, unpacked on the fly",
  staged: "The 228 dispatches",
  toy: "Fusion at toy size",
  literature: "What a dispatch costs",
  peers: "Other engines, and the probes",
  limits: "The limits"
} as const;

export type Section = keyof typeof sections;

/** What a recorded figure can carry, in a few words without figures, and the section that says why. */
export interface Provenance {
  section: Section;
  verdict: string;
}

const nothingRan = "nothing ran: no time";
const zeroWeights = "time of a kernel that read zeros";
const slower = "holds for that engine and device";
const probe = "output checked; compare with probes only";
const otherEngine = "that engine's own speed; output not checked";

/** By the id of the figure, "FILE/ID". */
export const provenance: Readonly<Record<string, Provenance>> = {
  "m2-pro-reported/fused-headline": {section: "headline", verdict: "not one dispatch; no measurement file"},
  "m2-pro-reported/predequant-1-layer": {section: "headline", verdict: "weights very likely zero"},
  "m2-pro-reported/predequant-8-layers": {section: "headline", verdict: "weights very likely zero"},
  "m2-pro-reported/predequant-32-layers-chunked": {
    section: "headline",
    verdict: "weights very likely zero, and most of them past the end of their buffer"
  },

  "replication-h200/bigwg-256": {section: "again", verdict: zeroWeights},
  "replication-h200/bigwg-512": {section: "again", verdict: nothingRan},
  "replication-h200/bigwg-768-1024": {section: "again", verdict: "skipped by the page: no time"},
  "replication-h200/multicore-1-layer": {section: "again", verdict: "stopped by the page: all zeros"},
  "replication-h200/multicore-8-layers": {section: "again", verdict: nothingRan},
  "replication-h200/fusedqkv-baseline": {section: "again", verdict: zeroWeights},
  "replication-h200/fusedqkv-unrolled": {section: "again", verdict: zeroWeights},
  "replication-h200/fusedqkv-8-layers": {section: "again", verdict: nothingRan},
  "replication-h200/headless-predequant-32-layers": {section: "again", verdict: nothingRan},

  "m2-pro-reported/baseline-headline": {section: "baseline", verdict: "no trace of an unfused run"},
  "m2-pro-reported/int4-seq16-32-layers": {section: "baseline", verdict: "the row of the file below, fused"},
  "2026-03-31_int4/phi-3-mini-1-layer": {section: "baseline", verdict: "holds; output not checked"},
  "2026-03-31_int4/phi-3-mini-8-layers": {section: "baseline", verdict: "holds; output not checked"},
  "2026-03-31_int4/phi-3-mini-32-layers": {section: "baseline", verdict: "holds, as fused; output not checked"},
  "2026-03-31_int4/qwen2-0.5b-1-layer": {section: "baseline", verdict: "holds; output not checked"},
  "2026-03-31_int4/qwen2-0.5b-24-layers": {section: "baseline", verdict: "holds; output not checked"},

  "m2-pro-reported/int4-on-the-fly-1-layer": {section: "int4", verdict: "very likely of another workgroup size"},
  "m2-pro-reported/int4-on-the-fly-8-layers": {section: "int4", verdict: "plausible; no file, no check"},
  "m2-pro-reported/int4-on-the-fly-32-layers": {
    section: "int4",
    verdict: "one token, very likely in one dispatch; no file, no check"
  },
  "replication-h200/headless-fast-1-layer": {section: "int4", verdict: "ran; output not checked"},
  "replication-h200/headless-fast-8-layers": {section: "int4", verdict: "ran; output not checked"},
  "replication-h200/headless-int4-qwen2-1-layer": {section: "int4", verdict: "ran; output not checked"},

  "m2-pro-reported/staged-headline": {section: "staged", verdict: "the row below, rounded"},
  "m2-pro-reported/staged-measured": {section: "staged", verdict: "well described; no measurement file"},
  "m2-pro-reported/staged-before-tiling": {section: "staged", verdict: "well described; no measurement file"},
  "m2-pro-reported/staged-profile": {section: "staged", verdict: "shares of one token; no measurement file"},
  "m2-pro-reported/webllm": {section: "staged", verdict: "same weights; no measurement file"},
  "m2-pro-reported/8-rows": {section: "staged", verdict: slower},
  "m2-pro-reported/qkv-1152x32": {section: "staged", verdict: slower},
  "m2-pro-reported/qkv-2304x32": {section: "staged", verdict: slower},
  "m2-pro-reported/qkv-2304x64": {section: "staged", verdict: slower},
  "m2-pro-reported/m2-max-zero-tvm": {section: "staged", verdict: "holds: file, runs, protocol; another device"},
  "m2-pro-reported/m2-max-webllm": {section: "staged", verdict: "holds, self-reported; another device"},
  "m2-pro-reported/m2-max-wllama": {section: "staged", verdict: "other weights, another device; no file"},

  "m2-pro-reported/toy-fusion": {section: "toy", verdict: "a ratio without its times; toy sizes"},

  "m2-pro-reported/dispatch-cost-vulkan": {section: "literature", verdict: "cost of a submit, not of a dispatch"},
  "m2-pro-reported/dispatch-cost-metal": {section: "literature", verdict: "cost of a submit, not of a dispatch"},

  "peers-h200/llama-cpp": {section: "peers", verdict: otherEngine},
  "peers-h200/llama-cpp-flash-attention": {section: "peers", verdict: otherEngine},
  "peers-h200/transformers-eager": {section: "peers", verdict: "other weight bytes; output not checked"},
  "peers-h200/transformers-compiled": {section: "peers", verdict: "other weight bytes; output not checked"},
  "peers-h200/probe-staged": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-1": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-2": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-4": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-8": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-16": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-33": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-66": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-132": {section: "peers", verdict: probe},
  "peers-h200/probe-fused-132-16-tokens": {section: "peers", verdict: probe},

  "m2-pro-reported/m2-pro-nominal": {section: "limits", verdict: "the maker's figure: no kernel reaches it"},
  "peers-h200/h200-measured": {section: "limits", verdict: "measured, by one kernel"}
};

/**
 * The figures of each section, in the order of the entries above.
 * @throws {Error} naming the figures on file without an entry, and the entries without a figure.
 */
export function figuresBySection(figures: readonly RecordedFigure[]): Map<Section, RecordedFigure[]> {
  const byId = new Map(figures.map((figure) => [figure.id, figure]));
  const without = [...byId.keys()].filter((id) => !Object.hasOwn(provenance, id));
  if (without.length > 0) {
    throw new Error(
      `results/ has figures without an entry in views/provenance.ts: ${without.join(", ")}; add one each`
    );
  }
  const gone = Object.keys(provenance).filter((id) => !byId.has(id));
  if (gone.length > 0) {
    throw new Error(`views/provenance.ts has entries for what results/ has not: ${gone.join(", ")}; remove them`);
  }
  const keys = Object.keys(sections) as Section[];
  return new Map(
    keys.map((key) => [
      key,
      Object.entries(provenance)
        .filter(([, {section}]) => section === key)
        .map(([id]) => byId.get(id)!)
    ])
  );
}

/** Framework's id of a heading. */
export function headingId(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

/** Every figure on file that was not made by this project's recorder, by section, with a verdict. */
export function provenanceTable(figures: readonly RecordedFigure[]): HTMLElement {
  const groups = [...figuresBySection(figures)];
  return html`<div
    class="provenance-table"
    role="region"
    aria-label="Every recorded figure, with its source and a verdict"
    tabindex="0"
    style="overflow: auto; max-height: 34rem;"
  >
    <table style="max-width: none;">
      <thead>
        <tr>
          <th scope="col" style="min-width: 10em;">On file</th>
          <th scope="col" style="min-width: 7em;">Figure</th>
          <th scope="col" style="min-width: 10em;">Verdict</th>
          <th scope="col" style="min-width: 8em;">Launched as</th>
          <th scope="col" style="min-width: 8em;">Device and date</th>
          <th scope="col" style="min-width: 14em;">Source</th>
        </tr>
      </thead>
      ${groups.map(
        ([section, group]) =>
          html`<tbody>
            <tr>
              <th scope="rowgroup" colspan="6"><a href="#${headingId(sections[section])}">${sections[section]}</a></th>
            </tr>
            ${group.map(tableRow)}
          </tbody>`
      )}
    </table>
  </div>`;
}

function tableRow(row: RecordedFigure): HTMLElement {
  return html`<tr data-figure="${row.id}">
    <td>${row.label}</td>
    <td class="recorded">
      ${row.figure}${row.shown && /\d/.test(row.figure) ? html`<br /><small>shown by the page</small>` : null}
    </td>
    <td>${provenance[row.id]!.verdict}</td>
    <td>${row.launch ?? "–"}</td>
    <td>
      ${row.device === null ? "–" : shortDevice(row.device)}
      ${row.date === null ? null : html`<br /><small>${formatDate(row.date)}</small>`}
    </td>
    <td>${cite({source: row.citation, sourceUrl: row.sourceUrl})}</td>
  </tr>`;
}
