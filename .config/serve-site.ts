import {execFileSync} from "node:child_process";
import {createServer} from "node:http";
import type {AddressInfo} from "node:net";
import sirv from "sirv";
import type {TestProject} from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    siteOrigin: string;
  }
}

/** Builds the site once and serves it on the loopback interface while the tests run. */
export default async function serveSite(project: TestProject): Promise<() => void> {
  execFileSync("npm", ["run", "build"], {stdio: ["ignore", "pipe", "inherit"], shell: process.platform === "win32"});
  const server = createServer(sirv("dist", {dev: true}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  project.provide("siteOrigin", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
