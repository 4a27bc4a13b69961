import {expect, it} from "vitest";
import {readResults} from "../../data/read-results.js";
import {recordedFigures} from "./recorded-figures.js";

const files = readResults();
const figures = recordedFigures(files);
const figure = (id: string) => figures.find((figure) => figure.id === id)!;

it("takes everything that the reports and the original file hold, once", () => {
  const onFile = files.flatMap(({kind, content}) => {
    if (kind === "artefact") return content.results.length;
    if (kind !== "report") return 0;
    const {rows, rooflines, profiles, speedups, negativeResults, literature} = content;
    return [rows, rooflines, profiles, speedups, negativeResults, literature].map(({length}) => length);
  });
  expect(figures.length).toBe(onFile.reduce((sum, length) => sum + length, 0));
  expect(new Set(figures.map(({id}) => id)).size).toBe(figures.length);
});

it("says each figure with its unit and how it was launched, as far as the file does", () => {
  expect(figure("m2-pro-reported/predequant-32-layers-chunked")).toMatchObject({
    figure: "449\u00a0ms a token",
    launch: "4 dispatches, 1 workgroup of 256",
    date: "2026-03/2026-06"
  });
  expect(figure("m2-pro-reported/fused-headline").launch).toBe("1 dispatch (claimed)");
  expect(figure("m2-pro-reported/staged-measured").figure).toBe("42.1\u00a0tok/s, 23.8\u00a0ms a token");
  expect(figure("2026-03-31_int4/phi-3-mini-32-layers")).toMatchObject({
    figure: "64.6\u00a0s for 16 tokens",
    launch: "1 dispatch for 16 tokens, 1 workgroup of 64"
  });
  expect(figure("replication-h200/bigwg-512")).toMatchObject({
    figure: "0\u00a0ms, 3,333.3\u00a0tok/s",
    shown: true,
    launch: "workgroups of 512"
  });
  expect(figure("replication-h200/fusedqkv-8-layers").figure).toBe("0.3\u00a0ms, 2,941.2\u00a0tok/s");
  expect(figure("replication-h200/multicore-1-layer").figure).toBe("no time");
  expect(figure("replication-h200/headless-fast-1-layer")).toMatchObject({
    figure: "159\u00a0ms a token",
    shown: false
  });
  expect(figure("m2-pro-reported/staged-profile").launch).toBe("228 dispatches");
  expect(figure("m2-pro-reported/dispatch-cost-metal").figure).toBe("32 to 71\u00a0µs");
  expect(figures.filter(({figure}) => !/\d|no time/.test(figure))).toEqual([]);
});

it("calls verified the probes only", () => {
  for (const {id, verified} of figures) expect(verified, id).toBe(id.startsWith("peers-h200/probe-"));
});
