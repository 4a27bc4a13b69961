import {arithmetics, type Arithmetic} from "../decode/plan.js";
import {runSteps} from "../decode/run-steps.js";
import {bytesPerToken, callsPerToken, stageOf, stages, type Part} from "../decode/stages.js";
import type {Gpu} from "../gpu/device.js";
import {featuresOf, type KernelFeature} from "../gpu/kernels.js";
import {PassTimer, timestampsTell, type GpuTime} from "../gpu/pass-timer.js";
import type {Shape} from "../model/shape.js";
import type {DecodeSubject} from "./decode-subject.js";
import {timedFrom} from "./expected.js";
import {decodeVariants, type DecodeEnvironment, type Session} from "./decode-variant.js";
import type {Experiment, PrepareContext, ProfileIdentity, Variant} from "./experiment.js";
import type {Verification} from "./record.js";
import type {Subject} from "./subject.js";

/** What each stage of the staged design takes of a token, each timed alone, beside whole tokens. */
export function stagesExperiment(environment: DecodeEnvironment): Experiment {
  return {
    id: "stages",
    question: "Where do 228 dispatches spend a token?",
    shapes: ["tiny", "phi3-mini-1-layer", "phi3-mini-8-layers", "phi3-mini"],
    defaultShape: "phi3-mini-1-layer",
    page: "/staged",
    position: timedFrom,
    // Called anew for each run, whose variants share what they can.
    variants(shape: Shape) {
      const models = new Models(environment, shape);
      return arithmetics.flatMap((arithmetic) => [
        ...stages.map((stage) => partVariant(models, stage, arithmetic, true)),
        partVariant(models, "token", arithmetic, true),
        partVariant(models, "token", arithmetic, false)
      ]);
    }
  };
}

function partVariant(models: Models, part: Part, arithmetic: Arithmetic, instrumented: boolean): Variant {
  const {shape} = models;
  const name = part === "token" && !instrumented ? "token-wall" : part;
  const identity: ProfileIdentity = {
    variant: `${name}${arithmetic === "int16" ? "-int16" : ""}`,
    label: [name === "token" ? "Whole token, one pass" : name === "token-wall" ? "Whole token, wall clock" : part]
      .concat(arithmetic === "int16" ? "16-bit" : [])
      .join(", "),
    part,
    instrumented,
    arithmetic,
    calls: callsPerToken(shape, part),
    bytes: bytesPerToken(shape, part, timedFrom(shape)),
    workgroups: null,
    workgroupSize: null,
    features: []
  };
  return {
    identity,
    instrumented,
    unsupported: (gpu) => models.variant(arithmetic, gpu).unsupported(gpu),
    async prepare(context) {
      const model = await models.open(arithmetic, context);
      return new PartSubject(model, part, instrumented);
    }
  };
}

/** A decoder with what the parts of it share. */
interface Model {
  subject: DecodeSubject;
  gpu: Gpu;
  features: readonly KernelFeature[];
  /** Undefined where the device has no timestamps. */
  timer: PassTimer | undefined;
  verification?: Promise<Verification>;
  /** What a whole token is predicted to take. */
  predicted?: Promise<number>;
  /** Whether the timer tells a time that may be true. */
  timerTells?: Promise<boolean>;
  users: number;
  /** Frees it with its last user. */
  close(): void;
}

/** The decoders of one run: one of each arithmetic on each device. All are checked against the same reference. */
class Models {
  private readonly sessions = new WeakMap<Gpu, Session>();
  private readonly opened = new Map<Gpu, Map<Arithmetic, Model>>();
  private expected: Session["expected"];

  constructor(
    private readonly environment: DecodeEnvironment,
    readonly shape: Shape
  ) {}

  /** The staged factoring, with subgroups where the device has them. */
  variant(arithmetic: Arithmetic, gpu: Gpu): Variant {
    const row = {
      variant: "staged",
      label: "Staged",
      factoring: "staged",
      features: featuresOf(gpu.description),
      arithmetic
    } as const;
    return decodeVariants(this.environment, this.shape, [row], this.sessions)[0]!;
  }

  /** @throws what making a decoder throws; nothing of it stays allocated then. */
  async open(arithmetic: Arithmetic, context: PrepareContext): Promise<Model> {
    const {gpu} = context;
    const models = this.opened.get(gpu) ?? new Map<Arithmetic, Model>();
    this.opened.set(gpu, models);
    const known = models.get(arithmetic);
    if (known) {
      known.users += 1;
      return known;
    }
    const session: Session = this.sessions.get(gpu) ?? {...(this.expected && {expected: this.expected})};
    this.sessions.set(gpu, session);
    const subject = (await this.variant(arithmetic, gpu).prepare(context)) as DecodeSubject;
    this.expected = session.expected;
    let timer: PassTimer | undefined;
    try {
      if (gpu.device.features.has("timestamp-query")) timer = await PassTimer.create(gpu.device);
    } catch (error) {
      subject.destroy();
      throw error;
    }
    const close = () => {
      models.delete(arithmetic);
      timer?.destroy();
      subject.destroy();
    };
    const model: Model = {subject, gpu, features: featuresOf(gpu.description), timer, users: 1, close};
    models.set(arithmetic, model);
    return model;
  }
}

/** One stage of all layers, or a whole token, again and again from the middle of the context. A unit is a token's. */
class PartSubject implements Subject {
  /** As many as make a pass of `passMilliseconds`, once it is known what a unit takes. */
  leastUnits = 1;
  readonly maxUnits: number;
  private readonly steps;
  /** Set once the timer was seen to tell a time. */
  private timer: PassTimer | undefined;
  private destroyed = false;

  constructor(
    private readonly model: Model,
    private readonly part: Part,
    private readonly instrumented: boolean
  ) {
    const {plan, shape} = model.subject.decoder;
    this.steps = part === "token" ? plan : plan.filter(({path}) => stageOf(path) === part);
    const room = shape.context - timedFrom(shape);
    this.maxUnits = part === "token" ? room : Math.max(1, Math.floor(mostDispatches / this.steps.length));
  }

  get features() {
    return this.model.features;
  }

  get workgroups() {
    return this.part === "token" ? undefined : this.steps[0]!.workgroups;
  }

  get workgroupSize() {
    return this.part === "token" ? undefined : this.steps[0]!.workgroupSize;
  }

  /** What a whole token is predicted to take, as long as its check is yet to come; then a part of that, by its bytes. */
  async predictedMillisecondsPerUnit(signal: AbortSignal) {
    const {model, part} = this;
    const {shape} = model.subject.decoder;
    const token = await (model.predicted ??= model.subject.predictedMillisecondsPerUnit(signal));
    if (!model.verification) return token;
    return (token * bytesPerToken(shape, part, timedFrom(shape))) / bytesPerToken(shape, "token", 0);
  }

  async verify(signal: AbortSignal): Promise<Verification> {
    const {model} = this;
    const verification = await (model.verification ??= model.subject.verify(signal));
    if (this.instrumented && model.timer && (await (model.timerTells ??= this.tryTimer(model.timer, signal)))) {
      this.timer = model.timer;
    }
    return verification;
  }

  async run(units: number): Promise<GpuTime | void> {
    const {subject, gpu} = this.model;
    subject.restart();
    if (this.part === "token" && !this.timer) return subject.decoder.run(units);
    const time = await runSteps(gpu.device, this.steps, units, this.timer);
    if (time && time.milliseconds > 0) this.leastUnits = Math.ceil((passMilliseconds * units) / time.milliseconds);
    return time;
  }

  destroy() {
    if (this.destroyed) return;
    this.destroyed = true;
    if (--this.model.users === 0) this.model.close();
  }

  /** Times whole tokens by timestamps and by the CPU's clock. */
  private tryTimer(timer: PassTimer, signal: AbortSignal): Promise<boolean> {
    const {subject, gpu} = this.model;
    const {plan, shape} = subject.decoder;
    return timestampsTell(shape.context - timedFrom(shape), async (tokens) => {
      signal.throwIfAborted();
      subject.restart();
      const start = performance.now();
      const time = await runSteps(gpu.device, plan, tokens, timer);
      return {time: time!, wall: performance.now() - start};
    });
  }
}

/** A pass that is timed lasts about so long at least, so that rounding its time to 0.1 ms is 1 % of it. */
const passMilliseconds = 10;

/** In one pass. With an empty dispatch of half a microsecond it is still long enough for rounded timestamps. */
const mostDispatches = 10_000;
