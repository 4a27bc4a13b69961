// A hack: while anything is awaited, Dawn in Node asks for news in every turn of the event loop, by setImmediate, and
// keeps a core busy that the software drivers need. A millisecond between two questions leaves it to them.
globalThis.setImmediate = ((callback: (...args: unknown[]) => void, ...args: unknown[]) =>
  setTimeout(callback, 1, ...args)) as unknown as typeof setImmediate;
