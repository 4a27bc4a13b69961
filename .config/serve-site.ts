import {execFileSync} from "node:child_process";
import type {TestProject} from "vitest/node";
import {serveFolder} from "../src/testing/serve-folder.js";

declare module "vitest" {
  interface ProvidedContext {
    siteOrigin: string;
  }
}

/** Builds the site once and serves it while the tests run. */
export default async function serveSite(project: TestProject): Promise<() => void> {
  execFileSync("npm", ["run", "build"], {stdio: ["ignore", "pipe", "inherit"], shell: process.platform === "win32"});
  const {origin, close} = await serveFolder("dist");
  project.provide("siteOrigin", origin);
  return close;
}
