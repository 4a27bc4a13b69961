import {execFile} from "node:child_process";
import {fileURLToPath} from "node:url";

export interface CommandResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** What Dawn says of Mesa's drivers whenever it opens one. */
const dawnWarnings = /^Warning: maxDynamic.*\n/gm;

/** Runs one of the scripts in src/cli as `npm run` does, with this process's environment. */
export function runCommand(script: "record" | "verify", ...args: string[]): Promise<CommandResult> {
  const path = fileURLToPath(new URL(`../cli/${script}.ts`, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, ["--import", "tsx", path, ...args], (error, stdout, stderr) => {
      const status = error ? (typeof error.code === "number" ? error.code : -1) : 0;
      resolve({status, stdout, stderr: stderr.replace(dawnWarnings, "")});
    });
  });
}
