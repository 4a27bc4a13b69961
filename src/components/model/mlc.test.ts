import {createHash} from "node:crypto";
import {mkdtemp, readdir, readFile, rm, writeFile} from "node:fs/promises";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {fileURLToPath} from "node:url";
import {describe, expect, it, onTestFinished} from "vitest";
import {loadMlc, type ReadFile} from "./mlc.js";
import {folderReader} from "./mlc-node.js";
import {matrixNames, modelMatrices, modelNorms, normNames} from "./weights.js";

const shardName = "params_shard_0.bin";

describe("loadMlc", () => {
  it.each([
    ["phi3-tiny", {hidden: 192, heads: 2, kvHeads: 2, headDim: 96, ffn: 512, layers: 2, vocabulary: 512}],
    ["phi3-tiny-deep", {hidden: 288, heads: 3, kvHeads: 3, headDim: 96, ffn: 768, layers: 6, vocabulary: 1000}]
  ])("reads %s whole", async (id, expected) => {
    const {shape, tensors, weights} = await loadMlc(folderReader(fixture(id)), {id});
    expect(shape).toEqual({
      ...expected,
      id,
      label: `${id}, ${expected.layers} layers of ${expected.hidden}`,
      ropeTheta: 10000,
      epsilon: 1e-5,
      context: 4096
    });
    expect(tensors.size).toBe(2 * modelMatrices(shape).size + modelNorms(shape).length);
    const norm = new Float64Array(shape.hidden);
    weights.readNorm(normNames.final, norm);
    const words = new Uint32Array(shape.ffn / 8);
    const scales = new Float64Array(shape.ffn / 32);
    weights.readWords(matrixNames.down(1), 2, words);
    weights.readScales(matrixNames.down(1), 2, scales);
    const shard = await readFile(join(fixture(id), shardName));
    const manifest = JSON.parse(await readFile(join(fixture(id), "tensor-cache.json"), "utf8")) as Manifest;
    const offset = (name: string) => manifest.records[0]!.records.find((record) => record.name === name)!.byteOffset;
    expect(words[3]).toBe(shard.readUInt32LE(offset(`${matrixNames.down(1)}.q_weight`) + 4 * (2 * words.length + 3)));
    const bits = shard.readUInt16LE(offset(`${matrixNames.down(1)}.q_scale`) + 2 * (2 * scales.length + 5));
    expect(scales[5]).toBe(half(bits));
    expect(norm[11]).toBe(half(shard.readUInt16LE(offset(normNames.final) + 22)));
  });

  it("gives tensors as views on the shard, without a copy", async () => {
    const files = await tiny();
    const {tensors} = await loadMlc(reader(files));
    const shard = files.get(shardName)!;
    for (const {bytes} of tensors.values()) expect(bytes.buffer).toBe(shard.buffer);
    expect(tensors.get("lm_head.q_weight")).toMatchObject({dtype: "uint32", shape: [512, 24]});
  });

  it("clamps the context when asked", async () => {
    const {shape} = await loadMlc(reader(await tiny()), {maxContext: 64});
    expect(shape.context).toBe(64);
  });

  it("reads the older manifest name, and does without MD5 sums", async () => {
    const files = await tiny();
    editManifest(files, ({records}) => delete records[0]!.md5sum);
    files.set("ndarray-cache.json", files.get("tensor-cache.json")!);
    files.delete("tensor-cache.json");
    const {tensors, unsummed} = await loadMlc(reader(files));
    expect(tensors.size).toBe(25);
    expect(unsummed).toEqual([shardName]);
    expect((await loadMlc(reader(await tiny()))).unsummed).toEqual([]);
  });

  it("reads a shard that does not begin at a multiple of 4 in memory", async () => {
    const files = await tiny();
    const shard = files.get(shardName)!;
    const shifted = new Uint8Array(shard.byteLength + 1);
    shifted.set(shard, 1);
    files.set(shardName, shifted.subarray(1));
    const {weights} = await loadMlc(reader(files));
    const words = new Uint32Array(24);
    weights.readWords(matrixNames.embedding, 1, words);
    expect(words[0]).toBe(new DataView(shard.buffer, shard.byteOffset).getUint32(96, true));
  });

  it("reads several shards", async () => {
    const files = await tiny();
    splitShard(files, 5);
    expect((await loadMlc(reader(files))).tensors.size).toBe(25);
  });

  it("stops the other shards when one is wrong", async () => {
    const files = await tiny();
    splitShard(files, 12);
    files.delete("params_shard_0.bin");
    const asked: string[] = [];
    const read: ReadFile = async (path) => {
      asked.push(path);
      if (path.startsWith("params") && path !== shardName) await new Promise((resolve) => setTimeout(resolve, 5));
      return files.get(path) ?? null;
    };
    await expect(loadMlc(read)).rejects.toThrow("params_shard_0.bin: is missing");
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked.filter((path) => path.startsWith("params"))).toHaveLength(4);
  });
});

describe("a folder with something wrong", () => {
  const lmHead = "lm_head.q_weight";
  const cases: [string, (files: Files) => void, string][] = [
    [
      "no config",
      (files) => files.delete("mlc-chat-config.json"),
      "mlc-chat-config.json is missing: this is not the folder of an MLC model"
    ],
    [
      "no manifest",
      (files) => files.delete("tensor-cache.json"),
      "tensor-cache.json and ndarray-cache.json are both missing: one must list the model's tensors"
    ],
    [
      "a web page instead of the config",
      (files) => files.set("mlc-chat-config.json", new TextEncoder().encode("<!doctype html>")),
      "mlc-chat-config.json: is not JSON"
    ],
    [
      "a manifest that is cut off",
      (files) => files.set("tensor-cache.json", files.get("tensor-cache.json")!.subarray(0, 900)),
      "tensor-cache.json: is not JSON"
    ],
    [
      "a manifest of bytes that are no text",
      (files) => files.set("tensor-cache.json", Uint8Array.of(0xff, 0xfe, 0x00)),
      "tensor-cache.json: is not JSON"
    ],
    [
      "another quantisation",
      (files) => editConfig(files, (config) => (config.quantization = "q4f32_1")),
      "mlc-chat-config.json: quantization is q4f32_1, but only q4f16_1 is read: use the model's q4f16_1 folder"
    ],
    [
      "another architecture",
      (files) => editConfig(files, (config) => (config.model_type = "llama")),
      "mlc-chat-config.json: model_type is llama, but only phi3 is supported: use a Phi-3 model"
    ],
    [
      "a field missing in the config",
      (files) => editConfig(files, ({model_config}) => delete model_config.hidden_size),
      "mlc-chat-config.json: model_config.hidden_size: "
    ],
    [
      "a size that the kernels cannot run",
      (files) => editConfig(files, ({model_config}) => (model_config.hidden_size = 200)),
      "mlc-chat-config.json: shape mlc: hidden size 200 is not a multiple of 32"
    ],
    [
      "scaled rotary embeddings",
      (files) => editConfig(files, ({model_config}) => (model_config.rope_scaling = {type: "longrope"})),
      "mlc-chat-config.json: model_config.rope_scaling: scaled rotary embeddings are not supported"
    ],
    [
      "a manifest without a field",
      (files) => editTensor(files, lmHead, (record) => delete record.nbytes),
      "tensor-cache.json: records.0.records.23.nbytes: "
    ],
    [
      "a shard outside the folder",
      (files) => editManifest(files, ({records}) => (records[0]!.dataPath = "../secret.bin")),
      "tensor-cache.json: records.0.dataPath: not a path inside the model's folder"
    ],
    [
      "a missing tensor",
      (files) =>
        editManifest(files, ({records: [shard]}) => {
          shard!.records = shard!.records.filter(({name}) => name !== normNames.final);
        }),
      "tensor-cache.json: tensor transformer.norm.weight is missing: the manifest is incomplete, fetch it again"
    ],
    [
      "a tensor of another model",
      (files) => editTensor(files, lmHead, (record) => (record.name = "lm_head.bias")),
      "tensor-cache.json: tensor lm_head.bias: is not part of a 2-layer phi3 model: the file belongs to another model"
    ],
    [
      "a tensor listed twice",
      (files) =>
        editManifest(files, ({records: [shard]}) => {
          shard!.records.push({...shard!.records.find(({name}) => name === lmHead)!});
        }),
      `tensor-cache.json: tensor ${lmHead}: is listed twice`
    ],
    [
      "a wrong dtype",
      (files) => editTensor(files, lmHead, (record) => (record.dtype = "int32")),
      `tensor-cache.json: tensor ${lmHead}: dtype is int32, expected uint32`
    ],
    [
      "float32, which is stored as bfloat16",
      (files) => editTensor(files, normNames.final, (record) => (record.dtype = "float32")),
      "tensor-cache.json: tensor transformer.norm.weight: dtype is float32 (stored as bfloat16), but q4f16_1 has float16"
    ],
    [
      "a shape that the config does not give",
      (files) => editTensor(files, lmHead, (record) => (record.shape = [24, 512])),
      `tensor-cache.json: tensor ${lmHead}: shape is [24, 512], expected [512, 24] from mlc-chat-config.json`
    ],
    [
      "a size that does not fit the shape",
      (files) => editTensor(files, lmHead, (record) => (record.nbytes = 49148)),
      `tensor-cache.json: tensor ${lmHead}: nbytes is 49148, but its shape and dtype take 49152 bytes`
    ],
    [
      "an offset beyond the shard",
      (files) => editTensor(files, lmHead, (record) => (record.byteOffset = 600_000)),
      `tensor-cache.json: tensor ${lmHead}: bytes 600000 to 649152 lie outside params_shard_0.bin, which has 610176`
    ],
    [
      "an offset that is not aligned",
      (files) => editTensor(files, lmHead, (record) => (record.byteOffset! += 2)),
      "is not a multiple of 4"
    ],
    [
      "tensors that overlap",
      (files) => editTensor(files, "transformer.embd.q_scale", (record) => (record.byteOffset = 49_148)),
      "tensor-cache.json: tensor transformer.embd.q_scale: overlaps tensor transformer.embd.q_weight in params_shard_0.bin"
    ],
    [
      "a missing shard",
      (files) => files.delete(shardName),
      "params_shard_0.bin: is missing (it holds transformer.embd.q_weight and others): fetch the file again"
    ],
    [
      "a shard that is cut off",
      (files) => files.set(shardName, files.get(shardName)!.subarray(0, 1000)),
      "params_shard_0.bin: has 1000 bytes, but the manifest says 610176 (it holds transformer.embd.q_weight and others)"
    ],
    ["an empty shard", (files) => files.set(shardName, new Uint8Array()), "params_shard_0.bin: has 0 bytes"],
    [
      "a flipped bit",
      (files) => (files.get(shardName)![300_000]! ^= 1),
      "but the manifest says be447d0bf0f4303372c040f603a1f3a2 (it holds transformer.embd.q_weight and others): fetch"
    ]
  ];

  it.each(cases)("is refused: %s", async (_, corrupt, message) => {
    const files = await tiny();
    corrupt(files);
    await expect(loadMlc(reader(files))).rejects.toThrow(message);
  });
});

describe("folderReader", () => {
  it("gives null for an absent file and names one that cannot be read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "mlc-"));
    onTestFinished(() => rm(folder, {recursive: true}));
    await writeFile(join(folder, "file"), "x");
    expect(await folderReader(folder)("absent.json")).toBeNull();
    expect(await folderReader(folder)("file")).toEqual(Buffer.from("x"));
    await expect(folderReader(folder)(".")).rejects.toThrow(`.: cannot be read from ${folder}`);
  });
});

type Files = Map<string, Uint8Array>;
type TensorRecord = {name: string; shape: number[]; dtype: string; nbytes?: number; byteOffset: number};
type Manifest = {records: {dataPath: string; md5sum?: string; nbytes: number; records: TensorRecord[]}[]};
type Config = {model_type: string; quantization: string; model_config: Record<string, unknown>};

function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

async function tiny(): Promise<Files> {
  const folder = fixture("phi3-tiny");
  const names = await readdir(folder);
  return new Map(
    await Promise.all(names.map(async (name) => [name, new Uint8Array(await readFile(join(folder, name)))] as const))
  );
}

function reader(files: Files): ReadFile {
  return async (path) => files.get(path) ?? null;
}

function editJson<T>(files: Files, name: string, edit: (value: T) => unknown): void {
  const value = JSON.parse(new TextDecoder().decode(files.get(name))) as T;
  edit(value);
  files.set(name, new TextEncoder().encode(JSON.stringify(value)));
}

function editConfig(files: Files, edit: (config: Config) => unknown): void {
  editJson(files, "mlc-chat-config.json", edit);
}

function editManifest(files: Files, edit: (manifest: Manifest) => unknown): void {
  editJson(files, "tensor-cache.json", edit);
}

function editTensor(files: Files, name: string, edit: (record: TensorRecord) => unknown): void {
  editManifest(files, ({records: [shard]}) => edit(shard!.records.find((record) => record.name === name)!));
}

/** Spreads the tensors over `count` shards, with their own sums. */
function splitShard(files: Files, count: number): void {
  const all = files.get(shardName)!;
  editManifest(files, (manifest) => {
    const {records} = manifest.records[0]!;
    manifest.records = Array.from({length: count}, (_, s) => {
      const mine = records.slice(
        Math.floor((s * records.length) / count),
        Math.floor(((s + 1) * records.length) / count)
      );
      const from = mine[0]!.byteOffset;
      const to = mine.at(-1)!.byteOffset + mine.at(-1)!.nbytes!;
      const dataPath = `params_shard_${s}.bin`;
      const bytes = all.slice(from, to);
      files.set(dataPath, bytes);
      return {
        dataPath,
        format: "raw-shard",
        nbytes: bytes.length,
        md5sum: createHash("md5").update(bytes).digest("hex"),
        records: mine.map((record) => ({...record, byteOffset: record.byteOffset - from}))
      };
    });
  });
}

/** A normal or zero float16, by its definition. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}
