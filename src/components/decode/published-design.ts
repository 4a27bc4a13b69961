/**
 * The arithmetic of the published single-dispatch kernels, from the page of theirs that prints it: one workgroup of 64 keeps
 * a whole vector of the hidden size in workgroup memory, with what a reduction needs and a part of the FFN's activations.
 * Weights are float32, the FFN is four times as wide as the hidden size, and norms and FFN have biases
 * (abgnydn/webgpu-fusion-max, src/probe-limits.html).
 */
const workgroupSize = 64;
const ffnTile = 256;
const float32 = 4;

/** Bytes of workgroup memory. Without a tile, all activations of the FFN are there at once. */
export function publishedWorkgroupMemory(hidden: number, {tiled}: {tiled: boolean}): number {
  return (hidden + (tiled ? ffnTile : 4 * hidden) + workgroupSize) * float32;
}

/** Bytes of a layer's weights, all layers of which lie in one binding. */
export function publishedLayerBytes(hidden: number): number {
  const ffn = 4 * hidden;
  return (4 * hidden + 4 * hidden ** 2 + 2 * hidden * ffn + ffn + hidden) * float32;
}

/** The largest hidden size whose workgroup memory is no more than so many bytes. */
export function largestPublishedHidden(bytes: number, {tiled}: {tiled: boolean}): number {
  const words = bytes / float32 - workgroupSize;
  return Math.floor(tiled ? words - ffnTile : words / 5);
}
