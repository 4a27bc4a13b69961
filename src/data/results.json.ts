import {collectResults} from "../components/lab/results-table.js";
import {readResults} from "./read-results.js";

process.stdout.write(JSON.stringify(collectResults(readResults())));
