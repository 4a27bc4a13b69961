import {existsSync, readdirSync} from "node:fs";
import {join} from "node:path";
import {browserFolders} from "./browser.js";

/** A Vulkan driver (or the system's default adapter) that kernel tests run on, in processes of their own. */
export interface TestDriver {
  name: string;
  /** Environment that makes a new process see this driver and no other. */
  env: Record<string, string>;
}

/**
 * The drivers that kernel tests run on. Vulkan's loader reads its environment once a process, so vitest runs every
 * `*.gpu.test.ts` once a driver, each as a project of its own.
 *
 * On Linux these are the software drivers Mesa's lavapipe and Chromium's SwiftShader, as far as they are installed;
 * a driver that `VK_DRIVER_FILES` names replaces both. Elsewhere it is the system's default adapter. Lavapipe is told not
 * to optimise what it compiles: that takes it half as long again, and the tests run each kernel a few times only.
 */
export function testDrivers(): TestDriver[] {
  if (process.platform !== "linux") return [{name: "default", env: {}}];
  const chosen = process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES;
  if (chosen) return [vulkanDriver("chosen", chosen)];
  const lavapipe = findLavapipe();
  const swiftshader = findSwiftShader();
  return [
    ...(lavapipe ? [vulkanDriver("lavapipe", lavapipe, {GALLIVM_PERF: "nopt"})] : []),
    ...(swiftshader ? [vulkanDriver("swiftshader", swiftshader)] : [])
  ];
}

function vulkanDriver(name: string, manifest: string, more: Record<string, string> = {}): TestDriver {
  return {name, env: {VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest, ...more}};
}

/** lvp_icd.json, or with the architecture in its name. */
function findLavapipe(): string | undefined {
  for (const folder of ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"]) {
    if (!existsSync(folder)) continue;
    const manifest = readdirSync(folder).find((file) => /^lvp_icd.*\.json$/.test(file) && !file.includes("i686"));
    if (manifest) return join(folder, manifest);
  }
}

function findSwiftShader(): string | undefined {
  return browserFolders()
    .map((folder) => join(folder, "vk_swiftshader_icd.json"))
    .find((path) => existsSync(path));
}
