import {allocate, finishWork, guard, GpuError, StalledError} from "../gpu/errors.js";
import type {Kernels} from "../gpu/kernels.js";
import {createPipeline, type PipelineOptions} from "../gpu/pipelines.js";
import {digestWgsl} from "../gpu/wgsl-digest.js";
import {activationLayout, layerCacheFloats, shapeConstants} from "../model/layout.js";
import type {Shape} from "../model/shape.js";
import {bindElsewhere, bindPlan, createBindGroupLayout} from "./decoder-bindings.js";
import {allocateMemory, perDispatchAt, poisonAt, tokensAt, type DecoderMemory} from "./decoder-memory.js";
import type {GpuWeights} from "./gpu-weights.js";
import {optionConstants} from "./kernel-options.js";
import {planLayerBinding, usableSlots} from "./layer-binding.js";
import {isOneKernel, linkConditions, planToken, type Dispatch, type Factoring, type Geometry} from "./plan.js";

/** One factoring with one geometry: what a row of an experiment runs. */
export interface DecoderOptions {
  shape: Shape;
  factoring: Factoring;
  geometry: Geometry;
  /**
   * The CPU waits for each dispatch before it submits the next one; by default only for the last of a run. Not where
   * workgroups wait for each other, or where a dispatch has several tokens.
   */
  awaited?: boolean;
  /** Each dispatch is a submit of its own, and the CPU waits only for the last of a run. */
  apart?: boolean;
}

/** A model on a GPU that decodes one token after another from its own KV cache. */
export interface Decoder {
  readonly shape: Shape;
  /** The dispatches of a token, in order. */
  readonly plan: readonly Step[];
  /** Names the code of the plan's pipelines with the values of their overrides (wgsl-digest.ts). */
  readonly wgsl: string;
  /** Tokens of one dispatch: more than one only in the fused factoring. */
  readonly tokensPerDispatch: number;
  /**
   * Forgets everything and sets the first tokens of the sequence, whose successors are not sampled. Decoding goes on at
   * `position`, 0 unless it is for timing only: the cache before it then holds whatever it held. What the GPU does not
   * take of it, the next run throws.
   */
  reset(prompt: readonly number[], position?: number): void;
  /**
   * Decodes the next `count` positions and resolves when the GPU has finished. Tokens follow each other on the GPU:
   * each position reads the prompt's token or the one that the position before chose (greedy).
   * @throws {StalledError} when its workgroups waited for each other in vain; `reset` starts anew.
   * @throws {GpuError} when the context would overflow, on any rejected call and when the device is lost.
   */
  run(count: number): Promise<void>;
  /**
   * Whether `workgroups` of a kernel whose workgroups wait for each other are all resident at once: they call to each
   * other and wait, boundedly, for all to have called. Forgets the sequence.
   */
  rollCall(workgroups: number): Promise<boolean>;
  /**
   * Fills the cache up to `position` with what it holds of the first `count` positions, over and over. What was decoded
   * after those is gone.
   * @throws {GpuError} on any rejected call and when the device is lost.
   */
  repeatCache(count: number, position: number): Promise<void>;
  /** Positions decoded since `reset`. */
  readonly position: number;
  /** Logits of the last position decoded: `vocabulary` floats. */
  readLogits(): Promise<Float32Array>;
  /** The sequence so far, the token just chosen included: `position + 1` ids, or the whole prompt. */
  readTokens(): Promise<number[]>;
  /** Frees the decoder's buffers; the weights stay. */
  destroy(): void;
}

/**
 * Tokens in one submit, at most: enough to hide a submit's cost. The first submits are smaller, so that the GPU starts
 * while the rest is still being encoded.
 */
const tokensPerSubmit = 4;

/**
 * Compiles the kernels of one factoring and allocates what it needs beside the weights.
 * @throws {GpuError} when a kernel does not compile or memory runs out, with nothing left allocated, or when a dispatch
 * would have to bind more buffers of layers than it can.
 * @throws {Error} when the options contradict each other.
 */
export async function createDecoder(
  device: GPUDevice,
  kernels: Kernels,
  weights: GpuWeights,
  options: DecoderOptions
): Promise<Decoder> {
  const {shape, factoring, geometry, awaited = false, apart = false} = options;
  const {layersPerSlot} = weights;
  const slots = {slots: weights.slots.length, layersPerSlot};
  const layers = planLayerBinding(shape, {factoring, ...geometry}, slots, device.limits);
  const plan = planToken(shape, factoring, geometry, layers.own);
  if (isOneKernel(factoring) && layers.slots > usableSlots(device.limits)) {
    throw new GpuError(`a dispatch can bind ${usableSlots(device.limits)} buffers of layers, not ${layers.slots}`);
  }
  if (awaited && waits(plan)) throw new GpuError("the CPU waits for dispatches only where workgroups do not wait");
  if (awaited && countsTokens(plan)) throw new GpuError("the CPU waits for dispatches only of one token or less");
  const memory = await allocateMemory(device, shape);
  try {
    const {layout, pipelineLayout} = await guard(device, `laying out the bindings of ${shape.label}`, () => {
      const layout = createBindGroupLayout(device, factoring, layers.slots);
      return {layout, pipelineLayout: device.createPipelineLayout({bindGroupLayouts: [layout]})};
    });
    const {pipelines, wgsl} = await compile(device, kernels, plan, {
      layout: pipelineLayout,
      conditions: linkConditions(factoring, geometry, layers.slots, weights.format),
      constants: {
        ...shapeConstants(shape, weights.format),
        ...optionConstants(geometry.options ?? {}),
        spin_limit: geometry.spinLimit,
        bests: plan.find(({path}) => path === "staged/lm_head.wgsl")?.workgroups ?? 1,
        layers_per_slot: layersPerSlot,
        team_lanes: geometry.lanesAreFixed ? geometry.lanes : 0
      }
    });
    const bindGroups = await guard(device, `binding the weights of ${shape.label}`, () =>
      bindPlan(device, layout, plan, weights, memory.buffers, shape, layers.slots)
    );
    const elsewhere = await guard(device, `binding the weights of ${shape.label} elsewhere`, () =>
      factoring === "staged" ? bindElsewhere(device, layout, weights, memory.buffers, shape) : []
    );
    const steps = plan.map((dispatch, i) => ({
      ...dispatch,
      pipeline: pipelines.get(dispatch.path)!,
      bindGroup: bindGroups[i]!,
      elsewhere: dispatch.bound === "ends" ? elsewhere : []
    }));
    return new PlannedDecoder(device, shape, steps, wgsl, memory, {
      tokensPerDispatch: countsTokens(plan) ? geometry.tokensPerDispatch : 1,
      layersPerDispatch: factoring === "chunked" ? geometry.layersPerDispatch : shape.layers,
      awaited,
      apart
    });
  } catch (error) {
    memory.destroy();
    throw error;
  }
}

/** Whether the workgroups of a dispatch wait for each other. */
function waits(plan: readonly Dispatch[]): boolean {
  return plan.some(({path}) => path === "fused_grid.wgsl");
}

/** Whether the state says how many tokens a dispatch decodes; it says how many layers of one token else. */
function countsTokens(plan: readonly Dispatch[]): boolean {
  return waits(plan) || plan.some(({path}) => path === "fused_tokens.wgsl");
}

/** A dispatch, ready to be recorded. */
export interface Step extends Dispatch {
  pipeline: GPUComputePipeline;
  bindGroup: GPUBindGroup;
  /**
   * Of a stage launched once a token: the same with weights of layers in place of its own, as many bytes that no cache
   * holds yet. For timing only.
   */
  elsewhere: readonly GPUBindGroup[];
}

class PlannedDecoder implements Decoder {
  position = 0;
  private promptLength = 0;
  private resets = 0;
  /** Whether the GPU took what `reset` wrote; a run waits for its own work first, so that it does not wait for this. */
  private written: Promise<void> = Promise.resolve();

  constructor(
    private readonly device: GPUDevice,
    readonly shape: Shape,
    readonly plan: readonly Step[],
    readonly wgsl: string,
    private readonly memory: DecoderMemory,
    private readonly launch: Pick<Geometry, "tokensPerDispatch" | "layersPerDispatch"> & {
      awaited: boolean;
      apart: boolean;
    }
  ) {}

  get tokensPerDispatch() {
    return this.launch.tokensPerDispatch;
  }

  reset(prompt: readonly number[], position = 0) {
    const {context, vocabulary} = this.shape;
    if (prompt.length < 1 || prompt.length > context) {
      throw new GpuError(`a prompt of ${prompt.length} tokens does not fit a context of ${context}`);
    }
    const wrong = prompt.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabulary);
    if (wrong !== undefined) throw new GpuError(`token ${wrong} is outside the vocabulary of ${vocabulary}`);
    if (position >= prompt.length) throw new GpuError(`no token is given for position ${position}`);
    this.position = position;
    this.promptLength = prompt.length;
    this.writeState({position, promptLength: prompt.length, tokens: prompt});
  }

  async rollCall(workgroups: number) {
    if (!waits(this.plan)) throw new GpuError("only workgroups that wait for each other have a roll call");
    const [step] = this.plan;
    this.promptLength = 0;
    this.writeState({position: 0, promptLength: 0, tokens: [0], perDispatch: 0});
    await guard(this.device, `the roll call of ${workgroups} workgroups`, () => this.submit([{...step!, workgroups}]));
    await this.written;
    return !(await this.isPoisoned());
  }

  async run(count: number) {
    const {context} = this.shape;
    if (this.promptLength === 0) throw new GpuError("no prompt was set before decoding");
    if (this.position + count > context) {
      throw new GpuError(`${this.position} + ${count} positions do not fit a context of ${context}`);
    }
    this.position += count;
    if (this.launch.awaited) return this.runAwaited(count);
    const {tokensPerDispatch} = this.launch;
    const dispatches = Math.floor(count / tokensPerDispatch);
    const rest = count % tokensPerDispatch;
    await guard(this.device, "decoding", () => {
      for (let done = 0; done < dispatches;) {
        const tokens = Math.min(dispatches - done, tokensPerSubmit, Math.max(1, done));
        this.submitTokens(tokens);
        done += tokens;
      }
      if (rest > 0) {
        this.writePerDispatch(rest);
        this.submit(this.plan);
        this.writePerDispatch(tokensPerDispatch);
      }
    });
    await this.written;
    if (!waits(this.plan)) {
      await finishWork(this.device, "decoding");
    } else if (await this.isPoisoned()) {
      // which is read when all work is done
      const {workgroups} = this.plan[0]!;
      throw new StalledError(
        `the ${workgroups} workgroups of a dispatch waited for each other in vain: they were not all resident at once, ` +
          `or one stopped. The run is discarded; use fewer workgroups.`
      );
    }
  }

  async repeatCache(count: number, position: number) {
    const {device, shape} = this;
    const {cache} = this.memory.buffers;
    const half = 2 * layerCacheFloats(shape); // bytes of the keys, or of the values, of a layer
    const stride = half / shape.context;
    const copies = await allocate(device, "allocating a copy of a few positions", () =>
      device.createBuffer({size: count * stride, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST})
    );
    try {
      await guard(device, "filling the KV cache", () => {
        const encoder = device.createCommandEncoder();
        for (let at = 0; at < cache.size; at += half) {
          encoder.copyBufferToBuffer(cache, at, copies, 0, copies.size);
          for (let p = count; p < position; p += count) {
            encoder.copyBufferToBuffer(copies, 0, cache, at + p * stride, Math.min(count, position - p) * stride);
          }
        }
        device.queue.submit([encoder.finish()]);
      });
    } finally {
      copies.destroy();
    }
  }

  async readLogits() {
    const {buffers, logits} = this.memory;
    return new Float32Array(await logits.read(buffers.activations, 4 * activationLayout(this.shape).logits));
  }

  async readTokens() {
    const {buffers, tokens} = this.memory;
    await this.written;
    const ids = new Uint32Array(await tokens.read(buffers.state, 4 * tokensAt));
    return [...ids.subarray(0, Math.max(this.position + 1, this.promptLength))];
  }

  destroy() {
    this.memory.destroy();
  }

  /** Each dispatch in a submit of its own, which the CPU waits for. */
  private async runAwaited(count: number) {
    const {device, resets} = this;
    for (let token = 0; token < count; ++token) {
      for (const step of this.plan) {
        if (resets !== this.resets) throw new GpuError("the sequence was reset while it was decoded");
        const accepted = guard(device, "decoding", () => this.submit([step]));
        await Promise.all([this.written, accepted, finishWork(device, "decoding")]);
      }
    }
  }

  /** @param perDispatch tokens of a dispatch where the kernel counts them, else layers */
  private writeState({
    position,
    promptLength,
    tokens,
    perDispatch = countsTokens(this.plan) ? this.launch.tokensPerDispatch : this.launch.layersPerDispatch
  }: {
    position: number;
    promptLength: number;
    tokens: readonly number[];
    perDispatch?: number;
  }) {
    this.resets += 1;
    const words = [position, promptLength, perDispatch, 0, 0, ...tokens];
    const {device} = this;
    const {state, activations} = this.memory.buffers;
    this.written = guard(device, "setting the sequence", () => {
      device.queue.writeBuffer(state, 0, new Uint32Array(words));
      if (!waits(this.plan)) return;
      const encoder = device.createCommandEncoder();
      encoder.clearBuffer(activations); // a word left over must not pass for a new one
      device.queue.submit([encoder.finish()]);
    });
    this.written.catch(() => {}); // the next run throws it
  }

  private writePerDispatch(tokens: number) {
    this.device.queue.writeBuffer(this.memory.buffers.state, 4 * perDispatchAt, new Uint32Array([tokens]));
  }

  private async isPoisoned(): Promise<boolean> {
    const {buffers, poison} = this.memory;
    return new Uint32Array(await poison.read(buffers.state, 4 * poisonAt))[0] !== 0;
  }

  private submitTokens(count: number) {
    if (!this.launch.apart) return this.submit(this.plan, count);
    for (let token = 0; token < count; ++token) {
      for (const step of this.plan) this.submit([step]);
    }
  }

  /** Submits the steps, `times` over. */
  private submit(steps: readonly Step[], times = 1) {
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let bound: GPUBindGroup | undefined;
    for (let time = 0; time < times; ++time) {
      for (const {pipeline, bindGroup, workgroups} of steps) {
        pass.setPipeline(pipeline);
        if (bindGroup !== bound) pass.setBindGroup(0, (bound = bindGroup));
        pass.dispatchWorkgroups(workgroups);
      }
    }
    pass.end();
    this.device.queue.submit([encoder.finish()]);
  }
}

async function compile(
  device: GPUDevice,
  kernels: Kernels,
  plan: readonly Dispatch[],
  {constants, ...options}: Omit<PipelineOptions, "path"> & {constants: Record<string, number>}
): Promise<{pipelines: Map<string, GPUComputePipeline>; wgsl: string}> {
  const kinds = new Map(plan.map((dispatch) => [dispatch.path, dispatch]));
  const ofKinds = Array.from(kinds.values(), ({path, ...kernel}): PipelineOptions => ({
    ...options,
    path,
    constants: {
      ...constants,
      workgroup_size: kernel.workgroupSize,
      qkv_rows: kernel.qkvRows,
      read_ahead: kernel.readAhead,
      gate_up_rows: kernel.teamRows,
      lm_head_rows: kernel.teamRows,
      product_rows: kernel.teamRows,
      residual_rows: kernel.residualRows,
      tile_groups: kernel.tileGroups
    }
  }));
  const pipelines = await Promise.all(
    ofKinds.map(async (one) => [one.path, await createPipeline(device, kernels, one)] as const)
  );
  return {pipelines: new Map(pipelines), wgsl: await digestWgsl(kernels, ofKinds)};
}
