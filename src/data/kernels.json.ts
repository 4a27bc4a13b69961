import {linkKernels} from "./link-kernels.js";

process.stdout.write(JSON.stringify(await linkKernels()));
