import type {Decoder} from "../decode/decoder.js";
import type {Geometry} from "../decode/plan.js";
import {compareLogits} from "../model/reference.js";
import {weightBytesPerToken, type WeightFormat} from "../model/shape.js";
import {timedFrom, type Expected} from "./expected.js";
import type {KernelRecord, Verification} from "./record.js";
import {VerificationError, type Subject} from "./subject.js";

/** What a subject is verified by, and what a unit of it is. */
interface SubjectTerms {
  tolerance: number;
  weightFormat: WeightFormat;
  /** Of a unit, which is a whole dispatch where one has several tokens. */
  tokensPerDispatch: number;
  geometry: Pick<Geometry, "lanes" | "options" | "features">;
}

/** One factoring of a synthetic model, ready to be verified and timed. */
export class DecodeSubject implements Subject {
  readonly maxUnits: number;

  constructor(
    readonly decoder: Decoder,
    private readonly expected: Expected,
    private readonly terms: SubjectTerms,
    private readonly createPart: () => Promise<Decoder>
  ) {
    this.maxUnits = Math.floor((decoder.shape.context - timedFrom(decoder.shape)) / terms.tokensPerDispatch);
  }

  /** Of the one kernel; where there are many, each stage has its own. */
  get workgroups() {
    return this.dispatch?.workgroups;
  }

  get workgroupSize() {
    return this.dispatch?.workgroupSize;
  }

  get kernel(): KernelRecord | undefined {
    if (!this.dispatch) return undefined;
    const {teamRows, qkvRows, residualRows, readAhead, tileGroups} = this.dispatch;
    const {lanes, options} = this.terms.geometry;
    return {lanes, teamRows, qkvRows, residualRows, readAhead, tileGroups, ...(options && {options: {...options}})};
  }

  get wgsl() {
    return this.decoder.wgsl;
  }

  get features() {
    return this.terms.geometry.features;
  }

  async predictedMillisecondsPerUnit(signal: AbortSignal) {
    const {shape} = this.decoder;
    const {weightFormat, tokensPerDispatch} = this.terms;
    const part = await this.createPart();
    try {
      part.reset([0]);
      await part.run(1); // the first run pays for the driver's own compilation
      signal.throwIfAborted();
      const start = performance.now();
      await part.run(tokensPerDispatch);
      const milliseconds = performance.now() - start;
      const share = weightBytesPerToken(part.shape, weightFormat) / weightBytesPerToken(shape, weightFormat);
      return milliseconds / share;
    } finally {
      part.destroy();
    }
  }

  async verify(signal: AbortSignal): Promise<Verification> {
    const {decoder, expected} = this;
    const {tolerance} = this.terms;
    const {prompt, logits, timed, chosen} = expected;
    decoder.reset(prompt);
    let maxRelativeError = 0;
    const verifyPosition = async (position: number, reference: Float64Array) => {
      signal.throwIfAborted();
      await decoder.run(1);
      const error = compareLogits(await decoder.readLogits(), reference);
      if (!(error <= tolerance)) {
        throw new VerificationError(
          `logits at position ${position} differ from the float64 reference by ${error.toExponential(1)}, more than ${tolerance}`
        );
      }
      maxRelativeError = Math.max(maxRelativeError, error);
    };
    for (const [position, reference] of logits.entries()) await verifyPosition(position, reference);
    const tokens = (await decoder.readTokens()).slice(prompt.length);
    if (tokens.join() !== chosen.join()) {
      throw new VerificationError(
        `greedy tokens are ${tokens.join(", ")}; the float64 reference has ${chosen.join(", ")}`
      );
    }
    await decoder.repeatCache(logits.length, timed.position);
    decoder.reset(Array<number>(timed.position + 1).fill(timed.token), timed.position);
    await verifyPosition(timed.position, timed.logits);
    if (decoder.tokensPerDispatch > 1) await this.verifyFullDispatch(signal);
    return {
      against: "float64 CPU reference",
      positions: logits.length + 1,
      maxRelativeError,
      tolerance,
      tokens: chosen.length
    };
  }

  /**
   * Several tokens in one dispatch and the rest, against as many dispatches of one token each, which go the way that
   * was just compared with the reference. They come second: what they leave behind would pass for what a dispatch did.
   */
  private async verifyFullDispatch(signal: AbortSignal): Promise<void> {
    const {decoder, expected, terms} = this;
    const {tokensPerDispatch} = decoder;
    const count = tokensPerDispatch + 1;
    decoder.reset(expected.prompt);
    await decoder.run(count);
    const [together, logits] = [await decoder.readTokens(), await decoder.readLogits()];
    decoder.reset(expected.prompt);
    for (let i = 0; i < count; ++i) {
      signal.throwIfAborted();
      await decoder.run(1);
    }
    const tokens = await decoder.readTokens();
    const error = compareLogits(logits, await decoder.readLogits());
    if (together.join() !== tokens.join() || !(error <= terms.tolerance)) {
      throw new VerificationError(
        `${tokensPerDispatch} tokens in one dispatch are ${together.join(", ")}, and one by one ${tokens.join(", ")}; ` +
          `the last logits differ by ${error.toExponential(1)}`
      );
    }
  }

  restart() {
    const {prompt} = this.expected;
    const position = timedFrom(this.decoder.shape);
    const tokens = Array.from({length: position + 1}, (_, i) => prompt[i % prompt.length]!);
    this.decoder.reset(tokens, position);
  }

  async run(units: number) {
    const tokens = units * this.terms.tokensPerDispatch;
    if (this.decoder.position + tokens > this.decoder.shape.context) this.restart();
    await this.decoder.run(tokens);
  }

  destroy() {
    this.decoder.destroy();
  }

  private get dispatch() {
    const [first, ...others] = this.decoder.plan;
    return others.every(({path}) => path === first!.path) ? first : undefined;
  }
}
