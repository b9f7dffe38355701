import type { TrialLine } from './triallines';

/** Where the axes of trials stand, in pixels. */
export interface Layout {
  width: number;
  height: number;
  top: number;
  bottom: number;
  /** Of each axis. */
  xs: readonly number[];
  /** Between two axes. */
  gap: number;
}

const HEIGHT = 270;
const [LEFT, RIGHT, TOP, BOTTOM] = [16, 76, 32, 26];
/** Nearer to each other, what stands beside axes could not be read: then the picture is scrolled. */
const NARROWEST = 84;
/** Where a parameter does not apply, a line passes so far below its axis. */
const BELOW = 16;
/** How near one points at a line, in pixels. */
const NEAR = 10;

export function layoutOf(room: number, axes: number): Layout {
  const between = Math.max(1, axes - 1);
  const gap = Math.max(NARROWEST, (room - LEFT - RIGHT) / between);
  return {
    width: LEFT + gap * between + RIGHT,
    height: HEIGHT,
    top: TOP,
    bottom: HEIGHT - BOTTOM,
    xs: Array.from({ length: axes }, (_, at) => LEFT + at * gap),
    gap
  };
}

export function yOf({ top, bottom }: Layout, place: number): number {
  return bottom - (bottom - top) * place;
}

/** The place at a height, within the axis. */
export function placeAt({ top, bottom }: Layout, y: number): number {
  return Math.min(1, Math.max(0, (bottom - y) / (bottom - top)));
}

/** The axis that stands at a distance from the left, within `reach`. */
export function axisAt({ xs }: Layout, x: number, reach: number): number | null {
  const at = xs.findIndex(each => Math.abs(each - x) <= reach);
  return at < 0 ? null : at;
}

/** A trial as the path of its line. */
export function pathOf(layout: Layout, line: TrialLine): string {
  return cornersOf(layout, line)
    .map(([x, y], at) => `${at === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join('');
}

/** Of lines the one that is nearest to a point, if one is near. */
export function nearest(layout: Layout, lines: readonly TrialLine[], x: number, y: number): TrialLine | null {
  const at = Math.min(layout.xs.length - 2, Math.max(0, Math.floor((x - layout.xs[0]!) / layout.gap)));
  const part = Math.min(1, Math.max(0, (x - layout.xs[at]!) / layout.gap));
  let found: TrialLine | null = null;
  let least = NEAR;
  for (const line of lines) {
    const [from, to] = [heightOn(layout, line, at), heightOn(layout, line, at + 1) ?? null];
    const distance = from === null || to === null ? Infinity : Math.abs(from + (to - from) * part - y);
    // Of equals the one that is drawn over the others.
    if (distance <= least) {
      [found, least] = [line, distance];
    }
  }
  return found;
}

function cornersOf(layout: Layout, line: TrialLine): [number, number][] {
  return layout.xs.flatMap((x, at) => {
    const y = heightOn(layout, line, at);
    return y === null ? [] : [[x, y] as [number, number]];
  });
}

/** The height at which a line crosses an axis; null where it ends before it, for nothing has come of the trial. */
function heightOn(layout: Layout, { places }: TrialLine, at: number): number | null {
  const place = places[at];
  if (place !== undefined) {
    return yOf(layout, place);
  }
  return at === places.length - 1 ? null : layout.bottom + BELOW;
}
