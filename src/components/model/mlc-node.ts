import {readFile} from "node:fs/promises";
import {join} from "node:path";
import type {ReadFile} from "./mlc.js";

/** Reads files of a folder on disk (Node only). */
export function folderReader(folder: string): ReadFile {
  return async (path) => {
    try {
      return await readFile(join(folder, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw new Error(`${path}: cannot be read from ${folder} (${(error as Error).message})`, {cause: error});
    }
  };
}
