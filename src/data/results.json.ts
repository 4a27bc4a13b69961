import {readdirSync, readFileSync} from "node:fs";
import {collectResults, parseResultFile} from "../components/lab/results-table.js";

const folder = new URL("../../results/", import.meta.url);
const files = readdirSync(folder)
  .sort()
  .map((name) => parseResultFile(name, readFileSync(new URL(name, folder), "utf8")));

process.stdout.write(JSON.stringify(collectResults(files)));
