/** Prints what adapter a new process on Dawn gets, as JSON, or null. Run for each driver before the tests. */
import {openDawn} from "../cli/dawn.js";

const adapter = await openDawn().requestAdapter();
const summary = adapter && {description: adapter.info.description, features: [...adapter.features].sort()};
process.stdout.write(JSON.stringify(summary), () => process.exit(0));
