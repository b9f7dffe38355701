import type { Goal, Parameter, Scale } from '../types';
import { numberMark } from './chartoptions';
import { extent } from './curvelines';

/** A value that is told beside an axis. */
export interface Tick {
  /** From 0, the lower end of the axis, to 1. */
  place: number;
  text: string;
}

/** What trials are drawn across: a parameter, stretched as it is searched, or what came of them. */
export interface Axis {
  name: string;
  ticks: readonly Tick[];
  /** How far keys move along it. */
  step: number;
  /** The value at a place, to be read. */
  textAt(place: number): string;
}

export interface ParameterAxis extends Axis {
  /** Where a value lies; undefined for what is not in the space, such as a trial of an earlier study has. */
  placeOf(text: string): number | undefined;
}

export interface ResultAxis extends Axis {
  /** Where a result lies; what is beyond the axis lies at its end. */
  placeOf(value: number): number;
}

/** How numbers are stretched over an axis: there, and back. */
interface Stretch {
  place(value: number): number;
  value(place: number): number;
}

type Way = 'linear' | 'log' | 'reverse';

const WAYS: Readonly<Record<Scale, Way>> = {
  UNIT_LINEAR_SCALE: 'linear',
  UNIT_LOG_SCALE: 'log',
  UNIT_REVERSE_LOG_SCALE: 'reverse'
};
const STEP = 0.02;
const MOST_TICKS = 5;
/** Two marks that are nearer to each other cannot be read. */
const NEAREST = 0.09;
const NEAREST_WORDS = 0.06;
/** Positive results that differ by more are drawn by their powers of ten. */
const LOG_RATIO = 50;
/** Results so many times the middle half's width away from it lie beyond the axis, if they press all others together. */
const FAR = 3;
const FEWEST = 6;
const SLIP = 1e-9;

export function parameterAxis(parameter: Parameter): ParameterAxis {
  const { name, kind, categories = [], numbers = [] } = parameter;
  if (kind === 'CATEGORICAL') {
    return wordAxis(name, categories, text => categories.indexOf(text));
  }
  if (kind === 'DISCRETE') {
    const known = numbers.map(Number);
    return wordAxis(name, known.map(numberMark), text => known.indexOf(Number(text)));
  }
  return numberAxis(parameter);
}

/** An axis of a few values, as far from each other as from the next. */
function wordAxis(name: string, words: readonly string[], indexOf: (text: string) => number): ParameterAxis {
  const count = words.length;
  const placeAt = (index: number): number => (count > 1 ? index / (count - 1) : 0.5);
  const every = Math.max(1, Math.ceil(count * NEAREST_WORDS));
  return {
    name,
    step: count > 1 ? 1 / (count - 1) : 1,
    ticks: words.map((text, index) => ({ place: placeAt(index), text })).filter((_, index) => index % every === 0),
    textAt: place => words[Math.round(place * (count - 1))] ?? '',
    placeOf: text => {
      const index = indexOf(text);
      return index < 0 ? undefined : placeAt(index);
    }
  };
}

function numberAxis({ name, kind, minimum, maximum, scale }: Parameter): ParameterAxis {
  const [low, high] = [Number(minimum ?? 0), Number(maximum ?? 0)];
  const way = WAYS[scale ?? 'UNIT_LINEAR_SCALE'];
  const stretch = stretchOf(low, high, way);
  const isWhole = kind === 'INTEGER';
  const inner = (way === 'log' ? powers(low, high) : roundNumbers(low, high)).filter(
    value => value > low && value < high && (!isWhole || Number.isInteger(value))
  );
  return {
    name,
    // Of few whole numbers keys leave none out.
    step: isWhole && way === 'linear' ? Math.max(STEP, 1 / Math.max(1, high - low)) : STEP,
    ticks: apart([low, ...inner, high].map(value => ({ place: stretch.place(value), text: numberMark(value) }))),
    textAt: place => numberMark(isWhole ? Math.round(stretch.value(place)) : stretch.value(place)),
    placeOf: text => {
      const place = text.trim() === '' ? NaN : stretch.place(Number(text));
      return place >= -SLIP && place <= 1 + SLIP ? place : undefined;
    }
  };
}

/** An axis for results; a few that are far worse than the rest may lie beyond it. */
export function resultAxis(name: string, values: readonly number[], goal: Goal): ResultAxis {
  const found = values.filter(Number.isFinite).sort((one, other) => one - other);
  const isLog = found.length > 0 && found[0]! > 0 && ratioOf(found) >= LOG_RATIO;
  const reach = found.length === 0 ? [0, 1] : reachOf(isLog ? found.map(Math.log) : found, goal);
  const [low, high] = (isLog ? reach.map(Math.exp) : reach) as [number, number];
  const stretch = stretchOf(low, high, isLog ? 'log' : 'linear');
  const told = found.length === 0 ? [] : isLog ? powers(low, high) : roundNumbers(low, high);
  return {
    name,
    step: STEP,
    ticks: told.map(value => ({ place: stretch.place(value), text: numberMark(value) })),
    textAt: place => numberMark(stretch.value(place)),
    placeOf: value => (value <= low && low < high ? 0 : value >= high && low < high ? 1 : stretch.place(value))
  };
}

function stretchOf(low: number, high: number, way: Way): Stretch {
  if (!(high > low)) {
    return { place: value => (value === low ? 0.5 : NaN), value: () => low };
  }
  const ratio = Math.log(high / low);
  switch (way) {
    case 'log':
      return { place: value => Math.log(value / low) / ratio, value: place => low * Math.exp(place * ratio) };
    case 'reverse':
      return {
        place: value => 1 - Math.log((low + high - value) / low) / ratio,
        value: place => low + high - low * Math.exp((1 - place) * ratio)
      };
    case 'linear':
      return { place: value => (value - low) / (high - low), value: place => low + place * (high - low) };
  }
}

/** How many times the high results are the low ones, without the tenth at either end if they are many. */
function ratioOf(found: readonly number[]): number {
  const cut = Math.floor(found.length / 10);
  return found[found.length - 1 - cut]! / found[cut]!;
}

/** From where to where sorted results are drawn. */
function reachOf(found: readonly number[], goal: Goal): [number, number] {
  let [low, high] = [found[0]!, found.at(-1)!];
  if (found.length >= FEWEST) {
    const [first, third] = [quantile(found, 0.25), quantile(found, 0.75)];
    const reach = FAR * (third - first);
    const near = extent(found.filter(value => (goal === 'MINIMIZE' ? value <= third + reach : value >= first - reach)));
    // Where there is room enough for all, all are drawn.
    [low, high] = near.high - near.low < (high - low) / FAR ? [near.low, near.high] : [low, high];
  }
  const margin = (high - low) * 0.06 || Math.abs(low) * 0.1 || 0.5;
  return [low - margin, high + margin];
}

function quantile(sorted: readonly number[], part: number): number {
  const at = part * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at % 1);
}

/** A few round numbers within a range. */
function roundNumbers(low: number, high: number): number[] {
  if (!(high > low) || !Number.isFinite(high - low)) {
    return [low];
  }
  const rough = (high - low) / MOST_TICKS;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(factor => factor * size).find(each => each >= rough * (1 - SLIP)) ?? 10 * size;
  const first = Math.ceil(low / step - SLIP);
  const count = Math.floor(high / step + SLIP) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** Powers of ten within a range, or where it has less than two of them round numbers. */
function powers(low: number, high: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(low) - SLIP), Math.floor(Math.log10(high) + SLIP)];
  if (last <= first) {
    return roundNumbers(low, high);
  }
  const every = Math.ceil((last - first + 1) / MOST_TICKS);
  const all = Array.from({ length: last - first + 1 }, (_, index) => Number(`1e${first + index}`));
  return all.filter((_, index) => index % every === 0);
}

/** Of marks the two ends, and of the others those that are not too near to another one. */
function apart(ticks: readonly Tick[]): Tick[] {
  const [first, last] = [ticks[0]!, ticks.at(-1)!];
  const kept = [first];
  for (const tick of ticks.slice(1, -1)) {
    if (tick.place - kept.at(-1)!.place >= NEAREST && last.place - tick.place >= NEAREST) {
      kept.push(tick);
    }
  }
  return last.place > first.place ? [...kept, last] : kept;
}
