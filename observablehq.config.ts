import {readdirSync} from "node:fs";

// Framework reports each command to its authors unless told otherwise.
process.env.OBSERVABLE_TELEMETRY_DISABLE = "true";

/** What Framework's own page template lacks: a language, free zoom, and a sidebar list that holds only list items. */
const accessibility = `<script>
document.documentElement.lang = "en";
document.querySelector("meta[name=viewport]").content = "width=device-width, initial-scale=1";
addEventListener("DOMContentLoaded", () => {
  const close = document.getElementById("observablehq-sidebar-close");
  close?.parentElement.after(close);
});
</script>`;

/** One bar beside a stack of them. */
const icon = `<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="1" y="1" width="6" height="14" fill="#c2410c"/>${[
    1, 5, 9, 13
  ]
    .map((y) => `<rect x="9" y="${y}" width="6" height="2" fill="#2563eb"/>`)
    .join("")}</svg>`
)}">`;

export default {
  root: "src",
  title: "One dispatch or 228",
  home: "The question",
  pages: [
    {
      name: "The fused kernel",
      pages: [
        {name: "Limits", path: "/limits"},
        {name: "One dispatch or several", path: "/fused"},
        {name: "One workgroup, tuned", path: "/tiling"},
        {name: "Weights", path: "/int4"},
        {name: "Toy size", path: "/toy"},
        {name: "Workgroups", path: "/geometry"}
      ]
    },
    {name: "The staged design", pages: [{name: "Stage by stage", path: "/staged"}]},
    {
      name: "Why",
      pages: [
        {name: "Why one dispatch loses", path: "/why"},
        {name: "Dispatch cost", path: "/dispatch-cost"}
      ]
    },
    {
      name: "Run it",
      pages: [
        {name: "Sweep", path: "/bench"},
        {name: "Method", path: "/method"}
      ]
    },
    {name: "The record", pages: [{name: "What it rests on", path: "/provenance"}]}
  ],
  dynamicPaths: readdirSync("results")
    .filter((name) => name.endsWith(".json"))
    .map((name) => `/results/${name}`),
  style: "style.css",
  globalStylesheets: [],
  head: `${accessibility}${icon}`,
  footer: "MIT licence. Every recorded number names its device, its date and its source.",
  search: false
};
