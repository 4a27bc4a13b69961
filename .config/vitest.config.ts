import {defineConfig} from "vitest/config";
import {testDrivers} from "../src/testing/devices.js";

const kernels = ["src/**/*.gpu.test.ts"];
const site = ["src/site.test.ts", "src/**/*.site.test.ts"];

/** A project for code that needs no GPU, one for the built site in a browser, and one for the kernels on each driver. */
export default defineConfig({
  test: {
    projects: [
      {test: {name: "unit", include: ["src/**/*.test.ts"], exclude: [...kernels, ...site]}},
      {
        test: {
          name: "site",
          include: site,
          globalSetup: ".config/serve-site.ts",
          testTimeout: 120_000,
          hookTimeout: 120_000
        }
      },
      ...testDrivers().map(({name, env}) => ({
        test: {
          name,
          include: kernels,
          env: {...env, TEST_DRIVER: name},
          pool: "forks" as const, // Vulkan's loader reads the environment of a process, which a thread does not have.
          testTimeout: 120_000,
          hookTimeout: 120_000
        }
      }))
    ]
  }
});
