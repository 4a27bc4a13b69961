import {defineConfig} from "vitest/config";
import {BaseSequencer, type TestSpecification} from "vitest/node";
import {testDrivers} from "../src/testing/devices.js";

const kernels = ["src/**/*.gpu.test.ts"];
const site = ["src/site.test.ts", "src/**/*.site.test.ts"];

/** The files that take a minute and more, the longest first. */
const longest = [
  "mutations-of-one-kernel.gpu",
  "fixtures.gpu",
  "mutations.gpu",
  "shapes.gpu",
  "geometries.gpu",
  "verify.gpu",
  "lab/workgroups.gpu",
  "activations-in-registers.gpu",
  "kernel-options.gpu",
  "spectrum.gpu",
  "record.site",
  "index.site"
];

/** Starts what takes longest first, so that at the end nothing long is left for one core. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]) {
    const rank = ({moduleId}: TestSpecification) => {
      const place = longest.findIndex((name) => moduleId.endsWith(`${name}.test.ts`));
      return place < 0 ? longest.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

/** A project for code that needs no GPU, one for the built site in a browser, and one for the kernels on each driver. */
export default defineConfig({
  test: {
    maxWorkers: "100%", // vitest would leave a core free
    sequence: {sequencer: LongestFirst},
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
