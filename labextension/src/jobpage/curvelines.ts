import type { CurveData, Points } from './curvedata';

/** What a curve is drawn over. */
export type Across = 'step' | 'relative' | 'wall';

/** One line of a chart. */
export interface Line {
  label: string;
  /** A CSS variable with the colour. */
  colour: string;
  isDashed: boolean;
  /** Drawn thin and pale, without a name: what a smoothed line was before. */
  isBehind: boolean;
  /** Ascending. */
  xs: readonly number[];
  /** NaN where there is no number. */
  ys: readonly number[];
  /** What is said of it while nobody points at a place; by default its last value. */
  summary?: string;
}

/** A small chart: a scalar, in training and validation, of one or several jobs. */
export interface CurveChart {
  name: string;
  lines: Line[];
}

export interface CurveChoice {
  across: Across;
  /** From 0 to 0.999, TensorBoard's. */
  smoothing: number;
}

const COLOURS = 8;
const VALIDATION = 'val_';

/** Put the scalars of jobs into charts: `val_loss` beside `loss`, the same scalar of all jobs in one. */
export function chartsOf(
  jobs: readonly CurveData[],
  labels: ReadonlyMap<string, string>,
  { across, smoothing }: CurveChoice
): CurveChart[] {
  const charts = new Map<string, Line[]>();
  const isOne = jobs.length === 1;
  jobs.forEach((job, at) => {
    const begin = beginOf(job);
    for (const name of [...job.scalars.keys()].sort(byScalar)) {
      const isValidation = name.startsWith(VALIDATION);
      const key = isValidation ? name.slice(VALIDATION.length) : name;
      const label = isOne
        ? isValidation
          ? 'validation'
          : 'training'
        : labelOf(labels.get(job.job) ?? job.job, isValidation);
      const colour = colourOf(isOne ? Number(isValidation) : at);
      const lines = charts.get(key) ?? [];
      lines.push(
        ...linesOf(job.scalars.get(name)!, { label, colour, isDashed: isValidation }, across, begin, smoothing)
      );
      charts.set(key, lines);
    }
  });
  return [...charts].sort(([one], [other]) => byScalar(one, other)).map(([name, lines]) => ({ name, lines }));
}

/** The CSS variable with the colour of the first, the second … of several things. */
export function colourOf(at: number): string {
  return `--mlm-series-${(at % COLOURS) + 1}`;
}

/** What is learned by comes first, then what Keras calls metrics, then the rest by name. */
export function byScalar(one: string, other: string): number {
  return rankOf(one) - rankOf(other) || one.localeCompare(other);
}

function rankOf(name: string): number {
  return name === 'loss' || name === `${VALIDATION}loss` ? 0 : name.startsWith('evaluation_') ? 2 : 1;
}

function labelOf(job: string, isValidation: boolean): string {
  return isValidation ? `${job} (validation)` : job;
}

function beginOf(job: CurveData): number {
  return extent([...job.scalars.values()].flatMap(points => points.times.slice(0, 1))).low;
}

/** The lowest and the highest of any number of numbers: `Math.min` takes no more than some ten thousand. */
export function extent(values: readonly number[]): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high };
}

function linesOf(
  points: Points,
  look: Pick<Line, 'label' | 'colour' | 'isDashed'>,
  across: Across,
  begin: number,
  smoothing: number
): Line[] {
  const where = across === 'step' ? points.steps : points.times.map(time => (across === 'wall' ? time : time - begin));
  const { xs, ys } = ascending(where, points.values);
  if (smoothing === 0) {
    return [{ ...look, isBehind: false, xs, ys }];
  }
  return [
    { ...look, isBehind: true, xs, ys },
    { ...look, isBehind: false, xs, ys: smoothed(ys, smoothing) }
  ];
}

/** Points by their place; of several at one place the last counts, as after a start anew. */
export function ascending(xs: readonly number[], ys: readonly number[]): { xs: number[]; ys: number[] } {
  const order = xs.map((_, index) => index).sort((one, other) => xs[one]! - xs[other]! || one - other);
  const kept = order.filter((at, index) => xs[order[index + 1] ?? -1] !== xs[at]);
  return { xs: kept.map(at => xs[at]!), ys: kept.map(at => ys[at]!) };
}

/** An exponential moving average, without its bias towards 0 at the beginning: as TensorBoard's. */
export function smoothed(values: readonly number[], weight: number): number[] {
  let last = 0;
  let count = 0;
  return values.map(value => {
    if (!Number.isFinite(value)) {
      return value;
    }
    count++;
    last = last * weight + (1 - weight) * value;
    return last / (1 - weight ** count);
  });
}

/** Lines over one list of places, as uPlot wants them: undefined where a line has no point, null where it has no number. */
export function aligned(
  lines: readonly Pick<Line, 'xs' | 'ys'>[],
  isLog: boolean
): [number[], ...(number | null | undefined)[][]] {
  const xs = [...new Set(lines.flatMap(line => line.xs))].sort((one, other) => one - other);
  const at = new Map(xs.map((x, index) => [x, index]));
  const rows = lines.map(line => {
    const row: (number | null | undefined)[] = new Array(xs.length).fill(undefined);
    line.xs.forEach((x, index) => {
      const value = line.ys[index]!;
      row[at.get(x)!] = Number.isFinite(value) && (!isLog || value > 0) ? value : null;
    });
    return row;
  });
  return [xs, ...rows];
}
