import {Float16Array} from "@petamoriken/float16";
import {md5} from "hash-wasm";
import {configName, manifestNames, parseConfig, parseManifest, type Shard} from "./mlc-manifest.js";
import type {Shape} from "./shape.js";
import type {WeightSource} from "./weights.js";

/** Reads one file of a model's folder, or null when there is no such file. Anything else it rejects with. */
export type ReadFile = (path: string) => Promise<Uint8Array | null>;

/** A tensor as it is stored: `bytes` is a view on its shard, little-endian, at a multiple of 4 bytes. */
export interface MlcTensor {
  dtype: "uint32" | "float16";
  shape: number[];
  bytes: Uint8Array;
}

export interface MlcModel {
  shape: Shape;
  weights: WeightSource;
  /** By MLC's names: `lm_head.q_weight`, `transformer.norm.weight`. */
  tensors: ReadonlyMap<string, MlcTensor>;
  /** Shards whose MD5 sum the manifest does not give: only their size was checked. */
  unsummed: string[];
}

export interface LoadOptions {
  /** The shape's id, by default "mlc": the name of the folder or of the model. */
  id?: string;
  /** Positions at most: the shape's context is the smaller of this and the model's window. */
  maxContext?: number;
}

/** Shards read at the same time. */
const lanes = 4;

/**
 * Loads a model in MLC's q4f16_1 folder format: `mlc-chat-config.json`, `tensor-cache.json` (or the older name
 * `ndarray-cache.json`) and the shards it lists. Every size is checked, and every MD5 sum that the manifest gives.
 * It resolves with the whole model or rejects; nothing is ever half-loaded. The host must be little-endian.
 * @throws {Error} naming the file and the tensor that is wrong and what to do.
 */
export async function loadMlc(read: ReadFile, options: LoadOptions = {}): Promise<MlcModel> {
  const {id = "mlc", maxContext = Infinity} = options;
  const config = await read(configName);
  if (!config) throw new Error(`${configName} is missing: this is not the folder of an MLC model`);
  const model = parseConfig(config, id);
  const shape = {...model, context: Math.min(model.context, maxContext)};
  const shards = await readManifest(read, shape);

  const tensors = new Map<string, MlcTensor>();
  let failed = false;
  const queue = shards.values();
  const work = Array.from({length: lanes}, async () => {
    for (const shard of queue) {
      if (failed) return;
      const bytes = await readShard(read, shard);
      for (const {name, dtype, shape, byteOffset, nbytes} of shard.records) {
        tensors.set(name, {dtype, shape, bytes: bytes.subarray(byteOffset, byteOffset + nbytes)});
      }
    }
  });
  try {
    await Promise.all(work);
  } catch (error) {
    failed = true;
    throw error;
  }
  const unsummed = shards.filter(({md5sum}) => !md5sum).map(({dataPath}) => dataPath);
  return {shape, weights: tensorWeights(tensors), tensors, unsummed};
}

/** The weights of a loaded model, row by row. */
function tensorWeights(tensors: ReadonlyMap<string, MlcTensor>): WeightSource {
  const words = new Map<string, Uint32Array>();
  const halves = new Map<string, Uint16Array>();
  for (const [name, {dtype, bytes}] of tensors) {
    if (dtype === "uint32") words.set(name, new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4));
    else halves.set(name, new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2));
  }
  const values = float16Values();
  const find = <T>(map: Map<string, T>, name: string): T => {
    const tensor = map.get(name);
    if (tensor === undefined) throw new Error(`the model has no tensor ${name}`);
    return tensor;
  };
  const readHalves = (name: string, first: number, target: Float64Array) => {
    const bits = find(halves, name);
    for (let i = 0; i < target.length; ++i) target[i] = values[bits[first + i]!]!;
  };
  return {
    readWords(matrix, row, target) {
      const first = row * target.length;
      target.set(find(words, `${matrix}.q_weight`).subarray(first, first + target.length));
    },
    readScales: (matrix, row, target) => readHalves(`${matrix}.q_scale`, row * target.length, target),
    readNorm: (norm, target) => readHalves(norm, 0, target)
  };
}

/** The value of each of the 65,536 float16 bit patterns. */
function float16Values(): Float64Array {
  return Float64Array.from(new Float16Array(Uint16Array.from({length: 65536}, (_, bits) => bits).buffer));
}

async function readManifest(read: ReadFile, shape: Shape): Promise<Shard[]> {
  for (const name of manifestNames) {
    const bytes = await read(name);
    if (bytes) return parseManifest(name, bytes, shape);
  }
  throw new Error(`${manifestNames.join(" and ")} are both missing: one must list the model's tensors`);
}

async function readShard(read: ReadFile, shard: Shard): Promise<Uint8Array> {
  const {dataPath, nbytes, md5sum, records} = shard;
  const fail = (problem: string) => {
    const held = records.length ? ` (it holds ${records[0]!.name}${records.length > 1 ? " and others" : ""})` : "";
    throw new Error(`${dataPath}: ${problem}${held}: fetch the file again`);
  };
  const bytes = await read(dataPath);
  if (!bytes) return fail("is missing");
  if (bytes.byteLength !== nbytes) fail(`has ${bytes.byteLength} bytes, but the manifest says ${nbytes}`);
  if (md5sum) {
    const sum = await md5(bytes);
    if (sum !== md5sum.toLowerCase()) fail(`its MD5 sum is ${sum}, but the manifest says ${md5sum}`);
  }
  return bytes.byteOffset % 4 ? bytes.slice() : bytes;
}
