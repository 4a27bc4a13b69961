import {readSources} from "./read-kernels.js";

process.stdout.write(JSON.stringify(readSources()));
