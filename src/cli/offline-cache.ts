import {cp, mkdir, rm} from "node:fs/promises";

/**
 * Makes a cold build or preview of the site work with no network, and never serve stale data.
 *
 * Framework asks a package registry for the newest version of each of these libraries before it looks whether a
 * page uses it. An empty folder in its cache is an answer. The version is one that does not exist, so a page that
 * does use one of them (an undeclared `Plot` or `d3`) fails instead of bringing a library in from elsewhere.
 */
const libraries = [
  "@observablehq/plot",
  "@observablehq/sample-datasets",
  "apache-arrow",
  "arquero",
  "d3",
  "d3-dsv",
  "echarts",
  "htl",
  "leaflet",
  "lodash",
  "mapbox-gl",
  "parquet-wasm",
  "react",
  "react-dom",
  "topojson-client"
];

const cache = "src/.observablehq/cache";

for (const library of libraries) await mkdir(`${cache}/_npm/${library}@0.0.0`, {recursive: true});

// Framework never runs a data loader again once its output is cached, whatever it reads.
for (const loaded of ["data", "results"]) await rm(`${cache}/${loaded}`, {recursive: true, force: true});

// What src/results/[file].json.ts would give for each record, of which each would take a process of its own.
await cp("results", `${cache}/results`, {recursive: true});
