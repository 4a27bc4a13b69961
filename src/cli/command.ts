import {parseArgs, type ParseArgsConfig} from "node:util";

/**
 * A command's arguments, by its options.
 * @throws {Error} that says what is wrong, and how the command is used.
 */
export function parseArguments<T extends ParseArgsConfig>(config: T, usage: string): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${usage}`, {cause: error});
  }
}

/** Prints, and gives the status that a command exits with where nothing is wrong. */
export function print(text: string): number {
  console.log(text);
  return 0;
}

/** Says what is wrong, and gives the status that a command exits with then. */
export function fail(message: string): number {
  console.error(message);
  return 1;
}
