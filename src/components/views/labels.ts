/** A label wanted at a mark, in pixels. Earlier ones are placed first; one without text only keeps its mark free. */
export interface LabelRequest {
  text: string;
  /** Centre of the mark. */
  x: number;
  y: number;
  /** Half the mark's height; zero for a horizontal line across the frame. */
  radius: number;
  /** Width of the text. */
  width: number;
}

/** A label's text starts at `x`, and `y` is its vertical centre. */
export interface PlacedLabel {
  text: string;
  x: number;
  y: number;
}

/** Pixels between a label and what is beside it. */
const gap = 3;

interface Box {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/**
 * Puts each label beside its mark where it covers no mark, no line, no label before it and no edge; a label that fits
 * nowhere is left out.
 * @param height of a line of text, in pixels
 */
export function placeLabels(requests: readonly LabelRequest[], frame: Box, height: number): PlacedLabel[] {
  const taken: Box[] = requests.map(({x, y, radius: r}) =>
    r > 0 ? {x0: x - r, y0: y - r, x1: x + r, y1: y + r} : {x0: frame.x0, y0: y - 1, x1: frame.x1, y1: y + 1}
  );
  const placed: PlacedLabel[] = [];
  for (const {text, x, y, radius, width} of requests) {
    if (!text) continue;
    const candidates = radius > 0 ? besideMark(x, y, radius, width, height) : alongLine(y, width, height, frame);
    const free = candidates.find(([left, centre]) => {
      const box = {x0: left, y0: centre - height / 2, x1: left + width, y1: centre + height / 2};
      return inside(box, frame) && !taken.some((other) => overlap({...box, x0: left - gap, x1: box.x1 + gap}, other));
    });
    if (!free) continue;
    const [left, centre] = free;
    taken.push({x0: left, y0: centre - height / 2, x1: left + width, y1: centre + height / 2});
    placed.push({text, x: left, y: centre});
  }
  return placed;
}

type Position = readonly [left: number, centre: number];

function besideMark(x: number, y: number, radius: number, width: number, height: number): Position[] {
  const rise = radius + height / 2 + 1;
  const [right, left] = [x + radius + gap + 1, x - radius - gap - 1 - width];
  const near = [0, -0.3, 0.3, -0.6, 0.6, -1.3, 1.3].map((lines) => y + lines * height);
  return [
    [right, y],
    [left, y],
    ...[y - rise, y + rise].flatMap((level): Position[] => [
      [x - width / 2, level],
      [x - width, level],
      [x, level]
    ]),
    ...near.flatMap((level): Position[] => [
      [right, level],
      [left, level]
    ])
  ];
}

/** Above the line, then below it: in the middle, then towards its ends. */
function alongLine(y: number, width: number, height: number, {x0, x1}: Box): Position[] {
  const room = x1 - x0 - width - 16;
  return [y - height / 2 - 2, y + height / 2 + 4].flatMap((level) =>
    [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0, 1].map((part): Position => [x0 + 8 + part * room, level])
  );
}

function inside(box: Box, frame: Box): boolean {
  return box.x0 >= frame.x0 && box.x1 <= frame.x1 && box.y0 >= frame.y0 && box.y1 <= frame.y1;
}

function overlap(a: Box, b: Box): boolean {
  return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}
