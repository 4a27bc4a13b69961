/** One deliberate mistake in a kernel's source. */
export interface Mutation {
  /** File in `kernels/`. */
  path: string;
  find: string;
  replace: string;
}

/** The sources with the mistake in. @throws {Error} unless the text to replace stands in the file exactly once. */
export function mutate(sources: Record<string, string>, {path, find, replace}: Mutation): Record<string, string> {
  const source = sources[path];
  if (source === undefined) throw new Error(`there is no kernels/${path}`);
  const found = source.split(find).length - 1;
  if (found !== 1) throw new Error(`kernels/${path} has ${found} times, not once: ${find}`);
  return {...sources, [path]: source.replace(find, () => replace)};
}
