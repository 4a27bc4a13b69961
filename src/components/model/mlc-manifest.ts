import * as z from "zod";
import {checkShape, groupSize, type Shape} from "./shape.js";
import {modelMatrices, modelNorms} from "./weights.js";

/** Names a manifest may have: MLC renamed NDArray to Tensor in September 2025; both have one schema. */
export const manifestNames = ["tensor-cache.json", "ndarray-cache.json"] as const;

export const configName = "mlc-chat-config.json";

const size = z.int().positive();
const offset = z.int().nonnegative();

const recordSchema = z.object({
  name: z.string().min(1),
  shape: z.array(size).min(1),
  dtype: z.string(),
  nbytes: size,
  byteOffset: offset
});

const manifestSchema = z.object({
  records: z
    .array(
      z.object({
        dataPath: z
          .string()
          .regex(/^(?!\.{1,2}(\/|$))[\w.-]+(\/(?!\.{1,2}(\/|$))[\w.-]+)*$/, "not a path inside the model's folder"),
        format: z.literal("raw-shard"),
        nbytes: size,
        md5sum: z
          .string()
          .regex(/^[0-9a-f]{32}$/i, "not an MD5 sum in hexadecimal")
          .optional(),
        records: z.array(recordSchema)
      })
    )
    .min(1)
});

const configSchema = z.object({model_type: z.string(), quantization: z.string(), model_config: z.unknown()});

const modelConfigSchema = z.object({
  hidden_size: size,
  vocab_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  intermediate_size: size,
  rms_norm_eps: z.number().positive(),
  position_embedding_base: z.number().positive(),
  context_window_size: size,
  rope_scaling: z.null("scaled rotary embeddings are not supported").optional(),
  partial_rotary_factor: z.literal(1, "partial rotary embeddings are not supported").optional()
});

/** A tensor as the manifest describes it; `byteOffset` counts from the start of its shard. */
export type TensorRecord = z.infer<typeof recordSchema> & {dtype: "uint32" | "float16"};

/** One file of weights and the tensors in it. */
export interface Shard {
  dataPath: string;
  nbytes: number;
  md5sum?: string | undefined;
  records: TensorRecord[];
}

/**
 * Reads `mlc-chat-config.json` as a shape.
 * @param id the shape's id: the name of the folder or of the model
 * @throws {Error} naming the file and the field, when it is not a Phi-3 model in q4f16_1 that the kernels can run.
 */
export function parseConfig(bytes: Uint8Array, id: string): Shape {
  const config = parseJson(configName, bytes, configSchema);
  if (config.quantization !== "q4f16_1") {
    fail(
      configName,
      `quantization is ${config.quantization}, but only q4f16_1 is read: use the model's q4f16_1 folder`
    );
  }
  if (config.model_type !== "phi3") {
    fail(configName, `model_type is ${config.model_type}, but only phi3 is supported: use a Phi-3 model`);
  }
  const model = parseValue(configName, config.model_config, modelConfigSchema, ["model_config"]);
  const {num_attention_heads: heads, hidden_size: hidden} = model;
  try {
    return checkShape({
      id,
      label: `${id}, ${model.num_hidden_layers} layers of ${hidden}`,
      hidden,
      layers: model.num_hidden_layers,
      heads,
      kvHeads: model.num_key_value_heads ?? heads,
      headDim: model.head_dim ?? hidden / heads,
      ffn: model.intermediate_size,
      vocabulary: model.vocab_size,
      ropeTheta: model.position_embedding_base,
      epsilon: model.rms_norm_eps,
      context: model.context_window_size
    });
  } catch (error) {
    return fail(configName, (error as Error).message);
  }
}

/**
 * Reads a manifest and checks it against the shape, before any weight is read: every tensor of the model is there
 * once, with its shape, its type and its bytes, and lies inside its shard apart from the others.
 *
 * A record's `format` is ignored. MLC writes "f32-to-bf16" on every one, and it is an encoding only where `dtype` is
 * float32, which q4f16_1 does not have and which is refused.
 * @param file the manifest's name, for messages
 * @throws {Error} naming the file and the tensor.
 */
export function parseManifest(file: string, bytes: Uint8Array, shape: Shape): Shard[] {
  const {records: shards} = parseJson(file, bytes, manifestSchema);
  const tensors = expectedTensors(shape);
  const seen = new Set<string>();
  for (const shard of shards) {
    let end = 0;
    let previous = "";
    for (const record of shard.records.toSorted((a, b) => a.byteOffset - b.byteOffset)) {
      const {name, dtype, nbytes, byteOffset} = record;
      const failTensor = (problem: string) => fail(file, `tensor ${name}: ${problem}`);
      const expected = tensors.get(name);
      if (!expected) {
        return failTensor(`is not part of a ${shape.layers}-layer phi3 model: the file belongs to another model`);
      }
      if (seen.has(name)) failTensor("is listed twice");
      seen.add(name);
      if (dtype !== expected.dtype) {
        failTensor(
          dtype === "float32"
            ? `dtype is float32 (stored as bfloat16), but q4f16_1 has ${expected.dtype} here: convert the model with q4f16_1`
            : `dtype is ${dtype}, expected ${expected.dtype}`
        );
      }
      if (String(record.shape) !== String(expected.shape)) {
        failTensor(`shape is [${record.shape.join(", ")}], expected [${expected.shape.join(", ")}] from ${configName}`);
      }
      const size = elementBytes[expected.dtype] * expected.shape.reduce((product, n) => product * n, 1);
      if (nbytes !== size) failTensor(`nbytes is ${nbytes}, but its shape and dtype take ${size} bytes`);
      if (byteOffset % 4) failTensor(`byteOffset ${byteOffset} is not a multiple of 4`);
      if (byteOffset + nbytes > shard.nbytes) {
        failTensor(
          `bytes ${byteOffset} to ${byteOffset + nbytes} lie outside ${shard.dataPath}, which has ${shard.nbytes}`
        );
      }
      if (byteOffset < end) failTensor(`overlaps tensor ${previous} in ${shard.dataPath}`);
      end = byteOffset + nbytes;
      previous = name;
    }
  }
  const [missing, ...others] = [...tensors.keys()].filter((name) => !seen.has(name));
  if (missing) {
    const more = others.length ? ` and ${others.length} more` : "";
    fail(file, `tensor ${missing} is missing${more}: the manifest is incomplete, fetch it again`);
  }
  return shards as Shard[];
}

const elementBytes = {uint32: 4, float16: 2};

/** Every tensor a shape has, with its type and its shape as the manifest must list them. */
function expectedTensors(shape: Shape): Map<string, {dtype: "uint32" | "float16"; shape: number[]}> {
  const tensors = new Map<string, {dtype: "uint32" | "float16"; shape: number[]}>();
  for (const [name, {rows, columns}] of modelMatrices(shape)) {
    tensors.set(`${name}.q_weight`, {dtype: "uint32", shape: [rows, columns / 8]});
    tensors.set(`${name}.q_scale`, {dtype: "float16", shape: [rows, columns / groupSize]});
  }
  for (const name of modelNorms(shape)) tensors.set(name, {dtype: "float16", shape: [shape.hidden]});
  return tensors;
}

/**
 * Reads JSON of a model's folder.
 * @throws {Error} naming the file and the first thing in it that does not fit the schema.
 */
export function parseJson<T>(file: string, bytes: Uint8Array, schema: z.ZodType<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", {fatal: true}).decode(bytes));
  } catch (error) {
    return fail(file, `is not JSON (${(error as Error).message}): fetch it again, or check the address`);
  }
  return parseValue(file, value, schema);
}

function parseValue<T>(file: string, value: unknown, schema: z.ZodType<T>, path: string[] = []): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = [...path, ...issue!.path].join(".") || "the top level";
  return fail(file, `${where}: ${issue!.message}`);
}

function fail(file: string, problem: string): never {
  throw new Error(`${file}: ${problem}`);
}
