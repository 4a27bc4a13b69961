import {readdirSync, readFileSync} from "node:fs";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {parseResultFile, type ResultFile} from "../components/lab/results-table.js";

const results = fileURLToPath(new URL("../../results", import.meta.url));

/**
 * Every file of a folder of results by name, the project's own by default. A system's hidden files, such as .DS_Store,
 * are none.
 * @throws {Error} naming the file that does not fit its schema, or is of another kind.
 */
export function readResults(folder = results): ResultFile[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => parseResultFile(name, readFileSync(join(folder, name), "utf8")));
}
