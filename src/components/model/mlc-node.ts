import {readFile} from "node:fs/promises";
import {join} from "node:path";
import type {ReadFile} from "./mlc.js";

/** Reads files of a folder on disk (Node only). */
export function folderReader(folder: string): ReadFile {
  return async (path, signal) => {
    try {
      return await readFile(join(folder, path), signal ? {signal} : {});
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      signal?.throwIfAborted();
      throw new Error(`${path}: cannot be read from ${folder} (${(error as Error).message})`, {cause: error});
    }
  };
}
