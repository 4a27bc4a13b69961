import {readFileSync} from "node:fs";
import {parseArgs} from "node:util";

// A file of the top folder `results`, as it is: pages link each figure to the record that it is from.
const {file} = parseArgs({options: {file: {type: "string"}}}).values;
process.stdout.write(readFileSync(`results/${file}.json`));
