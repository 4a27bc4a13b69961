import {recordedFigures} from "../components/views/recorded-figures.js";
import {readResults} from "./read-results.js";

process.stdout.write(JSON.stringify(recordedFigures(readResults())));
