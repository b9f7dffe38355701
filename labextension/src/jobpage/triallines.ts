import type { Measurement, StudyReport, Trial } from '../types';
import { parameterAxis, resultAxis, type Axis, type ParameterAxis, type ResultAxis } from './trialaxes';

/** How many colours tell results from the worst to the best. */
export const SHADES = 7;

/** A trial across all axes. */
export interface TrialLine {
  number: number;
  /** Where it lies on each axis; undefined where the parameter does not apply, or nothing has come of it. */
  places: readonly (number | undefined)[];
  /** From 0, the worst, to the best; undefined of a trial without a result. */
  shade: number | undefined;
  isBest: boolean;
}

/** All parameters of a study at once, and what came of them. */
export interface TrialLines {
  /** The last one is that of the results. */
  axes: readonly Axis[];
  /** The worst first: the best is drawn over the others. */
  lines: readonly TrialLine[];
  goal: StudyReport['study']['spec']['goal'];
}

/** By axis, from which place to which a trial is to lie. */
export type Brushes = ReadonlyMap<number, readonly [number, number]>;

const SLIP = 1e-6;

/** What trials came to: of those that still go on, what they reported last. */
export function resultsOf({ study, runs = [] }: StudyReport): ReadonlyMap<number, Measurement> {
  const last = new Map(runs.map(run => [run.number, run.curve?.at(-1)]));
  const found = (study.trials ?? []).map(trial => [trial.number, trial.final ?? last.get(trial.number)] as const);
  return new Map(found.filter((pair): pair is [number, Measurement] => pair[1] !== undefined));
}

/** The trial with the best final result, the earlier one of equals. */
export function bestOf(trials: readonly Trial[], goal: TrialLines['goal']): number | undefined {
  let best: { number: number; value: number } | undefined;
  for (const { number, final } of trials) {
    const value = Number(final?.value ?? NaN) * (goal === 'MAXIMIZE' ? -1 : 1);
    if (!Number.isNaN(value) && (best === undefined || value < best.value)) {
      best = { number, value };
    }
  }
  return best?.number;
}

/** The axis of a study's results as they are now. */
export function resultAxisOf(report: StudyReport): ResultAxis {
  const { metric, goal } = report.study.spec;
  return resultAxis(
    metric,
    [...resultsOf(report).values()].map(({ value }) => Number(value)),
    goal
  );
}

/** Put the trials of a study across its axes. */
export function trialLines(report: StudyReport, result: ResultAxis): TrialLines {
  const { spec, trials = [] } = report.study;
  const axes = spec.parameters.map(parameterAxis);
  const results = resultsOf(report);
  const best = bestOf(trials, spec.goal);
  const lines = trials.map(trial => {
    const value = Number(results.get(trial.number)?.value ?? NaN);
    const place = Number.isNaN(value) ? undefined : result.placeOf(value);
    return {
      number: trial.number,
      places: [...axes.map(axis => placeOn(axis, trial)), place],
      shade: place === undefined ? undefined : shadeOf(spec.goal === 'MAXIMIZE' ? place : 1 - place),
      isBest: trial.number === best
    };
  });
  const rank = (line: TrialLine): number => (line.isBest ? SHADES : (line.shade ?? -1));
  return { axes: [...axes, result], lines: lines.sort((one, other) => rank(one) - rank(other)), goal: spec.goal };
}

/** Whether a trial lies where it is to lie on all axes. */
export function passes({ places }: TrialLine, brushes: Brushes): boolean {
  return [...brushes].every(([at, [low, high]]) => {
    const place = places[at];
    return place !== undefined && place >= low - SLIP && place <= high + SLIP;
  });
}

function placeOn(axis: ParameterAxis, trial: Trial): number | undefined {
  const text = trial.parameters[axis.name];
  return text === undefined ? undefined : axis.placeOf(text);
}

function shadeOf(goodness: number): number {
  return Math.round(Math.min(1, Math.max(0, goodness)) * (SHADES - 1));
}
