import {execFile} from "node:child_process";
import {fileURLToPath} from "node:url";
import {promisify} from "node:util";
import {findBrowser} from "./browser.js";
import {testDrivers, type TestDriver} from "./devices.js";

/** Something the tests cannot do without, and what is wrong with it. */
export interface MissingTool {
  name: "browser" | "Vulkan driver" | "Dawn";
  message: string;
}

/** Looks for the browser, and opens Dawn on every driver that the kernel tests will use. */
export async function findMissingTools(): Promise<MissingTool[]> {
  const missing: MissingTool[] = [];
  if (!findBrowser()) {
    const named = process.env.CHROMIUM ? `CHROMIUM names ${process.env.CHROMIUM}, which does not exist` : "none found";
    missing.push({name: "browser", message: `Chromium or Chrome: ${named}`});
  }
  const drivers = testDrivers();
  if (process.platform === "linux" && !drivers.some(({name}) => name !== "swiftshader")) {
    missing.push({
      name: "Vulkan driver",
      message: "Mesa's software Vulkan driver (lavapipe, 25 or newer): not installed"
    });
  }
  return [...missing, ...(await Promise.all(drivers.map(probeDriver))).flat()];
}

interface ProbeError {
  killed?: boolean;
  stderr?: string;
}

async function probeDriver({name, env}: TestDriver): Promise<MissingTool[]> {
  const probe = fileURLToPath(new URL("./probe.ts", import.meta.url));
  const options = {env: {...process.env, ...env}, timeout: 60_000};
  try {
    const {stdout, stderr} = await promisify(execFile)(process.execPath, ["--import", "tsx", probe], options);
    if (JSON.parse(stdout)) return [];
    const where = env.VK_DRIVER_FILES ? `${name} (${env.VK_DRIVER_FILES})` : `the ${name} adapter`;
    return [{name: "Vulkan driver", message: `${where}: Dawn gets no adapter from it\n${indent(stderr)}`}];
  } catch (error) {
    const {killed, stderr} = error as ProbeError;
    const reason = killed ? "no answer within 60 s" : (stderr ?? String(error));
    return [{name: "Dawn", message: `Dawn on ${name}: ${reason.match(/^Error: .*\n.*/m)?.[0] ?? reason}`}];
  }
}

function indent(text: string): string {
  return text.trim().replace(/^/gm, "    ");
}
