import {symbolCircle, symbolCross, symbolDiamond2, symbolSquare, symbolTriangle, symbolWye, type SymbolType} from "d3";

/** By the start of a device's name: its symbol in Node, or as others reported it, and in a browser. */
const symbols: readonly (readonly [device: string, elsewhere: SymbolType, browser: SymbolType])[] = [
  ["NVIDIA H200", symbolCircle, symbolSquare],
  ["Apple M2 Pro", symbolTriangle, symbolDiamond2],
  ["", symbolWye, symbolCross]
];

/**
 * The symbol of what recorded rows ran on, the same in every plot, whatever else is in it. All of them can be hollow, and
 * none is the star of the reader's own run.
 * @param place as `ranOn` says it, in full or short: "NVIDIA H200 in Chromium 156"
 */
export function placeSymbol(place: string): SymbolType {
  const [, elsewhere, browser] = symbols.find(([device]) => place.startsWith(device))!;
  return place.includes(" in ") ? browser : elsewhere;
}
