/** A piece of WGSL source and what it is, for highlighting; their texts joined are the source. */
export interface Token {
  kind: "comment" | "attribute" | "keyword" | "type" | "number" | "plain";
  text: string;
}

const keywords =
  "alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if import let loop override package requires return struct super switch true var while";
const types =
  "array atomic bool f16 f32 i32 mat[234]x[234][fh]? ptr u32 vec[234][fhiu]? workgroup storage uniform private function read_write read write";
const pattern = new RegExp(
  [
    String.raw`(?<comment>//[^\n]*|/\*[\s\S]*?(?:\*/|$))`,
    String.raw`(?<attribute>@\w+)`,
    String.raw`(?<keyword>\b(?:${keywords.replaceAll(" ", "|")})\b)`,
    String.raw`(?<type>\b(?:${types.replaceAll(" ", "|")})\b)`,
    String.raw`(?<number>\b(?:0[xX][\da-fA-F]+|\d[\d.]*(?:[eE][+-]?\d+)?)[iufh]?\b)`
  ].join("|"),
  "g"
);

/** Splits WGSL source into tokens by sight, not by grammar. */
export function tokenise(source: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of source.matchAll(pattern)) {
    if (match.index > end) tokens.push({kind: "plain", text: source.slice(end, match.index)});
    const [kind, text] = Object.entries(match.groups!).find(([, text]) => text !== undefined)!;
    tokens.push({kind: kind as Token["kind"], text: text!});
    end = match.index + text!.length;
  }
  if (end < source.length) tokens.push({kind: "plain", text: source.slice(end)});
  return tokens;
}
