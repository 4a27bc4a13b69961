import type {DeviceDescription} from "../gpu/device.js";
import {endsLayout, layerCacheFloats, layerLayout} from "../model/layout.js";
import {checkShape, groupSize, layerMatrices, type Shape} from "../model/shape.js";
import {packedDot, whyUnsupported} from "./fit.js";
import {planSlots} from "./gpu-weights.js";
import {defaultGeometry} from "./geometry.js";
import {planLayerBinding, usableSlots} from "./layer-binding.js";
import {divideLayers, planToken, type Arithmetic, type Factoring} from "./plan.js";
import {groupBytes} from "./workgroup-memory.js";

/** What a device offers: enough to say what fits, with no device opened. */
export type Offer = Pick<DeviceDescription, "features" | "limits">;

/** Bytes of everything that a shape takes, as the kernels have it. */
export interface Sizes {
  /** Weights, scales and norms of a layer; of the embedding, the LM head and the final norm. */
  layer: number;
  ends: number;
  /** Keys and values of a layer in float32, over the context. */
  layerCache: number;
  /** All layers and the ends, the whole KV cache with them. */
  all: number;
}

export function sizesOf(shape: Shape): Sizes {
  const layer = layerLayout(shape, 0).bytes;
  const ends = endsLayout(shape).bytes;
  const layerCache = 4 * layerCacheFloats(shape);
  return {layer, ends, layerCache, all: shape.layers * (layer + layerCache) + ends};
}

/** The input of the widest matrix in workgroup memory: as much of it at once as finds room beside the rest. */
export interface ActivationTile {
  arithmetic: Arithmetic;
  workgroupSize: number;
  /** Groups of 32 activations of the whole input, those that are there at once, and how often they are filled. */
  groups: number;
  tileGroups: number;
  pieces: number;
  /** Bytes of a group: float32, or 16-bit integers with their scale and sum. */
  groupBytes: number;
}

/** The tile of the fused kernel in one workgroup, in the better of the arithmetics that the device offers. */
export function activationTile(shape: Shape, {features, limits}: Offer): ActivationTile {
  const arithmetic: Arithmetic = features.includes(packedDot) ? "int16" : "float32";
  const used = features.includes("subgroups") ? (["subgroups"] as const) : [];
  const geometry = defaultGeometry(shape, used, {limits}, arithmetic);
  const [{workgroupSize, tileGroups}] = planToken(shape, "fused", geometry) as [ReturnType<typeof planToken>[number]];
  const groups = Math.max(...Object.values(layerMatrices(shape)).map(({columns}) => columns)) / groupSize;
  const pieces = Math.ceil(groups / tileGroups);
  return {arithmetic, workgroupSize, groups, tileGroups, pieces, groupBytes: groupBytes[arithmetic]};
}

/** Bindings that the layers take in one dispatch, of those it has for them; null where not even a layer fits one. */
export function layerBindings(shape: Shape, {limits}: Offer): number | null {
  try {
    return planSlots(shape, limits).slots;
  } catch {
    return null;
  }
}

/** Why a shape does not fit, by the limits alone, in a sentence; null where it does. How much memory there is is not known. */
export function whyNoFit(shape: Shape, factoring: Factoring, {limits}: Offer): string | null {
  return whyUnsupported({shape, factoring, features: []}, {features: [], limits});
}

/** A division of the layers over dispatches of one workgroup. */
export interface Division {
  dispatches: number;
  /** Bindings that the layers of a dispatch take. */
  bindings: number;
}

/** The division into the fewest dispatches that fit, by the limits alone; null where not even a layer in each does. */
export function fewestDispatches(shape: Shape, offer: Offer): Division | null {
  if (whyNoFit(shape, "chunked", offer) !== null) return null;
  const {limits} = offer;
  const slots = planSlots(shape, limits);
  for (let dispatches = Math.ceil(slots.slots / usableSlots(limits)); ; ++dispatches) {
    const layersPerDispatch = divideLayers(shape, dispatches);
    if (layersPerDispatch === null) continue;
    const launch = {factoring: "chunked", layersPerDispatch} as const;
    if (whyUnsupported({shape, ...launch, features: []}, {features: [], limits}) !== null) continue;
    return {dispatches, bindings: planLayerBinding(shape, launch, slots, limits).slots};
  }
}

/** The largest that fits, and why one step more does not; null for a search that ended at its own end. */
export interface Largest {
  value: number;
  reason: string | null;
}

/** The most layers of this shape that fit, 0 where not one does; at most `most`. */
export function mostLayers(shape: Shape, factoring: Factoring, offer: Offer, most = 2 ** 20): Largest {
  return largest(most, (layers) => whyNoFit({...shape, layers}, factoring, offer));
}

/** The largest hidden size that fits with the layers that the shape has, all else in proportion; at most `most`. */
export function largestHidden(shape: Shape, factoring: Factoring, offer: Offer, most = 2 ** 17): Largest {
  const step = hiddenStep(shape);
  const {value, reason} = largest(Math.floor(most / step), (steps) =>
    whyNoFit(scaleShape(shape, {hidden: steps * step}), factoring, offer)
  );
  return {value: value * step, reason};
}

/** Hidden sizes of a model with the same heads come in steps: a group of heads that share keys and values each. */
export function hiddenStep({headDim, heads, kvHeads}: Shape): number {
  const group = headDim * (heads / kvHeads);
  return leastCommonMultiple(group, groupSize);
}

/**
 * A model of other size with heads of the same size, as many to a KV head, and an FFN in proportion.
 * @throws {Error} naming the step, when the hidden size does not divide into whole heads.
 */
export function scaleShape(shape: Shape, change: Partial<Pick<Shape, "hidden" | "layers" | "vocabulary" | "context">>) {
  const {hidden = shape.hidden} = change;
  const step = hiddenStep(shape);
  if (!(hidden > 0) || hidden % step !== 0) {
    throw new Error(`a hidden size of ${hidden} is no multiple of ${step}, a group of heads of ${shape.headDim}`);
  }
  const heads = hidden / shape.headDim;
  const ffn = Math.max(1, Math.round((shape.ffn * hidden) / shape.hidden / groupSize)) * groupSize;
  return checkShape({...shape, ...change, heads, kvHeads: (heads * shape.kvHeads) / shape.heads, ffn});
}

/** The largest n up to `most` for which `why` says nothing, where each n before it fits too. */
function largest(most: number, why: (n: number) => string | null): Largest {
  let [fits, fails] = [0, most + 1];
  while (fits + 1 < fails) {
    const middle = Math.floor((fits + fails) / 2);
    if (why(middle) === null) fits = middle;
    else fails = middle;
  }
  return {value: fits, reason: fails > most ? null : why(fails)};
}

function leastCommonMultiple(a: number, b: number): number {
  const divisor = (x: number, y: number): number => (y === 0 ? x : divisor(y, x % y));
  return (a / divisor(a, b)) * b;
}
