import {spawnSync} from "node:child_process";
import {testDrivers} from "../testing/devices.js";
import {findMissingTools} from "../testing/tools.js";

/** Runs the tests, once it is clear that they can run. Arguments go to vitest: a path, `--project site`, `-t name`. */
const missing = await findMissingTools();
if (missing.length > 0) {
  console.error("The tests cannot run on this machine. Missing:");
  for (const {message} of missing) console.error(`  ${message}`);
  const dawn = missing.every(({name}) => name === "Dawn");
  console.error(`Install it with: ${dawn ? "npm ci" : "npm run setup"}`);
  process.exit(1);
}

const drivers = testDrivers().map(({name}) => name);
console.log(`Kernel tests run on: ${drivers.join(", ")}`);
if (process.platform === "linux" && drivers.length === 1 && drivers[0] === "lavapipe") {
  console.log("SwiftShader is not installed: no test with subgroups of 4 and without shader-f16.");
}

const vitest = ["node_modules/vitest/vitest.mjs", "run", "--config", ".config/vitest.config.ts"];
const report = ["--reporter=default", "--reporter=json", "--outputFile.json=test-artifacts/vitest.json"];
const {status} = spawnSync(process.execPath, [...vitest, ...report, ...process.argv.slice(2)], {stdio: "inherit"});
process.exit(status ?? 1);
